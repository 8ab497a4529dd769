// A plugin of collectd that reads nothing: in each interval it hands over five
// values for each name that its option Process gives, as resource_attribution
// does. What it costs is collectd's own way from there to its writers.

#include <strings.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "collectd.h"

namespace {

std::vector<std::string>& Names() {
  static std::vector<std::string> names;
  return names;
}

int Configure(const char* key, const char* value) {
  if (strcasecmp(key, "Process") != 0) return -1;
  Names().emplace_back(value);
  return 0;
}

int Read() {
  constexpr std::array kValues = {"memory", "peak", "cpu", "tracing-memory",
                                  "tracing-cpu"};
  for (const std::string& name : Names()) {
    for (const char* kind : kValues) {
      value_t value{};
      value.gauge = 1;
      value_list_t list{};
      list.values = &value;
      list.values_len = 1;
      std::strcpy(list.plugin, "dispatch");
      name.copy(list.plugin_instance, sizeof(list.plugin_instance) - 1);
      std::strcpy(list.type, "gauge");
      std::strcpy(list.type_instance, kind);
      plugin_dispatch_values(&list);
    }
  }
  return 0;
}

}  // namespace

extern "C" void module_register() {
  static std::array<const char*, 1> keys = {"Process"};
  plugin_register_config("dispatch", Configure, keys.data(), keys.size());
  plugin_register_read("dispatch", Read);
}
