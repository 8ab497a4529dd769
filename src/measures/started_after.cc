#include "measures/started_after.h"

#include <chrono>
#include <cmath>

namespace resource_attribution::measures {

bool StartedAfter(const procfs::Instant& instant,
                  const procfs::ProcessId& process, double ticks_per_second) {
  const std::chrono::duration<double> since_boot = instant.since_boot;
  return static_cast<double>(process.start_time) >=
         std::floor(since_boot.count() * ticks_per_second);
}

}  // namespace resource_attribution::measures
