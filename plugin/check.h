#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_

#include <chrono>

#include "collectd.h"
#include "environment.h"
#include "supervisor.h"

namespace resource_attribution {

// Instead of reporting, the module does this when resource-attribution-check
// runs it.

/// The time between the two passes of a check: long enough for clock ticks to
/// measure CPU.
inline constexpr std::chrono::seconds kBetweenPassesOfACheck{1};

/// Makes two passes and prints the table of what they found. `sample` makes a
/// pass and returns whether it succeeded. Returns 0 unless a pass failed.
int RunCheck(bool (*sample)(), Supervisor& supervisor);

/// If `check` asks for the table of the options, prints it. Returns whether it
/// did.
bool PrintOptions(Check check);

/// A log callback of the daemon (plugin_log_cb): warnings and errors go to the
/// standard error, all other lines of the module to the standard output.
void PrintLogLine(int severity, const char* text, user_data_t* unused);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
