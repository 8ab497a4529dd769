#include "discovery/selector_warnings.h"

#include <algorithm>
#include <array>

#include "procfs/printable.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Quoted;

// Names of kernel threads may have a slash, but never at the beginning.
bool IsPath(const std::string& name) { return name.starts_with('/'); }

}  // namespace

bool HasWildcard(const std::string& text) {
  return text.find('*') != std::string::npos;
}

std::string CgroupPath(const CgroupPattern& pattern) {
  std::string path;
  for (const std::string& component : pattern) {
    path += (path.empty() ? "" : "/") + component;
  }
  return path;
}

std::optional<CgroupPattern> WithoutMountPoint(const CgroupPattern& pattern) {
  constexpr std::array kMountPoint = {"sys", "fs", "cgroup"};
  if (pattern.size() <= kMountPoint.size() ||
      !std::equal(kMountPoint.begin(), kMountPoint.end(), pattern.begin())) {
    return std::nullopt;
  }
  auto first = pattern.begin() + kMountPoint.size();
  // In v1 each hierarchy is mounted in a directory of its own.
  const bool is_hierarchy = *first == "systemd" || *first == "unified";
  if (is_hierarchy && first + 1 != pattern.end()) ++first;
  return CgroupPattern(first, pattern.end());
}

std::vector<std::string> SelectorWarnings(const Selectors& selectors) {
  std::vector<std::string> warnings;
  for (const std::string& name : selectors.names) {
    if (IsPath(name)) {
      warnings.push_back("Name " + Quoted(name) +
                         " is a path, not a command name: use Executable " +
                         Quoted(name) + ", or Name " +
                         Quoted(name.substr(name.rfind('/') + 1)));
    } else if (HasWildcard(name)) {
      warnings.push_back(
          "Name " + Quoted(name) +
          " is not a pattern: use CommandLine with an expression, "
          "or Name once for each command name");
    }
  }
  for (const std::string& path : selectors.pid_files) {
    if (!HasWildcard(path)) continue;
    warnings.push_back("PIDFile " + Quoted(path) +
                       " is not a pattern: use PIDFile once for each file");
  }
  for (const CgroupPattern& pattern : selectors.cgroups) {
    const auto relative = WithoutMountPoint(pattern);
    if (!relative) continue;
    warnings.push_back("Cgroup " + Quoted("/" + CgroupPath(pattern)) +
                       " is not a path relative to the root of the hierarchy: "
                       "use Cgroup " +
                       Quoted(CgroupPath(*relative)));
  }
  return warnings;
}

}  // namespace resource_attribution::discovery
