#ifndef RESOURCE_ATTRIBUTION_MEASURES_COMPARED_OVERHEAD_H_
#define RESOURCE_ATTRIBUTION_MEASURES_COMPARED_OVERHEAD_H_

#include <cstddef>
#include <optional>
#include <span>

#include "config/config.h"
#include "measures/comparison.h"
#include "measures/measure.h"
#include "measures/memory.h"

namespace resource_attribution::measures {

/// `tracing_memory_overhead_bytes` and `tracing_cpu_overhead_percent` of a
/// service whose TracingOverhead is "Compared": what its traced processes use
/// more than its untraced ones. Such a service has one series.
///
/// What is passed in has to outlive this.
class ComparedOverhead : public Measure {
 public:
  ComparedOverhead(const Service& service, size_t index, const Memory& memory)
      : index_(index),
        reports_cost_(service.sampling.has_value()),
        memory_(memory),
        compared_type_(memory.type()),
        comparison_(service.compare_window) {}

  void Begin() override;
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  // The processes that are compared are those with memory and a CPU baseline.
  struct Side {
    size_t processes = 0;
    Comparison::Side compared;
  };

  void AddCost(PassReport& report) const;
  void AddNotices(bool was_known, PassReport& report);
  void AddNoiseNotice(const Comparison::Difference& difference,
                      PassReport& report) const;

  // Which values the last pass had.
  struct Reported {
    bool memory = false;
    bool cpu = false;

    bool operator==(const Reported&) const = default;
  };

  const size_t index_;
  const bool reports_cost_;
  const Memory& memory_;
  MemoryType compared_type_;
  Comparison comparison_;
  Side traced_;
  Side untraced_;
  std::optional<Reported> reported_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_COMPARED_OVERHEAD_H_
