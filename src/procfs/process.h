#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_

#include <sys/types.h>

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

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

/// A file as far as it was read.
struct Beginning {
  std::string_view bytes{};
  bool cut = false;  ///< it goes on
};

/// The files of one process.
///
/// Opened, it is a directory `/proc/PID` that is kept, and everything is read
/// relative to its descriptor. That belongs to the process for which it was
/// opened: once that process is gone, reads fail with ESRCH or ENOENT even if
/// another process has got its PID, which a path could not tell.
///
/// Glanced at, it is a path, so that each file costs three system calls and
/// nothing besides, but is of whichever process has the PID then. That is good
/// enough to rule a process out.
///
/// Where the main thread has ended while others run, what it has no more is
/// read from one of these: command line, executable, environment, mapped files,
/// memory, descriptors, network namespace.
///
/// Not thread-safe. Buffers that are passed in hold the bytes read, and results
/// refer to them; pass the same ones again to reuse their memory.
class Process {
 public:
  /// Opens the directory of `pid` below `proc_fd`, a directory of procfs.
  static Result<Process> Open(int proc_fd, pid_t pid);

  /// `proc_fd` has to stay open for as long as this is used.
  static Process Glance(int proc_fd, pid_t pid);

  pid_t pid() const { return pid_; }

  Result<Stat> ReadStat(Buffer& buffer) const;
  Result<Status> ReadStatus(Buffer& buffer) const;

  /// `status` of a thread that has memory, apart from the main one. ESRCH where
  /// there is none.
  Result<Status> ReadStatusOfThread(Buffer& buffer) const;

  /// How many PIDs the process has: one in the PID namespace of this procfs,
  /// and one in each namespace from there down to its own. See ParsePidCount.
  Result<size_t> CountPids(Buffer& buffer) const;

  /// The first 256 KiB of it, so that no process can make the daemon grow; one
  /// argument is 128 KiB at the most (MAX_ARG_STRLEN, execve(2)).
  Result<Cmdline> ReadCmdline(Buffer& buffer) const;

  /// The same as it stands there: each argument ends with a NUL.
  Result<std::string_view> ReadArguments(Buffer& buffer) const;

  Result<std::string_view> ReadComm(Buffer& buffer) const;

  /// Path of the executable. Absent (ENOENT) for kernel threads; refused
  /// (EACCES) for processes of others without CAP_SYS_PTRACE, see ptrace(2),
  /// PTRACE_MODE_READ_FSCREDS.
  Result<std::string_view> ReadExe(Buffer& buffer) const;

  /// The first 1 MiB of the environment, see NextVariable. Refused (EACCES)
  /// like the executable, and for processes of others without
  /// CAP_DAC_READ_SEARCH besides, because the file is its owner's; empty, or
  /// ESRCH with later kernels, for kernel threads and processes that have
  /// ended; empty for a moment while a program is being executed.
  Result<Beginning> ReadEnviron(Buffer& buffer) const;

  /// The first 4 MiB of the list of mapped files, see NextMappedFile. Refused
  /// like the executable, and empty like the environment.
  Result<Beginning> ReadMaps(Buffer& buffer) const;

  /// See ParseCgroup.
  Result<std::string_view> ReadCgroup(Buffer& buffer) const;

  /// Proportional set size in kB, see ParsePss. The kernel walks over all pages
  /// of the process for it. Refused (EACCES) like the executable; ESRCH for
  /// kernel threads.
  Result<uint64_t> ReadPss(Buffer& buffer) const;

  /// Fills `inodes` with those of the sockets among its descriptors, in no
  /// particular order, one as often as it has descriptors for it. Refused
  /// (EACCES) like the executable; for processes of others it takes
  /// CAP_DAC_READ_SEARCH besides, because the directory is its owner's.
  Result<void> ListSockets(std::vector<ino_t>& inodes) const;

  /// Which network namespace it is in: two processes have the same number if
  /// they are in the same, namespaces(7). Refused (EACCES) like the executable.
  Result<ino_t> NetworkNamespace() const;

  /// Fills `tids` with the IDs of its threads, ascending. Where threads end
  /// meanwhile, the kernel may leave out others (fs/proc/base.c, first_tid).
  Result<void> ListThreads(std::vector<pid_t>& tids, Buffer& buffer) const;

  /// An error that is Gone() unless this is the process `id` and it has not
  /// ended: until its directory was opened, another process may have got its
  /// PID.
  Result<void> IsStill(const ProcessId& id, Buffer& buffer) const;

  /// Of one thread: its name, CPU time and start.
  Result<Stat> ReadThreadStat(pid_t tid, Buffer& buffer) const;

 private:
  friend class ProcessFiles;

  // A file of the process and how errors call it.
  struct File {
    const char* name;
    const char* shown;
  };
  // Its path from base_: "PID/task/TID/smaps_rollup" fits.
  using Path = std::array<char, 48>;

  Process(pid_t pid, FileDescriptor directory, int base)
      : pid_(pid), directory_(std::move(directory)), base_(base) {}

  Path PathOf(const File& file, pid_t thread = 0) const;
  Result<FileDescriptor> OpenFile(const File& file, pid_t thread = 0) const;
  Result<std::string_view> Read(const File& file, size_t limit,
                                Oversize oversize, Buffer& buffer,
                                pid_t thread = 0) const;
  Result<Beginning> ReadBeginning(const File& file, size_t limit,
                                  Buffer& buffer) const;
  Result<size_t> ListSockets(std::vector<ino_t>& inodes, pid_t thread) const;
  auto ReadWhereItIs(Buffer& buffer, auto is_nothing, auto read) const;
  Result<pid_t> ThreadInPlaceOfLeader(Buffer& buffer) const;
  Result<void> ForEachThread(std::span<char> entries, auto take) const;

  pid_t pid_;
  FileDescriptor directory_;  // none when it is only glanced at
  int base_;                  // the directory, or else that of procfs
};

/// The two files that every pass reads of a process, kept open, which makes a
/// read cost half of what it does otherwise.
class ProcessFiles {
 public:
  /// How many descriptors this takes.
  static constexpr size_t kDescriptors = 2;

  /// Both files are of one process if reading `stat` succeeds afterwards: then
  /// its process was there all the time, and nobody else had the PID.
  static Result<ProcessFiles> Open(const Process& process);

  Result<Stat> ReadStat(Buffer& buffer) const;
  Result<Status> ReadStatus(Buffer& buffer) const;

 private:
  ProcessFiles(FileDescriptor stat, FileDescriptor status)
      : stat_(std::move(stat)), status_(std::move(status)) {}

  FileDescriptor stat_;
  FileDescriptor status_;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
