#include "interval.h"

#include <cmath>

#include "collectd.h"

namespace resource_attribution {

std::optional<double> LoadPluginInterval() {
  const cdtime_t interval = plugin_get_interval();
  if (interval == cf_get_default_interval()) return std::nullopt;
  const double seconds = static_cast<double>(interval) /
                         static_cast<double>(TIME_T_TO_CDTIME_T_STATIC(1));
  // collectd cuts it to 2^-30 seconds: 0.1 comes back as a little less.
  return std::round(seconds * 1e6) / 1e6;
}

Interval EffectiveInterval(const Environment& environment, const Config& config,
                           std::optional<double> load_plugin_interval) {
  if (environment.interval_seconds) {
    return {*environment.interval_seconds, kIntervalVariable};
  }
  if (config.interval_seconds) {
    return {*config.interval_seconds, "option Interval"};
  }
  if (load_plugin_interval) return {*load_plugin_interval, "LoadPlugin"};
  return {Config::kDefaultIntervalSeconds, "default"};
}

}  // namespace resource_attribution
