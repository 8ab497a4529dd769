#include "attribution/values.h"

#include <algorithm>

namespace resource_attribution::attribution {
namespace {

void AddKnown(std::optional<double> value, std::optional<double>& sum) {
  if (value) sum = sum.value_or(0) + *value;
}

std::optional<double> ToDouble(std::optional<uint64_t> bytes) {
  if (!bytes) return std::nullopt;
  return static_cast<double>(*bytes);
}

}  // namespace

void BlockSum::AddTo(Sum& sum, const std::optional<uint64_t>& bytes) {
  if (sum && bytes) {
    *sum += *bytes;
  } else {
    sum.reset();
  }
}

void BlockSum::Memory::Add(const Reading& reading) {
  AddTo(resident_bytes, reading.resident_bytes);
  AddTo(proportional_bytes, reading.proportional_bytes);
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
  AddTo(peak_virtual_bytes_, reading.peak_virtual_bytes);
  AddTo(peak_resident_bytes_, reading.peak_resident_bytes);
  AddKnown(cpu_percent, cpu_percent_);
  AddKnown(tracing.thread_cpu_percent, thread_cpu_percent_);
}

std::optional<Values> BlockSum::Attribute(
    const Options& options, std::optional<double> host_cpus,
    const std::optional<Comparison::Difference>& difference) const {
  if (processes_ == 0) return std::nullopt;
  const bool is_proportional =
      options.memory_type == MemoryType::kPss && memory_.proportional_bytes;
  const auto bytes = [is_proportional](const Memory& memory) {
    return ToDouble(is_proportional ? memory.proportional_bytes
                                    : memory.resident_bytes);
  };
  Values values;
  values.process_memory_bytes = bytes(memory_);
  values.process_memory_peak_bytes =
      ToDouble(options.peak_memory == PeakMemory::kVmHwm ? peak_resident_bytes_
                                                         : peak_virtual_bytes_);
  values.process_cpu_percent = ShareOf(host_cpus, cpu_percent_);

  if (values.process_memory_bytes) {
    values.tracing_memory_overhead_bytes =
        (*values.process_memory_bytes - *bytes(memory_of_untraced_)) *
        options.tracing_memory_percent / 100;
  }
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
