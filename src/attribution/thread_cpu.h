#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_THREAD_CPU_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_THREAD_CPU_H_

#include <cstddef>
#include <optional>

#include "attribution/reading.h"
#include "procfs/thread_table.h"

namespace resource_attribution::attribution {

/// CPU that the threads of `group` used between the two last readings of their
/// process, in percent: 100 is one CPU fully used. `previous` is the pass
/// before.
///
/// A thread that started meanwhile counts from its start, and so do all those
/// of a process that did. What a thread used after it was read last is lost
/// when it has ended, and so is what one used before its name told its group,
/// where the process has more threads than are looked at in one pass.
///
/// None while no thread of the process has been of the group: its name may be
/// another one, and 0 would be a guess. None for a first reading otherwise,
/// until each thread has been looked at, and when the clock stood still.
///
/// `ticks_per_second` is sysconf(_SC_CLK_TCK).
std::optional<double> ThreadCpuPercent(const Snapshot& previous,
                                       const procfs::ProcessThreads& threads,
                                       size_t group, double ticks_per_second);

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_THREAD_CPU_H_
