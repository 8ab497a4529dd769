#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <string>

#include "procfs/file.h"
#include "procfs/proc_cmdline.h"
#include "procfs/proc_stat.h"
#include "procfs/proc_status.h"
#include "procfs/result.h"

namespace resource_attribution::procfs {

/// Which process: a PID is reused, a PID together with the moment its process
/// started is not.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot, `starttime` of proc(5)

  auto operator<=>(const ProcessId&) const = default;
};

/// An open directory `/proc/PID`.
///
/// Everything is read relative to the descriptor. It belongs to the process for
/// which it was opened: once that process is gone, reads fail with ESRCH or
/// ENOENT even if another process has got its PID, which a path could not tell.
///
/// Not thread-safe. Strings that are passed in hold the bytes read, and results
/// refer to them; pass the same ones again to reuse their memory.
class Process {
 public:
  /// Opens the directory of `pid` below `proc_fd`, a directory of procfs.
  static Result<Process> Open(int proc_fd, pid_t pid);

  pid_t pid() const { return pid_; }

  Result<Stat> ReadStat(std::string& content) const;
  Result<Status> ReadStatus(std::string& content) const;

  /// The first 256 KiB of it, so that no process can make the daemon grow; one
  /// argument is 128 KiB at the most (MAX_ARG_STRLEN, execve(2)).
  Result<Cmdline> ReadCmdline(std::string& content) const;

  Result<std::string_view> ReadComm(std::string& content) const;

  /// Path of the executable. Absent (ENOENT) for kernel threads; refused
  /// (EACCES) for processes of others without CAP_SYS_PTRACE, see ptrace(2),
  /// PTRACE_MODE_READ_FSCREDS.
  Result<std::string_view> ReadExe(std::string& content) const;

 private:
  Process(pid_t pid, FileDescriptor directory)
      : pid_(pid), directory_(std::move(directory)) {}

  pid_t pid_;
  FileDescriptor directory_;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
