#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_

#include <sys/types.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "procfs/byte_source.h"
#include "procfs/file.h"
#include "procfs/proc_cmdline.h"
#include "procfs/proc_stat.h"
#include "procfs/proc_status.h"
#include "procfs/result.h"

namespace resource_attribution::procfs {

/// Identifies a process: a PID is reused, a PID together with the start time of
/// its process is not.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot, `starttime` of proc(5)

  auto operator<=>(const ProcessId&) const = default;
};

/// The beginning of a file, up to a limit.
struct Beginning {
  std::string_view bytes{};
  bool cut = false;  ///< it goes on
};

/// The file of a program, kept open.
struct ProgramFile {
  pid_t process = 0;  ///< which executes it
  FileDescriptor descriptor;

  /// The size at first. Reads fail if the file has become shorter.
  uint64_t size = 0;

  /// Two files with the same identity have the same content.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    uint64_t size = 0;
    int64_t changed_seconds = 0;
    int64_t changed_nanoseconds = 0;

    bool operator==(const Identity&) const = default;
  };
  Identity identity{};

  /// Refers to the descriptor.
  ByteSource Bytes() const;
};

/// The number of the socket that a descriptor leads to, if it is one.
std::optional<ino_t> SocketOf(std::string_view descriptor_target);

struct ProcFile;

/// The files of one process.
///
/// After Open it keeps a descriptor of the directory `/proc/PID` and reads
/// everything relative to it. The descriptor belongs to the process for which
/// it was opened. Once that process is gone, reads fail with ESRCH or ENOENT,
/// even if another process has got its PID; a path would lead to that process.
///
/// After Glance it is only a path. Each file costs three system calls and
/// nothing else, but belongs to whichever process has the PID then. That is
/// good enough to rule a process out.
///
/// If the main thread has ended while others run, these are read from one of
/// the others: command line, executable, environment, mapped files, memory,
/// descriptors, network namespace.
///
/// Not thread-safe. Results refer to the buffers that are passed in; pass the
/// same ones again to reuse their memory.
class Process {
 public:
  /// Opens the directory of `pid` below `proc_fd`, a directory of procfs.
  static Result<Process> Open(int proc_fd, pid_t pid);

  /// `proc_fd` must stay open as long as the object lives.
  static Process Glance(int proc_fd, pid_t pid);

  pid_t pid() const { return pid_; }

  Result<Stat> ReadStat(Buffer& buffer) const;
  Result<Status> ReadStatus(Buffer& buffer) const;

  /// `status` of a thread, other than the main one, that has memory. ESRCH if
  /// there is none.
  Result<Status> ReadStatusOfThread(Buffer& buffer) const;

  /// How many PIDs the process has: one in the PID namespace of this procfs,
  /// and one in each namespace from there down to its own. See ParsePidCount.
  Result<size_t> CountPids(Buffer& buffer) const;

  /// The first 256 KiB of the command line, so that no process can make the
  /// daemon grow. One argument has at most 128 KiB (MAX_ARG_STRLEN, execve(2)).
  Result<Cmdline> ReadCmdline(Buffer& buffer) const;

  /// The same bytes as in the file: each argument ends with a NUL.
  Result<std::string_view> ReadArguments(Buffer& buffer) const;

  Result<std::string_view> ReadComm(Buffer& buffer) const;

  /// Path of the executable. Absent (ENOENT) for kernel threads. Refused
  /// (EACCES) for processes of other users without CAP_SYS_PTRACE, see
  /// ptrace(2), PTRACE_MODE_READ_FSCREDS.
  Result<std::string_view> ReadExe(Buffer& buffer) const;

  /// The program that the process executes, of which the bytes are read as they
  /// are needed. Refused like the path. EINVAL if that is no regular file.
  Result<ProgramFile> OpenExe() const;

  /// The first 1 MiB of the environment, see NextVariable. Refused (EACCES)
  /// like the executable, and for processes of other users also without
  /// CAP_DAC_READ_SEARCH, because the file belongs to its owner. Empty, or
  /// ESRCH with later kernels, for kernel threads and processes that have
  /// ended. Empty for a moment while the process executes a program.
  Result<Beginning> ReadEnviron(Buffer& buffer) const;

