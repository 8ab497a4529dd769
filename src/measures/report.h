#ifndef RESOURCE_ATTRIBUTION_MEASURES_REPORT_H_
#define RESOURCE_ATTRIBUTION_MEASURES_REPORT_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "measures/notice.h"

namespace resource_attribution {

/// Bytes over TCP connections, in both directions.
struct Traffic {
  uint64_t sent = 0;
  uint64_t received = 0;

  bool operator==(const Traffic&) const = default;
};

/// The values of a series, named as their collectd types. None: not measured,
/// not yet, or not asked for.
struct Values {
  std::optional<double> process_memory_bytes{};
  std::optional<double> process_memory_peak_bytes{};
  std::optional<double> process_cpu_percent{};
  std::optional<double> tracing_memory_overhead_bytes{};
  std::optional<double> tracing_cpu_overhead_percent{};
  std::optional<Traffic> tracing_network_bytes{};
};

/// A value that is a collectd type with one data source.
struct Gauge {
  const char* type;
  std::optional<double> Values::*value;
};
inline constexpr std::array kGauges{
    Gauge{"process_memory_bytes", &Values::process_memory_bytes},
    Gauge{"process_memory_peak_bytes", &Values::process_memory_peak_bytes},
    Gauge{"process_cpu_percent", &Values::process_cpu_percent},
    Gauge{"tracing_memory_overhead_bytes",
          &Values::tracing_memory_overhead_bytes},
    Gauge{"tracing_cpu_overhead_percent",
          &Values::tracing_cpu_overhead_percent},
};

/// A series: the processes of a service that are reported under one name, as a
/// sum, or with PerProcess one of them.
struct SeriesReport {
  std::string_view name;     ///< valid until the next pass
  std::optional<pid_t> pid;  ///< the process, where it is not a sum
  Values values{};
};

/// CPU of a component of a series.
struct ComponentReport {
  std::string_view series;     ///< valid until the next pass
  std::string_view component;  ///< likewise
  double cpu_percent = 0;
};

/// CPU of a service since the pass before, and what tracing took of it; both in
/// the same unit, of the processes that are traced.
struct TracingCost {
  size_t service = 0;  ///< index into Config::services
  double tracing_cpu = 0;
  double cpu = 0;
};

/// What one pass says.
struct PassReport {
  /// How many processes belong to each service and could be read.
  std::vector<size_t> processes;
  std::vector<Notice> notices;
  std::vector<SeriesReport> series;
  std::vector<ComponentReport> components;
  /// Costs of the services whose sampling the plugin controls.
  std::vector<TracingCost> tracing_costs;

  /// Begins a report on so many services.
  void Clear(size_t services);

  /// The notice of that kind; null where there is none.
  const Notice* Find(size_t service, Notice::Kind kind) const;

  /// Adds a notice, unless the service has one of that kind.
  void Add(Notice notice);
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_MEASURES_REPORT_H_
