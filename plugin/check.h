#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_

#include <chrono>
#include <cstdio>

#include "collectd.h"
#include "environment.h"
#include "sampler/sampler.h"

namespace resource_attribution {

// What the module does instead of reporting when resource-attribution-check
// runs it.

/// Between the two passes of a check: long enough for clock ticks to measure
/// CPU.
inline constexpr std::chrono::seconds kBetweenPassesOfACheck{1};

/// Prints a table of the blocks, their values, and the PID and name of each of
/// their processes.
void PrintTable(std::FILE* out, const Sampler& sampler,
                const PassReport& report);

/// Two passes, by `sample`, which fills `report` and returns whether there is
/// one, and then the table. Returns 0 unless a pass failed.
int RunCheck(bool (*sample)(), const Sampler& sampler,
             const PassReport& report);

/// Prints the table of the options where `check` asks for it. Returns whether
/// it does.
bool PrintOptions(Check check);

/// A log callback of the daemon (plugin_log_cb): warnings and errors go to the
/// standard error, what else the module says to the standard output.
void PrintLogLine(int severity, const char* text, user_data_t* unused);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
