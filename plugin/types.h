#ifndef RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_

#include <string>

#include "attribution/values.h"
#include "collectd.h"

namespace resource_attribution {

inline constexpr const char* kPluginName = "resource_attribution";

/// Registers the five types, which collectd's own types.db does not have; the
/// same lines stand in plugin/types.db. Returns 0, or what collectd returned
/// for the one that failed.
int RegisterTypes();

/// Hands the values of the block `instance` to collectd, those that were
/// measured, all with the time `time`.
void Dispatch(const std::string& instance, const attribution::Values& values,
              cdtime_t time);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_TYPES_H_
