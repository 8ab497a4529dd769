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
  if (!traffic_.ShortConnections().empty()) {
    report.Add({.service = index_,
                .kind = Notice::Kind::kShortConnections,
                .severity = Notice::Severity::kInfo,
                .text = procfs::Printable(traffic_.ShortConnections())});
  }
  if (const auto ports = traffic_.UnknownPorts(index_); !ports.empty()) {
    report.Add({.service = index_,
                .kind = Notice::Kind::kUnknownTraffic,
                .text = "connections to port " + ports +
                        " ended whose process is unknown: their bytes are in "
                        "no value",
                .detail = ", " + std::to_string(traffic_.UnknownBytes(index_)) +
                          " bytes until now"});
  }
  const procfs::Problem& problem = traffic_.Problem(index_);
  if (problem.text.empty()) return;
  report.Add({.service = index_,
              .kind = Notice::Kind::kTraffic,
              .text = "export traffic may be missing: " +
                      procfs::Printable(problem.text),
              .process = problem.process});
}

}  // namespace resource_attribution::measures
