#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_STAT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_STAT_H_

#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// The content of `/proc/PID/stat`; proc(5), "/proc/pid/stat".
struct Stat {
  pid_t pid = 0;

  /// Command name: any bytes that the process chose, without the parentheses.
  /// At most 15 bytes, except for kernel threads. Refers to the parsed bytes.
  std::string_view comm{};

  char state = 0;  ///< R running, S sleeping, Z zombie, X dead, …

  /// Process ID of the parent. 0 for the first processes of a PID namespace,
  /// and if the parent is outside of it.
  pid_t parent = 0;

  uint32_t flags = 0;  ///< PF_* of the kernel's include/linux/sched.h
  uint64_t utime = 0;  ///< CPU time in user mode, in clock ticks
  uint64_t stime = 0;  ///< CPU time in kernel mode, in clock ticks

  /// How many threads the process has. The main thread is among them until the
  /// parent collects the process.
  uint32_t num_threads = 1;

  /// When the process started, in clock ticks since boot (CLOCK_BOOTTIME).
  uint64_t start_time = 0;

  /// Address of the environment. If it changes, the process has executed a
  /// program, which changes neither PID nor start time: the kernel lays out
  /// each program at random addresses, see randomize_va_space of proc(5). 0 if
  /// we may not see it (ptrace(2), PTRACE_MODE_READ_FSCREDS), for kernel
  /// threads, and before Linux 3.5.
  uint64_t env_start = 0;

  /// The process has ended, even if its parent still has to collect it.
  bool Ended() const { return LeaderEnded() && num_threads <= 1; }

  /// The main thread has ended, or is about to, while others run. On the way it
  /// gives up memory, descriptors and namespaces, and then is a zombie. The
  /// values of `stat` for the whole process stay valid.
  bool OnlyLeaderEnded() const {
    return (LeaderEnded() || Exiting()) && num_threads > 1;
  }

  /// A thread of the kernel (PF_KTHREAD), which has no memory of its own.
  bool KernelThread() const { return (flags & 0x00200000U) != 0; }

  /// The process is about to end (PF_EXITING): its memory may be gone already.
  bool Exiting() const { return (flags & 0x00000004U) != 0; }

  /// The process has executed no program since it was forked (PF_FORKNOEXEC),
  /// so it may still share the address space of its parent.
  bool NeverExecuted() const { return (flags & 0x00000040U) != 0; }

 private:
  bool LeaderEnded() const {
    return state == 'Z' || state == 'X' || state == 'x';
  }
};

/// Parses the content of `/proc/PID/stat`. Fails if a needed field is missing,
/// cut off, or not a number that fits.
Result<Stat> ParseStat(std::string_view bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_STAT_H_
