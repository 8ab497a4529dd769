#ifndef RESOURCE_ATTRIBUTION_MEASURES_THREAD_CPU_H_
#define RESOURCE_ATTRIBUTION_MEASURES_THREAD_CPU_H_

#include <cstddef>
#include <optional>

#include "measures/measure.h"
#include "procfs/process.h"
#include "store/threads.h"

namespace resource_attribution::measures {

/// CPU that the threads of `group` used between the two last readings of their
/// process `id`, in percent: 100 is one CPU fully used.
///
/// A thread that started meanwhile counts from its start, and so do all threads
/// of a process that started since the pass of the baselines. What a thread
/// used after it was read last is lost when it has ended, and so is what it
/// used before its name told its group, where the process has more threads than
/// are looked at in one pass.
///
/// None while no thread of the process has been of the group: its name may be
/// another one, and 0 would be a guess. None for a first reading otherwise,
/// until each thread has been looked at, and when the clock stood still.
std::optional<double> ThreadCpuPercent(const Pass& pass,
                                       const procfs::ProcessId& id,
                                       const store::Threads& threads,
                                       size_t group);

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_THREAD_CPU_H_
