#include "log.h"

#include "collectd.h"
#include "types.h"

namespace resource_attribution {

void Log(int severity, const char* text) {
  plugin_log(severity, "%s plugin: %s", kPluginName, text);
}

void Log(int severity, const std::string& text) { Log(severity, text.c_str()); }

}  // namespace resource_attribution
