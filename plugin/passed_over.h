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

  /// Whether its main thread runs, or would if it had a CPU: then it may hold a
  /// lock only because the machine is busy.
  bool IsRunning() const;

 private:
  Suspect(pid_t pid, uid_t user, procfs::FileDescriptor directory)
      : pid_(pid), user_(user), directory_(std::move(directory)) {}

  pid_t pid_;
  uid_t user_;
  procfs::FileDescriptor directory_;  // of procfs; only as a path
};

/// Remembers what made children wait: a process for a minute, and if it does so
/// again for an hour, but not beyond its end; the directory of a file for an
/// hour; and all processes of a user for an hour, if three of them did so
/// within an hour. Not thread-safe.
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
    TimePoint until;   // passed over
    TimePoint forget;  // when another wait of it is the first again
    bool is_passed_over = true;
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
