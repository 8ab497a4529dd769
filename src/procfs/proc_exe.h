#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_

#include <string_view>

namespace resource_attribution::procfs {

/// The path of the executable in the target of the link `/proc/PID/exe`:
/// without the " (deleted)" that the kernel appends once the file was unlinked,
/// as an upgrade does; proc(5), "/proc/pid/exe". Refers to `target`.
std::string_view ParseExe(std::string_view target);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_EXE_H_
