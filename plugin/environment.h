#ifndef RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_

#include <optional>
#include <string>
#include <vector>

namespace resource_attribution {

inline constexpr const char* kEnabledVariable = "RESOURCE_ATTRIBUTION_ENABLED";
inline constexpr const char* kIntervalVariable =
    "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS";
/// Set by resource-attribution-check: what it asks for is printed, and nothing
/// is reported.
inline constexpr const char* kCheckVariable = "RESOURCE_ATTRIBUTION_CHECK";

/// What resource-attribution-check asks for.
enum class Check {
  kNothing,        ///< it does not run the daemon
  kProcesses,      ///< what the services find
  kOptions,        ///< the option table for people: "options"
  kOptionsAsJson,  ///< the option table for tools: "options=json"
};

/// What the environment of the daemon says; it goes before the file. The file
/// is the fleet's, the variable is the host's. A variable set to nothing is not
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
