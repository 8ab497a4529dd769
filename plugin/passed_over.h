#ifndef RESOURCE_ATTRIBUTION_PLUGIN_PASSED_OVER_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_PASSED_OVER_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "procfs/file.h"
#include "procfs/procfs.h"

namespace resource_attribution {

/// Remembers what made a child wait: a process until it ends, a file for an
/// hour, and for an hour all processes of a user three of whose processes did
/// so. Not thread-safe.
class PassedOver {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void AddProcess(pid_t pid);
  void AddFile(const std::string& path, TimePoint now);

  /// A process of this user made a child wait. Returns whether its processes
  /// are passed over from now on. Those of root never are: root needs no such
  /// way to harm the daemon, and has the services of the host.
  bool BlameUser(uid_t user, TimePoint now);

  /// Forgets what is over. Returns whether processes must be looked at again of
  /// which the child knows nothing.
  bool Refresh(TimePoint now);

  /// For the child.
  procfs::PassedOver List() const;

 private:
  struct Process {
    pid_t pid;
    procfs::FileDescriptor descriptor;  // a pidfd
  };
  struct User {
    int processes = 0;
    TimePoint first{};  // when the first made a child wait
    TimePoint until{};  // passed over
  };

  std::vector<Process> processes_;
  std::map<uid_t, User> users_;
  std::map<std::string, TimePoint> files_;  // until when
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_PASSED_OVER_H_
