#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_

#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// The cgroup of a process from the content of `/proc/PID/cgroup`: a path
/// relative to the root of its hierarchy, beginning with `/`. The hierarchy is
/// v2, or, if the process does not use it, v1's hierarchy named `systemd`;
/// cgroups(7). Refers to `bytes`. The kernel appends " (deleted)" once the
/// cgroup was removed; this cuts it.
///
/// Empty if the process is in neither. Names of cgroups hold no line break: the
/// kernel refuses it.
Result<std::string_view> ParseCgroup(std::string_view bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_