  /// The first 4 MiB of the list of mapped files, see NextMappedFile. Refused
  /// like the executable, and empty like the environment.
  Result<Beginning> ReadMaps(Buffer& buffer) const;

  /// See ParseCgroup.
  Result<std::string_view> ReadCgroup(Buffer& buffer) const;

  /// Proportional set size in kB, see ParsePss. The kernel walks over all pages
  /// of the process. Refused (EACCES) like the executable; ESRCH for kernel
  /// threads.
  Result<uint64_t> ReadPss(Buffer& buffer) const;

  /// Fills `inodes` with the inodes of the sockets among the descriptors, in no
  /// particular order. A socket with several descriptors is there several
  /// times. Refused (EACCES) like the executable, and for processes of other
  /// users also without CAP_DAC_READ_SEARCH, because the directory belongs to
  /// its owner.
  Result<void> ListSockets(std::vector<ino_t>& inodes) const;

  /// Calls `take` with what each of up to `most` descriptors leads to, as
  /// readlink(2) shows it: a path, or "socket:[INODE]" and the like. Refused
  /// likewise.
  Result<void> ForEachDescriptor(
      size_t most, const std::function<void(std::string_view)>& take) const;

  /// The network namespace: two processes have the same number if they are in
  /// the same namespace, namespaces(7). Refused (EACCES) like the executable.
  Result<ino_t> NetworkNamespace() const;

  /// Fills `tids` with the IDs of its threads in the order in which they
  /// started (copy_process in kernel/fork.c), without the first `skip` of them.
  /// If threads end meanwhile, the kernel may leave out others (fs/proc/base.c,
  /// first_tid).
  Result<void> ListThreads(std::vector<pid_t>& tids, Buffer& buffer,
                           size_t skip = 0) const;

  /// An error that is Gone() unless this is the process `id` and it has not
  /// ended: until its directory was opened, another process may have got its
  /// PID.
  Result<void> IsStill(const ProcessId& id, Buffer& buffer) const;

  /// Name, CPU time and start of one thread.
  Result<Stat> ReadThreadStat(pid_t tid, Buffer& buffer) const;

  /// The name alone.
  Result<std::string_view> ReadThreadComm(pid_t tid, Buffer& buffer) const;

 private:
  friend class ProcessFiles;

  // A path relative to base_: "PID/task/TID/smaps_rollup" fits.
  using Path = std::array<char, 48>;

  Process(pid_t pid, FileDescriptor directory, int base)
      : pid_(pid), directory_(std::move(directory)), base_(base) {}

  Path PathOf(const ProcFile& file, pid_t thread = 0) const;
  Result<FileDescriptor> OpenFile(const ProcFile& file, pid_t thread = 0) const;
  Result<std::string_view> Read(const ProcFile& file, Buffer& buffer,
                                pid_t thread = 0) const;
  Result<std::string_view> ReadLink(const ProcFile& file, pid_t thread,
                                    std::span<char> to) const;
  Result<Beginning> ReadBeginning(const ProcFile& file, Buffer& buffer) const;
  Result<size_t> ForEachDescriptorOf(
      pid_t thread, size_t most,
      const std::function<void(std::string_view)>& take) const;
  auto ReadWhereItIs(Buffer& buffer, auto is_nothing, auto read) const;
  Result<pid_t> ThreadInPlaceOfLeader(Buffer& buffer) const;
  Result<void> ForEachThread(std::span<char> entries, size_t skip,
                             auto take) const;

  pid_t pid_;
  FileDescriptor directory_;  // none when it is only glanced at
  int base_;                  // the directory, or else that of procfs
};

/// The two files that every pass reads of a process, kept open: that halves the
/// cost of a read.
class ProcessFiles {
 public:
  /// How many descriptors this takes.
  static constexpr size_t kDescriptors = 2;

  /// If reading `stat` succeeds afterwards, both files belong to one process:
  /// it existed all the time, so no other process had its PID.
  static Result<ProcessFiles> Open(const Process& process);

  Result<Stat> ReadStat(Buffer& buffer) const;
  Result<Status> ReadStatus(Buffer& buffer) const;

 private:
  ProcessFiles(pid_t pid, FileDescriptor stat, FileDescriptor status)
      : pid_(pid), stat_(std::move(stat)), status_(std::move(status)) {}

  pid_t pid_;
  FileDescriptor stat_;
  FileDescriptor status_;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCESS_H_
