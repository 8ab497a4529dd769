#ifndef RESOURCE_ATTRIBUTION_MEASURES_STARTED_AFTER_H_
#define RESOURCE_ATTRIBUTION_MEASURES_STARTED_AFTER_H_

#include "procfs/instant.h"
#include "procfs/process.h"

namespace resource_attribution::measures {

/// Whether the process started after `instant`, or within the clock tick of it:
/// start times are cut to whole ticks.
///
/// `ticks_per_second` is sysconf(_SC_CLK_TCK).
bool StartedAfter(const procfs::Instant& instant,
                  const procfs::ProcessId& process, double ticks_per_second);

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_STARTED_AFTER_H_
