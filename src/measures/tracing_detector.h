#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_

#include <cstddef>
#include <span>
#include <string>

#include "config/config.h"
#include "measures/measure.h"
#include "measures/tracing_detection.h"

namespace resource_attribution::measures {

/// What was detected of a process of `service`, which looks for tracing.
store::Detection DetectionOf(const Service& service,
                             const store::Record& record);

/// Whether a process of `service` is traced: by `<Untraced>`, which selects it
/// or not, or else by what was detected.
TracingState StateOf(const Service& service, const store::Record& record,
                     bool is_selected_as_untraced);

/// Detects whether the processes of a service are traced, and keeps that in
/// their records. It looks once at each program that a process executes. If
/// that shows no tracing, it looks again in each pass of the next minute, in
/// which libraries are loaded and exporters connect. While the answer is
/// unknown it then looks every ten minutes.
///
/// A process that was told not to trace stays told, even if it overwrites its
/// environment later: the later looks are at its connections alone. `service`
/// and `detection`, which all services share, have to outlive this.
class TracingDetector : public Measure {
 public:
  TracingDetector(const Service& service, size_t index,
                  TracingDetection* detection)
      : service_(service), index_(index), detection_(detection) {}

  void Begin() override { unknown_ = nullptr; }
  procfs::Result<void> Read(const Pass& pass, store::Record& record) override;
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  procfs::Result<void> LookAt(const procfs::Process& process,
                              store::Detected& detected);
  procfs::Result<void> LookAtConnections(const procfs::Process& process,
                                         store::Detected& detected);

  const Service& service_;
  const size_t index_;
  TracingDetection* const detection_;
  const store::Record* unknown_ = nullptr;  // the first of which it is unknown
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTOR_H_
