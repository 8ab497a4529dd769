#ifndef RESOURCE_ATTRIBUTION_MEASURES_CPU_H_
#define RESOURCE_ATTRIBUTION_MEASURES_CPU_H_

#include <optional>
#include <span>

#include "measures/measure.h"

namespace resource_attribution::measures {

/// CPU that a process used between its baseline and its last reading, in
/// percent: 100 is one CPU fully used, more is possible on several CPUs.
///
/// The time between is taken as the longest that it may have been: where the
/// daemon had to wait, the value may be too low, but never more than was used.
///
/// A process that started after the pass of the baselines began counts from its
/// start: it had used nothing then. None for a first reading otherwise, when
/// the clock stood still, when the counter went backwards, and in a pass that
/// measures no CPU.
std::optional<double> CpuPercent(const Pass& pass, const store::Record& record);

/// CPU that was measured, in percent of one CPU or of `pass.host_cpus`, then
/// 100 at the most: counters move in whole ticks and may be one ahead of the
/// clock.
std::optional<double> ShareOf(const Pass& pass,
                              std::optional<double> cpu_percent);

/// Adds a value that may be unknown: the sum is of those that are known.
void AddKnown(std::optional<double> value, std::optional<double>& sum);

/// `process_cpu_percent` of a service.
class Cpu : public Measure {
 public:
  void Begin() override { sums_.Clear(); }
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  BySeries<std::optional<double>> sums_;  // percent of one CPU
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_CPU_H_
