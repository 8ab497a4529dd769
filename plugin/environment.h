#ifndef RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_

#include <optional>
#include <string>
#include <vector>

namespace resource_attribution {

inline constexpr const char* kEnabledVariable = "RESOURCE_ATTRIBUTION_ENABLED";
inline constexpr const char* kIntervalVariable =
    "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS";
/// Set by resource-attribution-check: what is found is printed, not reported.
inline constexpr const char* kCheckVariable = "RESOURCE_ATTRIBUTION_CHECK";

/// What the environment of the daemon says; it goes before the file. The file
/// is the fleet's, the variable is the host's. A variable set to nothing is not
/// set.
struct Environment {
  std::optional<bool> enabled;
  std::optional<double> interval_seconds;
  bool check = false;

  /// One line for each variable that is invalid: its name, its value, what
  /// would be valid.
  std::vector<std::string> errors;
};

/// Reads the variables of this process (getenv(3)).
Environment ReadEnvironment();

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_ENVIRONMENT_H_
