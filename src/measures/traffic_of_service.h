#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_OF_SERVICE_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_OF_SERVICE_H_

#include <cstddef>
#include <span>

#include "measures/export_traffic.h"
#include "measures/measure.h"

namespace resource_attribution::measures {

/// `tracing_network_bytes` of a service with TracingExportPort. `traffic` is
/// that of all services, which are counted together between Observe and Finish;
/// it has to outlive this.
class TrafficOfService : public Measure {
 public:
  TrafficOfService(size_t index, ExportTraffic& traffic)
      : index_(index), traffic_(traffic) {}

  void Begin() override { ids_.Clear(); }
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  const size_t index_;
  ExportTraffic& traffic_;
  BySeries<size_t> ids_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_OF_SERVICE_H_
