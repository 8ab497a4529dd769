#include "attribution/reading.h"

namespace resource_attribution::attribution {
namespace {

std::optional<uint64_t> Bytes(std::optional<uint64_t> kilobytes) {
  if (!kilobytes) return std::nullopt;
  return *kilobytes * 1024;
}

}  // namespace

Reading MakeReading(const procfs::WatchedProcess& process) {
  const procfs::Stat& stat = process.stat;
  Reading reading{.process = process.id,
                  .cpu_read = process.stat_read,
                  .cpu_ticks = stat.utime + stat.stime};
  if (stat.KernelThread() || process.shares_memory) {
    reading.resident_bytes = 0;
    reading.peak_virtual_bytes = 0;
    reading.peak_resident_bytes = 0;
    reading.proportional_bytes = 0;
    return reading;
  }
  const procfs::Status& status = process.status;
  reading.resident_bytes = Bytes(status.vm_rss_kb);
  reading.peak_virtual_bytes = Bytes(status.vm_peak_kb);
  reading.peak_resident_bytes = Bytes(status.vm_hwm_kb);
  return reading;
}

}  // namespace resource_attribution::attribution
