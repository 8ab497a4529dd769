#include "types.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

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
void Copy(std::string_view text, char (&field)[size]) {
  field[text.copy(field, size - 1)] = '\0';
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

void Dispatch(const InstanceReport& report, cdtime_t time) {
  value_list_t list{};
  list.time = time;
  Copy(kPluginName, list.plugin);
  Copy(report.instance, list.plugin_instance);
  if (report.pid) {
    std::to_chars(list.type_instance, std::end(list.type_instance) - 1,
                  *report.pid);
  }
  for (const Type& type : kTypes) {
    const auto measured = type.value(report.values);
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
