#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_STATUS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_STATUS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// The content of `/proc/PID/status`; proc(5), "/proc/pid/status".
///
/// A line that the kernel does not write is absent here, never zero: kernel
/// threads and processes that are ending have no Vm lines.
struct Status {
  std::optional<pid_t> thread_group{};    ///< `Tgid`: the PID of the process
  std::optional<uid_t> real_user{};       ///< `Uid`, first column
  std::optional<uid_t> effective_user{};  ///< `Uid`, second column

  // In kB of 1024 bytes.
  std::optional<uint64_t> vm_peak_kb{};  ///< `VmPeak`: peak virtual memory
  std::optional<uint64_t> vm_hwm_kb{};   ///< `VmHWM`: peak of the resident set
  std::optional<uint64_t> vm_rss_kb{};   ///< `VmRSS`: resident set

  /// Whether the file has any of the lines about memory.
  bool HasMemory() const { return vm_peak_kb || vm_hwm_kb || vm_rss_kb; }
};

/// Parses the content of `/proc/PID/status`. Skips unknown lines. A known line
/// that it cannot read is an error, and so is a last line that was cut off.
Result<Status> ParseStatus(std::string_view bytes);

/// How many PIDs are in the line `NSpid` (Linux 4.1) of the content of
/// `/proc/PID/status`: one for each PID namespace from that of the procfs down
/// to the process's own. An error if the line is missing.
Result<size_t> ParsePidCount(std::string_view bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_STATUS_H_
