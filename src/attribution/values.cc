#include "attribution/values.h"

#include <algorithm>

namespace resource_attribution::attribution {
namespace {

void AddTo(std::optional<double>& sum, std::optional<double> value) {
  if (value) sum = sum.value_or(0) + *value;
}

}  // namespace

void BlockSum::Memory::Add(const Reading& reading) {
  resident_bytes += reading.resident_bytes;
  if (proportional_bytes && reading.proportional_bytes) {
    *proportional_bytes += *reading.proportional_bytes;
  } else {
    proportional_bytes.reset();
  }
}

void BlockSum::Add(const Reading& reading, std::optional<double> cpu_percent,
                   const ProcessTracing& tracing) {
  ++processes_;
  memory_.Add(reading);
  if (tracing.state == TracingState::kTraced) ++traced_;
  if (tracing.state == TracingState::kUntraced) {
    ++untraced_;
    memory_of_untraced_.Add(reading);
  }
  peak_virtual_bytes_ += reading.peak_virtual_bytes;
  peak_resident_bytes_ += reading.peak_resident_bytes;
  AddTo(cpu_percent_, cpu_percent);
  AddTo(thread_cpu_percent_, tracing.thread_cpu_percent);
}

std::optional<Values> BlockSum::Attribute(
    const Options& options, std::optional<double> host_cpus,
    const std::optional<Comparison::Difference>& difference) const {
  if (processes_ == 0) return std::nullopt;
  const bool is_proportional =
      options.memory_type == MemoryType::kPss && memory_.proportional_bytes;
  const auto bytes = [is_proportional](const Memory& memory) {
    return static_cast<double>(is_proportional ? *memory.proportional_bytes
                                               : memory.resident_bytes);
  };
  Values values;
  values.process_memory_bytes = bytes(memory_);
  values.process_memory_peak_bytes = static_cast<double>(
      options.peak_memory == PeakMemory::kVmHwm ? peak_resident_bytes_
                                                : peak_virtual_bytes_);
  values.process_cpu_percent = ShareOf(host_cpus, cpu_percent_);

  values.tracing_memory_overhead_bytes =
      (values.process_memory_bytes - bytes(memory_of_untraced_)) *
      options.tracing_memory_percent / 100;
  values.tracing_cpu_overhead_percent =
      static_cast<double>(processes_ - untraced_) * options.tracing_cpu_percent;
  if (options.tracing_process) {
    values.tracing_memory_overhead_bytes = values.process_memory_bytes;
    values.tracing_cpu_overhead_percent = values.process_cpu_percent;
  } else if (options.tracing_overhead == TracingOverhead::kThreads) {
    values.tracing_cpu_overhead_percent =
        ShareOf(host_cpus, thread_cpu_percent_);
  } else if (options.tracing_overhead == TracingOverhead::kCompared) {
    values.tracing_memory_overhead_bytes.reset();
    values.tracing_cpu_overhead_percent.reset();
    if (difference) {
      const auto traced = static_cast<double>(traced_);
      values.tracing_memory_overhead_bytes =
          std::max(difference->memory_bytes.mean, 0.0) * traced;
      values.tracing_cpu_overhead_percent = ShareOf(
          host_cpus, std::max(difference->cpu_percent.mean, 0.0) * traced);
    }
  }
  return values;
}

std::optional<double> ShareOf(std::optional<double> host_cpus,
                              std::optional<double> cpu_percent) {
  if (!cpu_percent || !host_cpus) return cpu_percent;
  return std::min(*cpu_percent / *host_cpus, 100.0);
}

}  // namespace resource_attribution::attribution
