#ifndef RESOURCE_ATTRIBUTION_PLUGIN_PASSED_OVER_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_PASSED_OVER_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "procfs/file.h"
#include "procfs/procfs.h"

namespace resource_attribution {

/// A process that makes a child wait. Made while the child waits for it, so
/// that its PID is still its own.
class Suspect {
 public:
  /// `proc_path` is where procfs is mounted. Reads nothing that waits for a
  /// lock of the process: `status` needs none (proc_pid_status in
  /// fs/proc/array.c). None if the process has ended.
  static std::optional<Suspect> Find(const std::string& proc_path, pid_t pid);

  pid_t pid() const { return pid_; }

  /// The real user ID, which stays that of the user who executes a program with
  /// the set-user-ID bit.
  uid_t user() const { return user_; }

  bool HasEnded() const;

 private:
  Suspect(pid_t pid, uid_t user, procfs::FileDescriptor directory)
      : pid_(pid), user_(user), directory_(std::move(directory)) {}

  pid_t pid_;
  uid_t user_;
  procfs::FileDescriptor directory_;  // of procfs; only as a path
};

/// Remembers what made children wait, each for at most an hour: a process until
/// it ends, the directory of a file, and all processes of a user three of whose
/// processes did so within an hour. Not thread-safe.
class PassedOver {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Returns the user if from now on all of the user's processes are passed
  /// over. Those of root never are: root needs no such way to harm the daemon,
  /// and has the services of the host.
  std::optional<uid_t> Add(Suspect suspect, TimePoint now);

  /// The user database for a minute, others for an hour.
  void AddFile(const std::string& path, TimePoint now);

  /// Forgets what is over. Returns whether there are processes to look at of
  /// which the child knows nothing.
  bool Refresh(TimePoint now);

  /// For the child.
  procfs::PassedOver List() const;

 private:
  struct Process {
    Suspect suspect;
    TimePoint until;
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
