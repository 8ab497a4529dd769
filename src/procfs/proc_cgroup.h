#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_

#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// The cgroup of a process in the content of `/proc/PID/cgroup`, as a path
/// relative to the root of its hierarchy, beginning with `/`: in the v2
/// hierarchy, or, where that is not in use for the process, in v1's named
/// `systemd`; cgroups(7). Refers to `bytes`; without the " (deleted)" that the
/// kernel appends once the cgroup was removed.
///
/// Empty where the process is in neither. Names of cgroups hold no line break:
/// the kernel refuses it.
Result<std::string_view> ParseCgroup(std::string_view bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_CGROUP_H_
