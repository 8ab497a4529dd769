#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "procfs/instant.h"
#include "procfs/process.h"
#include "procfs/process_table.h"

namespace resource_attribution::attribution {

/// What the kernel said of a process at one moment, nothing derived.
struct Reading {
  procfs::ProcessId process{};
  procfs::ReadTime cpu_read{};  ///< when cpu_ticks was read
  uint64_t cpu_ticks = 0;       ///< utime + stime, in clock ticks

  /// Memory: none where the kernel does not say, and no Pss unless a block
  /// asks.
  std::optional<uint64_t> resident_bytes{};       ///< VmRSS
  std::optional<uint64_t> peak_virtual_bytes{};   ///< VmPeak
  std::optional<uint64_t> peak_resident_bytes{};  ///< VmHWM
  std::optional<uint64_t> proportional_bytes{};   ///< Pss
};

/// The reading of a process that was read. Its memory is 0 where it has none of
/// its own: a kernel thread, or a child with the address space of its parent.
Reading MakeReading(const procfs::WatchedProcess& process);

/// The readings of one pass.
struct Snapshot {
  /// When the pass began, before it looked who is running. None: no pass yet.
  std::optional<procfs::Instant> begun;

  /// Sorted by process, each process once.
  std::vector<Reading> readings;
};

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_READING_H_
