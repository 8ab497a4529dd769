#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_

#include <cstddef>
#include <span>
#include <string>

#include "config/config.h"
#include "measures/measure.h"

namespace resource_attribution::measures {

/// Whether a process of `service` is traced: by `<Untraced>`, which selects it
/// or not, or else by what was detected.
TracingState StateOf(const Service& service, const store::Record& record,
                     bool is_selected_as_untraced);

/// Detects whether the processes of a service are traced, and keeps that in
/// their records: it looks once for each program that a process executes; where
/// nothing was seen, for the minute after it, in which libraries are loaded.
/// `service` has to outlive this.
class TracingDetector : public Measure {
 public:
  TracingDetector(const Service& service, size_t index)
      : service_(service), index_(index) {}

  void Begin() override { problem_of_ = nullptr; }
  procfs::Result<void> Read(const Pass& pass, store::Record& record) override;
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  const Service& service_;
  const size_t index_;
  const store::Record* problem_of_ = nullptr;  // the first with a problem
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_
