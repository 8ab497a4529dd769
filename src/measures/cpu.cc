#include "measures/cpu.h"

#include <algorithm>

#include "measures/started_after.h"

namespace resource_attribution::measures {

std::optional<double> CpuPercent(const Pass& pass,
                                 const store::Record& record) {
  if (!pass.measures_cpu || !pass.measured_from) return std::nullopt;

  store::CpuBaseline before{.ticks = 0,
                            .read_begun = pass.measured_from->monotonic};
  if (record.baseline) {
    before = *record.baseline;
  } else if (!StartedAfter(*pass.measured_from, record.id,
                           pass.ticks_per_second)) {
    return std::nullopt;
  }

  const std::chrono::duration<double> elapsed =
      record.stat_read.ended - before.read_begun;
  if (elapsed.count() <= 0 || record.CpuTicks() < before.ticks) {
    return std::nullopt;
  }
  const auto used = static_cast<double>(record.CpuTicks() - before.ticks);
  return used / pass.ticks_per_second / elapsed.count() * 100;
}

std::optional<double> ShareOf(const Pass& pass,
                              std::optional<double> cpu_percent) {
  if (!cpu_percent || !pass.host_cpus) return cpu_percent;
  return std::min(*cpu_percent / *pass.host_cpus, 100.0);
}

void AddKnown(std::optional<double> value, std::optional<double>& sum) {
  if (value) sum = sum.value_or(0) + *value;
}

void Cpu::Observe(const Pass& pass, const Observed& observed) {
  AddKnown(CpuPercent(pass, observed.record), sums_[observed.series]);
}

void Cpu::Finish(const Pass& pass, std::span<SeriesReport> series,
                 PassReport& /*report*/) {
  for (size_t i = 0; i < series.size(); ++i) {
    series[i].values.process_cpu_percent = ShareOf(pass, sums_[i]);
  }
}

}  // namespace resource_attribution::measures
