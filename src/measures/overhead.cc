#include "measures/overhead.h"

#include "measures/cpu.h"

namespace resource_attribution::measures {

void Overhead::Observe(const Pass& pass, const Observed& observed) {
  if (observed.tracing == TracingState::kUntraced) return;
  Sum& sum = sums_[observed.series];
  ++sum.processes;
  sum.memory.Add(MemoryOf(observed.record));
  if (service_.sampling) {
    AddKnown(CpuPercent(pass, observed.record), sum.cpu_percent);
  }
}

void Overhead::Finish(const Pass& pass, std::span<SeriesReport> series,
                      PassReport& report) {
  for (size_t i = 0; i < series.size(); ++i) {
    Values& values = series[i].values;
    if (service_.tracing_process) {
      values.tracing_memory_overhead_bytes = values.process_memory_bytes;
      values.tracing_cpu_overhead_percent = values.process_cpu_percent;
      continue;
    }
    const Sum& sum = sums_[i];
    if (const auto bytes = memory_.Reported(i, sum.memory)) {
      values.tracing_memory_overhead_bytes =
          *bytes * service_.tracing_memory_percent / 100;
    }
    values.tracing_cpu_overhead_percent =
        threads_ != nullptr
            ? ShareOf(pass, threads_->TracingCpuPercent(i))
            : static_cast<double>(sum.processes) * service_.tracing_cpu_percent;
    const auto cpu_percent = ShareOf(pass, sum.cpu_percent);
    if (values.tracing_cpu_overhead_percent && cpu_percent) {
      report.tracing_costs.push_back(
          {.service = index_,
           .tracing_cpu = *values.tracing_cpu_overhead_percent,
           .cpu = *cpu_percent});
    }
  }
}

}  // namespace resource_attribution::measures
