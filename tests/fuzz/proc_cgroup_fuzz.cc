#include <string>

#include "discovery/cgroups.h"
#include "fuzz.h"
#include "procfs/proc_cgroup.h"

using resource_attribution::discovery::LastComponent;
using resource_attribution::discovery::SplitCgroupPath;
using resource_attribution::discovery::SystemdUnitOf;
using resource_attribution::procfs::ParseCgroup;

void Fuzz(std::string_view bytes) {
  const auto cgroup = ParseCgroup(bytes);
  if (!cgroup) {
    Require(cgroup.error().expected != nullptr,
            "an error says what is expected");
    return;
  }
  Require(cgroup->find('\n') == std::string_view::npos,
          "a path is of one line");
  Require(cgroup->empty() ||
              (cgroup->data() > bytes.data() && cgroup->data()[-1] == ':'),
          "a path stands behind a colon");
  const std::string rendered = "0::" + std::string(*cgroup) + " (deleted)\n";
  Require(ParseCgroup(rendered) == *cgroup,
          "what is written anew reads the same");

  const std::string_view unit = SystemdUnitOf(*cgroup);
  Require(unit.find('/') == std::string_view::npos, "a unit has no /");
  Require(!unit.ends_with(".slice"), "a process is in no slice alone");
  Require(unit != "..", "what is above the namespace is no unit");
  Require(LastComponent(*cgroup).find('/') == std::string_view::npos,
          "a component has no /");
  for (const std::string& component : SplitCgroupPath(*cgroup)) {
    Require(!component.empty() && component.find('/') == std::string::npos,
            "components are what is between slashes");
  }
}
