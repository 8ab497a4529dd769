#include "types.h"

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <span>
#include <string_view>

namespace resource_attribution {
namespace {

constexpr const char* kComponentCpuPercent = "process_component_cpu_percent";
constexpr const char* kSamplingRatio = "tracing_sampling_ratio";
constexpr const char* kSamplingIneffective = "tracing_sampling_ineffective";
constexpr const char* kNetworkBytes = "tracing_network_bytes";

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

void SendGauge(value_list_t& list, std::string_view type, double measured) {
  value_t value{};
  value.gauge = measured;
  Send(list, type, {&value, 1});
}

}  // namespace

int RegisterTypes() {
  for (const Gauge& gauge : kGauges) {
    if (const int status = RegisterGauge(gauge.type)) return status;
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
    const auto measured = report.values.*gauge.value;
    if (measured) SendGauge(list, gauge.type, *measured);
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
  SendGauge(list, kComponentCpuPercent, report.cpu_percent);
}

void Dispatch(const trace_sampling::SamplingControl::Controlled& controlled,
              cdtime_t time) {
  if (!controlled.ratio) return;
  value_list_t list = ListOf(controlled.name, time);
  SendGauge(list, kSamplingRatio, *controlled.ratio);
  SendGauge(list, kSamplingIneffective, controlled.is_ineffective ? 1 : 0);
}

}  // namespace resource_attribution
