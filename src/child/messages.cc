#include "child/messages.h"

#include <algorithm>
#include <tuple>

namespace resource_attribution::child {

template <>
constexpr auto kFields<options::Value> = std::tuple(&options::Value::text,
                                                    &options::Value::number,
                                                    &options::Value::boolean);
template <>
constexpr auto kFields<options::Item> = std::tuple(&options::Item::key,
                                                   &options::Item::values,
                                                   &options::Item::children);
template <>
constexpr auto kFields<Assignment> = std::tuple(&Assignment::version,
                                                &Assignment::plugin_blocks,
                                                &Assignment::interval_seconds);
template <>
constexpr auto kFields<procfs::PassedOver> =
    std::tuple(&procfs::PassedOver::processes, &procfs::PassedOver::users,
               &procfs::PassedOver::files);
template <>
constexpr auto kFields<Ready> = std::tuple(&Ready::discovery, &Ready::warnings,
                                           &Ready::connections);
template <>
constexpr auto kFields<Notice> = std::tuple(&Notice::service, &Notice::kind,
                                            &Notice::severity, &Notice::text,
                                            &Notice::detail, &Notice::process);
template <>
constexpr auto kFields<Traffic> = std::tuple(&Traffic::sent,
                                             &Traffic::received);
template <>
constexpr auto kFields<Values> = std::apply(
    [](auto... gauges) {
      return std::tuple(gauges.value..., &Values::tracing_network_bytes);
    },
    kGauges);
template <>
constexpr auto kFields<SeriesReport> = std::tuple(&SeriesReport::name,
                                                  &SeriesReport::pid,
                                                  &SeriesReport::values);
template <>
constexpr auto kFields<ComponentReport> =
    std::tuple(&ComponentReport::series, &ComponentReport::component,
               &ComponentReport::cpu_percent);
template <>
constexpr auto kFields<TracingCost> = std::tuple(&TracingCost::service,
                                                 &TracingCost::tracing_cpu,
                                                 &TracingCost::cpu);
template <>
constexpr auto kFields<PassReport> = std::tuple(&PassReport::processes,
                                                &PassReport::notices,
                                                &PassReport::series,
                                                &PassReport::components,
                                                &PassReport::tracing_costs);

namespace {

void WriteRequest(Asked asked, const auto& content, Bytes& bytes) {
  Writer writer(bytes);
  writer.Put(asked);
  writer.Put(content);
}

// The reply to what the child could do, or could not.
void WriteReply(bool success, const auto& content, Bytes& bytes) {
  Writer writer(bytes);
  writer.Put(success);
  writer.Put(content);
}

template <typename T>
std::optional<T> ReadWhole(Reader& reader) {
  T content = reader.Take<T>();
  if (!reader.IsWhole()) return std::nullopt;
  return content;
}

}  // namespace

void Write(const Assignment& assignment, Bytes& bytes) {
  WriteRequest(Asked::kAssignment, assignment, bytes);
}

void WritePass(const procfs::PassedOver& passed_over, Bytes& bytes) {
  WriteRequest(Asked::kPass, passed_over, bytes);
}

void WriteAboutProcess(Asked asked, pid_t pid, Bytes& bytes) {
  WriteRequest(asked, pid, bytes);
}

void WriteTable(Bytes& bytes) { Writer(bytes).Put(Asked::kTable); }

std::optional<Assignment> ReadAssignment(Reader& reader) {
  return ReadWhole<Assignment>(reader);
}

std::optional<procfs::PassedOver> ReadPass(Reader& reader) {
  return ReadWhole<procfs::PassedOver>(reader);
}

void Write(const Ready& ready, Bytes& bytes) { WriteReply(true, ready, bytes); }

void Write(const PassReport& report, Bytes& bytes) {
  WriteReply(true, report, bytes);
}

void WriteText(std::string_view text, Bytes& bytes) {
  WriteReply(true, text, bytes);
}

void WriteFailure(std::string_view reason, Bytes& bytes) {
  WriteReply(false, reason, bytes);
}

std::optional<std::string_view> ReadFailure(Reader& reader) {
  if (reader.Take<bool>()) return std::nullopt;
  return reader.Take<std::string_view>();
}

std::optional<Ready> ReadReady(Reader& reader) {
  return ReadWhole<Ready>(reader);
}

bool ReadReport(Reader& reader, size_t services, PassReport& report) {
  reader.Take(report);
  const auto is_valid = [services](const Notice& one) {
    return one.service < services &&
           static_cast<size_t>(one.kind) < Notice::kKinds &&
           static_cast<size_t>(one.severity) < Notice::kSeverities;
  };
  const auto is_of_service = [services](const TracingCost& one) {
    return one.service < services;
  };
  return reader.IsWhole() && report.processes.size() == services &&
         std::ranges::all_of(report.notices, is_valid) &&
         std::ranges::all_of(report.tracing_costs, is_of_service);
}

std::optional<std::string_view> ReadText(Reader& reader) {
  return ReadWhole<std::string_view>(reader);
}

}  // namespace resource_attribution::child
