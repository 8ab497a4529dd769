#ifndef RESOURCE_ATTRIBUTION_PLUGIN_LOG_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_LOG_H_

#include <string>

namespace resource_attribution {

/// Writes a line to collectd's log, with the plugin's name before it.
/// `severity` is one of LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO.
void Log(int severity, const char* text);
void Log(int severity, const std::string& text);

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_LOG_H_
