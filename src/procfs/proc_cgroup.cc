#include "procfs/proc_cgroup.h"

namespace resource_attribution::procfs {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

Result<std::string_view> ParseCgroup(std::string_view bytes) {
  // Lines are `ID:CONTROLLERS:PATH`; v2 is `0::PATH`.
  std::string_view v2;
  std::string_view systemd;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end);
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    // A path that was cut would be a different path.
    if (first == std::string_view::npos || second == std::string_view::npos ||
        end == std::string_view::npos) {
      return Invalid("/proc/PID/cgroup", "lines of ID:CONTROLLERS:PATH");
    }
    std::string_view path = line.substr(second + 1);
    if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) v2 = path;
    if (controllers == "name=systemd") systemd = path;
    bytes.remove_prefix(end + 1);
  }
  // If both are mounted, systemd keeps the same tree in both. If only v1 is in
  // use, every process is in the root of v2.
  return v2.size() > 1 || systemd.empty() ? v2 : systemd;
}

}  // namespace resource_attribution::procfs
