#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "discovery/process_events.h"

namespace resource_attribution::discovery {

/// Says which processes may belong to other blocks than in the pass before.
///
/// Without process events these are all. With them they are the processes that
/// an event names. Two things no event tells: that a process rewrites its
/// command line in place, and that it is moved to another cgroup. Processes do
/// so soon after they start. Where a block asks for one of these, a process
/// that an event names is therefore looked at again, each time when twice as
/// long has gone by since, for a minute; and once an hour all processes are.
/// Where no block does, that is done every six hours, in case that the kernel
/// had no memory for an event.
///
/// Not thread-safe.
class ChangeFeed {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// The processes to look at in a pass.
  struct Plan {
    bool everything = true;
    std::vector<pid_t> processes{};  ///< sorted; they may have ended

    /// Whether what was known of a process still holds.
    bool StillHolds(pid_t pid) const;
  };

  /// From now on, goes by events.
  void UseEvents(ProcessEvents events) { events_.emplace(std::move(events)); }

  /// Some block asks for what no event tells.
  void ExpectSilentChanges() { has_silent_changes_ = true; }

  /// Plans the pass that begins at `now`. Unless PassEnded follows, the next
  /// one looks at everything. The caller may find out that this one has to as
  /// well, and say so in the plan. Valid until the next.
  Plan& PlanPass(TimePoint now);

  /// A process could not be read: it is looked at again in the next pass.
  void LookAgain(pid_t pid) { again_.push_back(pid); }

  /// The next pass looks at everything.
  void ScanNext() { scan_next_ = true; }

  /// A process had ended when it was looked at: it has no more changes.
  void HasEnded(pid_t pid) { ended_.push_back(pid); }

  /// The pass that began at `now` is over.
  void PassEnded(TimePoint now);

 private:
  // Changes that may still come without an event.
  struct Recent {
    pid_t pid = 0;
    TimePoint named;     // by an event
    TimePoint look_due;  // when it is looked at again

    bool TakeDue(TimePoint now);
    bool IsOver() const;
  };

  void AddRecent(TimePoint now, bool events_are_missing);

  std::optional<ProcessEvents> events_;
  bool has_silent_changes_ = false;
  bool is_up_to_date_ = false;  // but for the events since
  bool scan_next_ = false;
  std::optional<TimePoint> last_scan_;
  Plan plan_;
  std::vector<pid_t> again_;
  std::vector<pid_t> ended_;
  std::vector<Recent> recent_;
  // Of all processes: events were missing, or some started before the first
  // pass.
  std::optional<Recent> recent_of_all_;
  std::vector<pid_t> named_;  // kept for its memory
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_
