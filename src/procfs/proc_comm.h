#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_COMM_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_COMM_H_

#include <string_view>

namespace resource_attribution::procfs {

/// How many bytes of a command name the kernel keeps: TASK_COMM_LEN without its
/// NUL; proc(5), "/proc/pid/comm".
inline constexpr size_t kCommMax = 15;

/// The command name in the content of `/proc/PID/comm`, without the line break
/// that the kernel adds. The name may hold any bytes, line breaks too. Refers
/// to `bytes`.
inline std::string_view ParseComm(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  return bytes;
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_COMM_H_
