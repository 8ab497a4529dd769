#ifndef RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_
#define RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_

#include <chrono>
#include <functional>

namespace resource_attribution::procfs {

/// A moment on the clocks that matter here.
struct Instant {
  /// CLOCK_MONOTONIC, by which CPU is measured: stands still in suspend and
  /// does not follow when the time of day is set.
  std::chrono::steady_clock::time_point monotonic;

  /// CLOCK_BOOTTIME, in which the kernel says when a process started.
  std::chrono::nanoseconds since_boot{};
};

/// Tells the time.
using Clock = std::function<Instant()>;

/// When something was read: at some moment between these, usually microseconds
/// apart. The reader may have to wait in between, for a lock or for a CPU.
struct ReadTime {
  std::chrono::steady_clock::time_point begun;
  std::chrono::steady_clock::time_point ended;

  bool operator==(const ReadTime&) const = default;
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_INSTANT_H_
