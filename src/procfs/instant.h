#ifndef RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_

#include <chrono>
#include <functional>

namespace resource_attribution::procfs {

/// A moment, by two clocks.
struct Instant {
  /// CLOCK_MONOTONIC, for measuring CPU: it stands still in suspend and does
  /// not follow changes of the time of day.
  std::chrono::steady_clock::time_point monotonic;

  /// CLOCK_BOOTTIME, the clock by which the kernel records when a process
  /// started.
  std::chrono::nanoseconds since_boot{};
};

/// Tells the time.
using Clock = std::function<Instant()>;

/// When something was read: at some moment between these two, usually
/// microseconds apart. In between the reader may have to wait for a lock or for
/// a CPU.
struct ReadTime {
  std::chrono::steady_clock::time_point begun;
  std::chrono::steady_clock::time_point ended;

  bool operator==(const ReadTime&) const = default;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_
