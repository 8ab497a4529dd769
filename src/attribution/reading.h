#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "procfs/instant.h"
#include "procfs/proc_stat.h"
#include "procfs/proc_status.h"
#include "procfs/process.h"

namespace resource_attribution::attribution {

/// What the kernel said of a process at one moment, nothing derived.
struct Reading {
  procfs::ProcessId process{};
  procfs::ReadTime cpu_read{};       ///< when cpu_ticks was read
  uint64_t cpu_ticks = 0;            ///< utime + stime, in clock ticks
  uint64_t resident_bytes = 0;       ///< VmRSS
  uint64_t peak_virtual_bytes = 0;   ///< VmPeak
  uint64_t peak_resident_bytes = 0;  ///< VmHWM

  /// Pss; none where nobody asked for it or it was refused.
  std::optional<uint64_t> proportional_bytes{};
};

/// The reading that `stat` and `status` of one process make. None when the
/// process has ended: it is a zombie, or it has given up its memory on the way
/// there and is no kernel thread, which never had any.
std::optional<Reading> MakeReading(const procfs::Stat& stat,
                                   const procfs::Status& status,
                                   const procfs::ReadTime& stat_read);

/// The readings of one pass.
struct Snapshot {
  /// When the pass began, before it looked who is running. None: no pass yet.
  std::optional<procfs::Instant> begun;

  /// Sorted by process, each process once.
  std::vector<Reading> readings;
};

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_
