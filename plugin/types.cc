#include "types.h"

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

namespace resource_attribution {
namespace {

// A type with one data source.
struct Gauge {
  const char* name;
  std::optional<double> (*value)(const Values& values);
};

constexpr const char* kComponentCpuPercent = "process_component_cpu_percent";
constexpr const char* kSamplingRatio = "tracing_sampling_ratio";
constexpr const char* kSamplingIneffective = "tracing_sampling_ineffective";
constexpr const char* kNetworkBytes = "tracing_network_bytes";

constexpr Gauge kGauges[] = {
    {"process_memory_bytes",
     [](const Values& v) { return v.process_memory_bytes; }},
    {"process_memory_peak_bytes",
     [](const Values& v) { return v.process_memory_peak_bytes; }},
    {"process_cpu_percent",
     [](const Values& v) { return v.process_cpu_percent; }},
    {"tracing_memory_overhead_bytes",
     [](const Values& v) { return v.tracing_memory_overhead_bytes; }},
    {"tracing_cpu_overhead_percent",
     [](const Values& v) { return v.tracing_cpu_overhead_percent; }},
};

template <size_t size>
void Copy(std::string_view text, char (&field)[size]) {
  field[text.copy(field, size - 1)] = '\0';
}

// A data source without an upper bound.
data_source_t Source(std::string_view name, int type) {
  data_source_t source{};
  Copy(name, source.name);
  source.type = type;
  source.min = 0;
  source.max = NAN;
  return source;
}

int Register(std::string_view type, std::span<data_source_t> sources) {
  data_set_t set{};
  Copy(type, set.type);
  set.ds_num = sources.size();
  set.ds = sources.data();
  return plugin_register_data_set(&set);
}

int RegisterGauge(std::string_view type) {
  data_source_t source = Source("value", DS_TYPE_GAUGE);
  return Register(type, {&source, 1});
}

// A value list with all fields but the type.
value_list_t ListOf(std::string_view series, cdtime_t time) {
  value_list_t list{};
  list.time = time;
  Copy(kPluginName, list.plugin);
  Copy(series, list.plugin_instance);
  return list;
}

// If collectd fails, it has logged why; other values may still get through.
void Send(value_list_t& list, std::string_view type,
          std::span<value_t> values) {
  list.values = values.data();
  list.values_len = values.size();
  Copy(type, list.type);
  plugin_dispatch_values(&list);
}

}  // namespace

int RegisterTypes() {
  for (const Gauge& gauge : kGauges) {
    if (const int status = RegisterGauge(gauge.name)) return status;
  }
  for (const char* const gauge :
       {kComponentCpuPercent, kSamplingRatio, kSamplingIneffective}) {
    if (const int status = RegisterGauge(gauge)) return status;
  }
  std::array sources{Source("sent", DS_TYPE_DERIVE),
                     Source("received", DS_TYPE_DERIVE)};
  return Register(kNetworkBytes, sources);
}

void Dispatch(const SeriesReport& report, cdtime_t time) {
  value_list_t list = ListOf(report.name, time);
  if (report.pid) {
    std::to_chars(list.type_instance, std::end(list.type_instance) - 1,
                  *report.pid);
  }
  for (const Gauge& gauge : kGauges) {
    const auto measured = gauge.value(report.values);
    if (!measured) continue;
    value_t value{};
    value.gauge = *measured;
    Send(list, gauge.name, {&value, 1});
  }
  if (const auto& bytes = report.values.tracing_network_bytes) {
    std::array<value_t, 2> values{};
    values[0].derive = static_cast<derive_t>(bytes->sent);
    values[1].derive = static_cast<derive_t>(bytes->received);
    Send(list, kNetworkBytes, values);
  }
}

void Dispatch(const ComponentReport& report, cdtime_t time) {
  value_list_t list = ListOf(report.series, time);
  Copy(report.component, list.type_instance);
  value_t value{};
  value.gauge = report.cpu_percent;
  Send(list, kComponentCpuPercent, {&value, 1});
}

void Dispatch(const trace_sampling::SamplingControl::Controlled& controlled,
              cdtime_t time) {
  if (!controlled.ratio) return;
  value_list_t list = ListOf(controlled.name, time);
  value_t value{};
  value.gauge = *controlled.ratio;
  Send(list, kSamplingRatio, {&value, 1});
  value.gauge = controlled.is_ineffective ? 1 : 0;
  Send(list, kSamplingIneffective, {&value, 1});
}

}  // namespace resource_attribution
