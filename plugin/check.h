#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_

#include <chrono>
#include <cstdio>

#include "collectd.h"
#include "environment.h"
#include "sampler/sampler.h"

namespace resource_attribution {

// Instead of reporting, the module does this when resource-attribution-check
// runs it.

/// The time between the two passes of a check: long enough for clock ticks to
/// measure CPU.
inline constexpr std::chrono::seconds kBetweenPassesOfACheck{1};

/// Prints a table of the blocks, their values, and the PID and name of each of
/// their processes.
void PrintTable(std::FILE* out, const Sampler& sampler,
                const PassReport& report);

/// Makes two passes and prints the table. `sample` fills `report` and returns
/// whether there is one. Returns 0 unless a pass failed.
int RunCheck(bool (*sample)(), const Sampler& sampler,
             const PassReport& report);

/// If `check` asks for the table of the options, prints it. Returns whether it
/// did.
bool PrintOptions(Check check);

/// A log callback of the daemon (plugin_log_cb): warnings and errors go to the
/// standard error, all other lines of the module to the standard output.
void PrintLogLine(int severity, const char* text, user_data_t* unused);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
