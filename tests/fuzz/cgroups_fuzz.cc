#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string>

#include "discovery/cgroups.h"
#include "fuzz.h"
#include "proc_tree.h"
#include "procfs/decimal.h"

using namespace resource_attribution::discovery;
using Members = std::vector<std::pair<std::string, pid_t>>;

namespace {

// Below each of them there is a process list. Names as systemd and users make
// them.
constexpr std::array kPaths = {
    "/",
    "/system.slice",
    "/system.slice/nginx.service",
    "/system.slice/a\\x2db.service",
    "/system.slice/a[b].service",
    "/user.slice",
    "/user.slice/user-1000.slice",
    "/user.slice/user-1000.slice/x.scope",
    "/user.slice/user-1000.slice/x.scope/nginx.service",
    "/_cgroup.procs.service",
    "/plain",
    "/plain/caf\xc3\xa9.service"};

class Tree {
 public:
  Tree() {
    const auto root = directory_.path() / "v2";
    for (const char* path : kPaths) {
      std::filesystem::create_directories(root.string() + path);
    }
    Write(mounts(), "cgroup2 " + root.string() + " cgroup2 rw 0 0\n");
  }

  std::string mounts() const { return directory_.path() / "mounts"; }

  void SetProcesses(const std::string& path, const std::string& procs) const {
    Write(directory_.path().string() + "/v2" + path + "/cgroup.procs", procs);
  }

 private:
  TemporaryDirectory directory_;
};

bool Matches(const std::string& pattern, const std::string& name) {
  if (pattern.find_first_of("*?[") == std::string::npos) return pattern == name;
  return pattern == name ||
         fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

bool IsBelow(const std::string& path, const CgroupPattern& pattern) {
  const CgroupPattern components = SplitCgroupPath(path);
  return components.size() >= pattern.size() &&
         std::equal(pattern.begin(), pattern.end(), components.begin(),
                    Matches);
}

// As the configuration takes it.
bool IsValid(const std::string& text) {
  const auto components = SplitCgroupPath(text);
  return !text.empty() && IsPlainText(text) &&
         std::none_of(components.begin(), components.end(),
                      [](const std::string& component) {
                        return component == "." || component == "..";
                      });
}

Members Sorted(const std::vector<CgroupMember>& listed) {
  Members members;
  for (const CgroupMember& member : listed) {
    Require(member.pid > 0, "a PID is positive");
    members.emplace_back(member.cgroup, member.pid);
  }
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace

// Patterns over a tree of which one cgroup has the process list of the input.
void Fuzz(std::string_view bytes) {
  static const Tree tree;
  static const bool written = [] {
    for (const char* path : kPaths) tree.SetProcesses(path, "7\n");
    return true;
  }();
  Require(written, "there is a tree");
  auto choices = ChoicesFrom(bytes);
  const std::string pattern = choices.ConsumeRandomLengthString(300).c_str();
  const std::string unit = choices.ConsumeRandomLengthString(300).c_str();
  const std::string special = choices.PickValueInArray(kPaths);
  const std::string procs = choices.ConsumeRemainingBytesAsString();
  if (!IsValid(pattern)) return;
  tree.SetProcesses(special, procs);

  Members expected;
  for (const std::string path : kPaths) {
    if (!IsBelow(path, SplitCgroupPath(pattern))) continue;
    std::istringstream lines(path == special ? procs : "7\n");
    for (std::string line; std::getline(lines, line);) {
      const auto pid = resource_attribution::procfs::ParseDecimal<pid_t>(line);
      if (pid && *pid > 0) expected.emplace_back(path, *pid);
    }
  }
  std::sort(expected.begin(), expected.end());

  Cgroups cgroups(tree.mounts());
  Require(cgroups.BeginPass().has_value(), "the hierarchy is found");
  std::vector<CgroupMember> members;
  const auto listed = cgroups.List(SplitCgroupPath(pattern), members);
  const bool one_is_cut = !procs.empty() && !procs.ends_with('\n');
  const bool is_cut = one_is_cut && IsBelow(special, SplitCgroupPath(pattern));
  // A file in place of a cgroup, a name that no cgroup can have, or a list that
  // ends within a line.
  if (!listed) {
    Require(is_cut || listed.error().system_error == ENOTDIR ||
                listed.error().system_error == ENAMETOOLONG,
            "what is no cgroup is an error");
  } else {
    Require(!is_cut, "a list that was cut is an error");
    Require(Sorted(members) == expected,
            "a pattern lists the processes of each cgroup below it");
  }

  members.clear();
  Require(cgroups.ListUnit(unit, members).has_value() || one_is_cut,
          "units can be listed");
  for (const auto& [path, pid] : Sorted(members)) {
    const auto components = SplitCgroupPath(path);
    Require(std::any_of(components.begin(), components.end(),
                        [&](const std::string& component) {
                          return Matches(unit, component) ||
                                 Matches(unit, component.substr(1));
                        }),
            "a process of a unit is below a cgroup of its name");
  }
  tree.SetProcesses(special, "7\n");
}
