#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "procfs/process.h"
#include "procfs/result.h"

namespace resource_attribution::procfs {

/// What is not read any more, because it made a read wait. A process that is
/// passed over looks as if it had ended.
struct PassedOver {
  std::vector<pid_t> processes{};
  std::vector<uid_t> users{};  ///< by their processes' real user ID
  /// Directories, with a slash at their end, and files by another name.
  std::vector<std::string> files{};
};

/// Which process the collectd daemon is.
enum class Daemon { kThisProcess, kParent };

/// A mounted procfs, kept open; proc(5). Not thread-safe.
class Procfs {
 public:
  /// Opens the directory where procfs is mounted, usually "/proc". Fails if
  /// none is mounted there. `path` must outlive the errors.
  static Result<Procfs> Open(const std::string& path,
                             Daemon daemon = Daemon::kThisProcess);

  /// Passes over these from now on.
  void PassOver(PassedOver passed_over) {
    passed_over_ = std::move(passed_over);
  }

  /// Whether the file or its directory is passed over.
  bool IsPassedOver(std::string_view file) const;

  /// Calls `take` with each process that this mount shows (the option hidepid
  /// hides some), in no particular order. Threads are not listed. It is cheap
  /// to read a process in `take`: what the kernel knows of it is in the CPU's
  /// caches, because it was listed a moment ago.
  Result<void> ForEachProcess(const std::function<void(pid_t)>& take) const;

  /// The PID of the calling process in this mount's PID namespace.
  Result<pid_t> Self() const;

  /// The PID of the daemon, likewise.
  Result<pid_t> DaemonPid() const;

  /// Whether PIDs here are those of the daemon's own PID namespace. Other
  /// kernel interfaces use PIDs of that namespace; pid_namespaces(7).
  bool HasOwnPids() const { return has_own_pids_; }

  /// Whether the mount hides processes of other users from the daemon: option
  /// hidepid of proc(5).
  bool HidesProcesses() const;

  Result<Process> OpenProcess(pid_t pid) const;
  Process GlanceAt(pid_t pid) const;

 private:
  Procfs(FileDescriptor directory, Daemon daemon)
      : directory_(std::move(directory)), daemon_(daemon) {}

  Result<void> FindOwnPids();
  bool IsPassedOver(pid_t pid) const;

  FileDescriptor directory_;
  Daemon daemon_;
  bool has_own_pids_ = false;
  PassedOver passed_over_;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_
