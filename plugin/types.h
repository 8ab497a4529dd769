#ifndef RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_

#include "collectd.h"
#include "sampler/sampler.h"

namespace resource_attribution {

inline constexpr const char* kPluginName = "resource_attribution";

/// Registers the seven types, which collectd's own types.db does not have; the
/// same lines stand in plugin/types.db. Returns 0, or what collectd returned
/// for the one that failed.
int RegisterTypes();

/// Hands the values to collectd, those that were measured, all with the time
/// `time`: under the plugin instance and, for a single process, with its PID as
/// the type instance.
void Dispatch(const SeriesReport& report, cdtime_t time);

/// Likewise the CPU of a component. It has a type of its own, because
/// process_cpu_percent includes it; the type instance is the component.
void Dispatch(const ComponentReport& report, cdtime_t time);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
