#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_

#include <dirent.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "procfs/process.h"
#include "procfs/result.h"

namespace resource_attribution::procfs {

/// A mounted procfs, kept open; proc(5). Not thread-safe.
class Procfs {
 public:
  /// Opens the directory where procfs is mounted, usually "/proc". Fails if
  /// none is mounted there. `path` must outlive the errors.
  static Result<Procfs> Open(const std::string& path);

  /// Fills `pids` with all processes that this mount shows (the option hidepid
  /// hides some), in no particular order. Threads are not listed.
  Result<void> ListProcesses(std::vector<pid_t>& pids) const;

  /// The PID of the calling process in this mount's PID namespace.
  Result<pid_t> Self() const;

  /// Whether PIDs here are those of the daemon's own PID namespace. Other
  /// kernel interfaces use PIDs of that namespace; pid_namespaces(7).
  bool HasOwnPids() const { return has_own_pids_; }

  /// Whether the mount hides processes of other users from the daemon: option
  /// hidepid of proc(5).
  bool HidesProcesses() const;

  Result<Process> OpenProcess(pid_t pid) const;
  Process GlanceAt(pid_t pid) const;

 private:
  struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
  };

  explicit Procfs(DIR* directory) : directory_(directory) {}

  Result<void> FindOwnPids();

  std::unique_ptr<DIR, CloseDirectory> directory_;
  bool has_own_pids_ = false;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROCFS_H_
