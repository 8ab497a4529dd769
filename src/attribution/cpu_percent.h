#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_CPU_PERCENT_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_CPU_PERCENT_H_

#include <optional>

#include "attribution/reading.h"

namespace resource_attribution::attribution {

/// CPU that a process used between its reading in `previous` and `current`, in
/// percent: 100 is one CPU fully used, more is possible on several CPUs.
///
/// The time between is taken as the longest that it may have been: where the
/// reader had to wait, the value may be too low, but never more than was used.
///
/// A process that started after the previous pass began counts from its start:
/// it had used nothing then. None for a first reading otherwise, when the clock
/// stood still, and when the counter went backwards.
///
/// `ticks_per_second` is sysconf(_SC_CLK_TCK).
std::optional<double> CpuPercent(const Snapshot& previous,
                                 const Reading& current,
                                 double ticks_per_second);

/// Whether `snapshot` has a reading of the process.
bool WasRead(const Snapshot& snapshot, const procfs::ProcessId& process);

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_CPU_PERCENT_H_
