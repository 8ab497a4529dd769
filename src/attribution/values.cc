#include "attribution/values.h"

#include <algorithm>

namespace resource_attribution::attribution {

void BlockSum::Add(const Reading& reading, std::optional<double> cpu_percent) {
  ++processes_;
  resident_bytes_ += reading.resident_bytes;
  if (proportional_bytes_ && reading.proportional_bytes) {
    *proportional_bytes_ += *reading.proportional_bytes;
  } else {
    proportional_bytes_.reset();
  }
  peak_virtual_bytes_ += reading.peak_virtual_bytes;
  peak_resident_bytes_ += reading.peak_resident_bytes;
  if (cpu_percent) cpu_percent_ = cpu_percent_.value_or(0) + *cpu_percent;
}

std::optional<Values> BlockSum::Attribute(
    const Options& options, std::optional<double> host_cpus) const {
  if (processes_ == 0) return std::nullopt;
  Values values;
  const bool is_proportional =
      options.memory_type == MemoryType::kPss && proportional_bytes_;
  values.process_memory_bytes = static_cast<double>(
      is_proportional ? *proportional_bytes_ : resident_bytes_);
  values.process_memory_peak_bytes = static_cast<double>(
      options.peak_memory == PeakMemory::kVmHwm ? peak_resident_bytes_
                                                : peak_virtual_bytes_);
  values.process_cpu_percent = cpu_percent_;
  if (cpu_percent_ && host_cpus) {
    values.process_cpu_percent = std::min(*cpu_percent_ / *host_cpus, 100.0);
  }
  values.tracing_memory_overhead_bytes =
      values.process_memory_bytes * options.tracing_memory_percent / 100;
  values.tracing_cpu_overhead_percent =
      static_cast<double>(processes_) * options.tracing_cpu_percent;
  return values;
}

}  // namespace resource_attribution::attribution
