#ifndef RESOURCE_ATTRIBUTION_PLUGIN_INTERVAL_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_INTERVAL_H_

#include <optional>

#include "config/config.h"
#include "environment.h"

namespace resource_attribution {

/// The time between two passes.
struct Interval {
  double seconds;
  const char* source;  ///< what set it, for people
};

/// The interval of the <LoadPlugin> block, in seconds. None if it equals the
/// global one: the module cannot see which of the two set it.
std::optional<double> LoadPluginInterval();

/// The first of these that is set: the environment variable, the option, the
/// interval of the <LoadPlugin> block, the default.
Interval EffectiveInterval(const Environment& environment, const Config& config,
                           std::optional<double> load_plugin_interval);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_INTERVAL_H_
