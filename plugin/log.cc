#include "log.h"

#include "collectd.h"
#include "procfs/printable.h"
#include "types.h"

namespace resource_attribution {

void Log(int severity, const char* text) {
  plugin_log(severity, "%s plugin: %s", kPluginName, text);
}

// Of what a child says, nothing is sure.
void Log(int severity, const std::string& text) {
  Log(severity, procfs::Printable(text).c_str());
}

}  // namespace resource_attribution
