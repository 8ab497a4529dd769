#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_

#include <string_view>

namespace resource_attribution::procfs {

/// The path of the executable from the target of the link `/proc/PID/exe`;
/// proc(5), "/proc/pid/exe". Once the file was unlinked, as by an upgrade, the
/// kernel appends " (deleted)"; this cuts it. Refers to `target`.
std::string_view ParseExe(std::string_view target);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
