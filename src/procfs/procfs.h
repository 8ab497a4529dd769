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
  /// Opens the directory where procfs is mounted, usually "/proc"; fails while
  /// none is mounted there. `path` has to outlive the errors.
  static Result<Procfs> Open(const std::string& path);

  /// Fills `pids` with all processes that this mount shows (the option hidepid
  /// hides some), in no particular order. Threads are not listed.
  Result<void> ListProcesses(std::vector<pid_t>& pids) const;

  /// The calling process, numbered as in this mount's PID namespace.
  Result<pid_t> Self() const;

  /// Whether PIDs here are those of the daemon's own PID namespace, in which
  /// kernel interfaces besides procfs speak of processes; pid_namespaces(7).
  bool HasOwnPids() const { return has_own_pids_; }

  /// Whether processes of other users are hidden from the daemon: mount option
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
