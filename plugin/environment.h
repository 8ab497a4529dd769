#ifndef RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_

#include <optional>
#include <string>
#include <vector>

namespace resource_attribution {

inline constexpr const char* kEnabledVariable = "RESOURCE_ATTRIBUTION_ENABLED";
inline constexpr const char* kIntervalVariable =
    "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS";
/// resource-attribution-check sets it: the module prints what that command asks
/// for, and reports nothing.
inline constexpr const char* kCheckVariable = "RESOURCE_ATTRIBUTION_CHECK";

/// What resource-attribution-check asks for.
enum class Check {
  kNothing,        ///< it does not run the daemon
  kProcesses,      ///< what the services find
  kOptions,        ///< the option table for people: "options"
  kOptionsAsJson,  ///< the option table for tools: "options=json"
};

/// Settings in the environment of the daemon. They override the file: the file
/// serves the fleet, the variable one host. An empty variable counts as not
/// set.
struct Environment {
  std::optional<bool> enabled;
  std::optional<double> interval_seconds;
  Check check = Check::kNothing;

  /// One line for each variable that is invalid: its name, its value, what
  /// would be valid.
  std::vector<std::string> errors;
};

/// Reads the variables of this process (getenv(3)).
Environment ReadEnvironment();

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_
