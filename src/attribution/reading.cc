#include "attribution/reading.h"

namespace resource_attribution::attribution {

std::optional<Reading> MakeReading(const procfs::Stat& stat,
                                   const procfs::Status& status,
                                   const procfs::ReadTime& stat_read) {
  if (stat.Ended()) return std::nullopt;
  Reading reading{.process = {stat.pid, stat.start_time},
                  .cpu_read = stat_read,
                  .cpu_ticks = stat.utime + stat.stime};
  if (stat.KernelThread()) return reading;
  if (!status.vm_rss_kb || !status.vm_peak_kb || !status.vm_hwm_kb) {
    return std::nullopt;
  }
  reading.resident_bytes = *status.vm_rss_kb * 1024;
  reading.peak_virtual_bytes = *status.vm_peak_kb * 1024;
  reading.peak_resident_bytes = *status.vm_hwm_kb * 1024;
  return reading;
}

}  // namespace resource_attribution::attribution
