#include "types.h"

#include <cmath>
#include <cstdio>
#include <optional>

namespace resource_attribution {
namespace {

using attribution::Values;

struct Type {
  const char* name;
  std::optional<double> (*value)(const Values& values);
};

constexpr Type kTypes[] = {
    {"process_memory_bytes",
     [](const Values& v) -> std::optional<double> {
       return v.process_memory_bytes;
     }},
    {"process_memory_peak_bytes",
     [](const Values& v) -> std::optional<double> {
       return v.process_memory_peak_bytes;
     }},
    {"process_cpu_percent",
     [](const Values& v) { return v.process_cpu_percent; }},
    {"tracing_memory_overhead_bytes",
     [](const Values& v) -> std::optional<double> {
       return v.tracing_memory_overhead_bytes;
     }},
    {"tracing_cpu_overhead_percent",
     [](const Values& v) -> std::optional<double> {
       return v.tracing_cpu_overhead_percent;
     }},
};

template <size_t size>
void Copy(const char* text, char (&field)[size]) {
  std::snprintf(field, size, "%s", text);
}

}  // namespace

int RegisterTypes() {
  for (const Type& type : kTypes) {
    data_source_t source{};
    Copy("value", source.name);
    source.type = DS_TYPE_GAUGE;
    source.min = 0;
    source.max = NAN;  // no upper bound
    data_set_t set{};
    Copy(type.name, set.type);
    set.ds_num = 1;
    set.ds = &source;
    if (const int status = plugin_register_data_set(&set)) return status;
  }
  return 0;
}

void Dispatch(const std::string& instance, const Values& values,
              cdtime_t time) {
  value_list_t list{};
  list.time = time;
  Copy(kPluginName, list.plugin);
  Copy(instance.c_str(), list.plugin_instance);
  for (const Type& type : kTypes) {
    const auto measured = type.value(values);
    if (!measured) continue;
    value_t value{};
    value.gauge = *measured;
    list.values = &value;
    list.values_len = 1;
    Copy(type.name, list.type);
    // On failure it has logged why; the other values may still get through.
    plugin_dispatch_values(&list);
  }
}

}  // namespace resource_attribution
