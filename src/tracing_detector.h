#ifndef RESOURCE_ATTRIBUTION_TRACING_DETECTOR_H_
#define RESOURCE_ATTRIBUTION_TRACING_DETECTOR_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "attribution/tracing_detection.h"
#include "attribution/values.h"
#include "procfs/process_table.h"
#include "procfs/procfs.h"
#include "procfs/result.h"

namespace resource_attribution {

/// Remembers of each process whether it is traced, so that it is looked at once
/// for each program that it executes; where nothing was seen, for the minute
/// after it, in which libraries are loaded. Not thread-safe.
class TracingDetector {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Seen {
    /// None: it cannot be told.
    std::optional<attribution::Detection> detection{};
    std::string problem{};  ///< why not, for people
    bool passes = false;    ///< the next look may say something else

    attribution::TracingState State() const;
  };

  void BeginPass() { ++pass_; }

  /// Fails where the process has ended, and where the daemon is out of
  /// descriptors or memory. `now` is when the pass began. What is returned
  /// holds until EndPass().
  procfs::Result<const Seen*> LookAt(const procfs::Procfs& proc,
                                     const procfs::WatchedProcess& process,
                                     TimePoint now);

  /// Forgets the processes that were not looked at in this pass.
  void EndPass();

  /// Null when the process was not looked at in the last pass.
  const Seen* Find(pid_t pid) const;

 private:
  struct Entry {
    procfs::ProcessId id{};
    uint64_t env_start = 0;  // moves when a program is executed
    std::string comm{};      // tells where that may not be seen
    TimePoint first_look{};
    Seen seen{};
    uint64_t pass = 0;
  };

  uint64_t pass_ = 0;
  std::map<pid_t, Entry> entries_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_TRACING_DETECTOR_H_
