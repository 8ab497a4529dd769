#ifndef RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_

#include "collectd.h"
#include "measures/report.h"
#include "trace_sampling/sampling_control.h"

namespace resource_attribution {

inline constexpr const char* kPluginName = "resource_attribution";

/// Registers the types, which collectd's own types.db does not have;
/// plugin/types.db has the same lines. Returns 0, or collectd's error for the
/// type that failed.
int RegisterTypes();

/// Hands all measured values to collectd, with the time `time`, under the
/// plugin instance. For a single process its PID is the type instance.
void Dispatch(const SeriesReport& report, cdtime_t time);

/// The same for the CPU of a component. It has a type of its own, because
/// process_cpu_percent includes it; the type instance is the component.
void Dispatch(const ComponentReport& report, cdtime_t time);

/// The same for a service whose sampling is controlled, if its ratio is known.
void Dispatch(const trace_sampling::SamplingControl::Controlled& controlled,
              cdtime_t time);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
