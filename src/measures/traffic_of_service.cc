#include "measures/traffic_of_service.h"

#include "procfs/printable.h"

namespace resource_attribution::measures {

void TrafficOfService::Observe(const Pass& /*pass*/, const Observed& observed) {
  ids_[observed.series] = observed.series_id;
  traffic_.Add({.process = observed.record.id,
                .service = index_,
                .series = observed.series_id});
}

void TrafficOfService::Finish(const Pass& /*pass*/,
                              std::span<SeriesReport> series,
                              PassReport& report) {
  for (size_t i = 0; i < series.size(); ++i) {
    series[i].values.tracing_network_bytes = traffic_.Of(ids_[i]);
  }
  if (series.empty()) return;
  report.Add({.service = index_,
              .kind = Notice::Kind::kShortConnections,
              .severity = Notice::Severity::kInfo,
              .text = "connections to export ports that open and close between "
                      "two passes are not counted"});
  if (traffic_.Problem(index_).empty()) return;
  report.Add({.service = index_,
              .kind = Notice::Kind::kTraffic,
              .text = "export traffic may be missing: " +
                      procfs::Printable(traffic_.Problem(index_)),
              .process = traffic_.ProblemProcess(index_)});
}

}  // namespace resource_attribution::measures
