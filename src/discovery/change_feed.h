#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "kernel/process_events.h"

namespace resource_attribution::discovery {

/// Says which processes may belong to other blocks than in the pass before.
///
/// Without process events these are all processes. With events they are the
/// processes that an event names. Two changes send no event: a process rewrites
/// its command line in place, or moves to another cgroup. Processes do so soon
/// after they start. If a block depends on such changes, the feed therefore
/// names a process again for a minute after its event, each time after twice as
/// long, and names all processes once an hour. If no block does, it names all
/// every six hours, in case the kernel had no memory for an event.
///
/// Not thread-safe.
class ChangeFeed {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// The processes to look at in a pass.
  struct Plan {
    bool everything = true;
    std::vector<pid_t> processes{};  ///< sorted; they may have ended

    /// Whether the matches of the process from the pass before still hold.
    bool StillHolds(pid_t pid) const;
  };

  /// Goes by events from now on.
  void UseEvents(kernel::ProcessEvents events) {
    events_.emplace(std::move(events));
  }

  /// Some block depends on changes without an event.
  void ExpectSilentChanges() { has_silent_changes_ = true; }

  /// Plans the pass that begins at `now`. Unless PassEnded follows, the next
  /// pass looks at everything. If the caller finds out that this pass has to
  /// look at everything as well, it says so in the plan. The plan is valid
  /// until the next call.
  Plan& PlanPass(TimePoint now);

  /// A process could not be read: the next pass looks at it again.
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

  std::optional<kernel::ProcessEvents> events_;
  bool has_silent_changes_ = false;
  bool is_up_to_date_ = false;  // except for later events
  bool scan_next_ = false;
  std::optional<TimePoint> last_scan_;
  Plan plan_;
  std::vector<pid_t> again_;
  std::vector<pid_t> ended_;
  std::vector<Recent> recent_;
  // The same for all processes, after events were lost and after the first
  // pass: some processes started before it.
  std::optional<Recent> recent_of_all_;
  std::vector<pid_t> named_;  // kept for its memory
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_CHANGE_FEED_H_
