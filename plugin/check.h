#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_

#include <cstdio>

#include "collectd.h"
#include "sampler.h"

namespace resource_attribution {

// What the module does instead of reporting when resource-attribution-check
// runs it.

/// Prints a table of the blocks, their values, and the PID and name of each of
/// their processes.
void PrintTable(std::FILE* out, const Sampler& sampler,
                const PassReport& report);

/// A log callback of the daemon (plugin_log_cb): warnings and errors go to the
/// standard error, what else the module says to the standard output.
void PrintLogLine(int severity, const char* text, user_data_t* unused);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHECK_H_
