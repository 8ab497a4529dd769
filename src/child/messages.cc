#include "child/messages.h"

#include <array>
#include <utility>

namespace resource_attribution::child {
namespace {

// The presence of an optional value, then the value.
template <typename T>
void PutOptional(const std::optional<T>& value, Writer& writer) {
  writer.Put(value.has_value());
  if (value) writer.Put(*value);
}

template <typename T>
std::optional<T> TakeOptional(Reader& reader) {
  if (!reader.Take<bool>()) return std::nullopt;
  return reader.Take<T>();
}

// The parser of collectd's configuration is deeper than this only for a file
// that the plugin refuses.
constexpr int kDeepest = 8;

void Put(const options::Item& item, Writer& writer) {
  writer.Put(item.key);
  writer.PutEach(item.values, [&](const options::Value& value) {
    writer.Put(value.text.has_value());
    if (value.text) writer.Put(*value.text);
    PutOptional(value.number, writer);
    PutOptional(value.boolean, writer);
  });
  writer.PutEach(item.children,
                 [&](const options::Item& child) { Put(child, writer); });
}

options::Item TakeItem(Reader& reader, int depth) {
  if (depth > kDeepest) reader.Fail();
  options::Item item{.key = std::string(reader.TakeText())};
  reader.TakeEach([&] {
    options::Value& value = item.values.emplace_back();
    if (reader.Take<bool>()) value.text = reader.TakeText();
    value.number = TakeOptional<double>(reader);
    value.boolean = TakeOptional<bool>(reader);
  });
  reader.TakeEach(
      [&] { item.children.push_back(TakeItem(reader, depth + 1)); });
  return item;
}

// Where a value is in Values.
constexpr std::array kGauges{
    &Values::process_memory_bytes,
    &Values::process_memory_peak_bytes,
    &Values::process_cpu_percent,
    &Values::tracing_memory_overhead_bytes,
    &Values::tracing_cpu_overhead_percent,
};

void Put(const SeriesReport& series, Writer& writer) {
  writer.Put(series.name);
  PutOptional(series.pid, writer);
  for (const auto gauge : kGauges) PutOptional(series.values.*gauge, writer);
  const auto& bytes = series.values.tracing_network_bytes;
  writer.Put(bytes.has_value());
  if (bytes) {
    writer.Put(bytes->sent);
    writer.Put(bytes->received);
  }
}

SeriesReport TakeSeries(Reader& reader) {
  SeriesReport series{.name = reader.TakeText(),
                      .pid = TakeOptional<pid_t>(reader)};
  for (const auto gauge : kGauges) {
    series.values.*gauge = TakeOptional<double>(reader);
  }
  if (reader.Take<bool>()) {
    const auto sent = reader.Take<uint64_t>();
    series.values.tracing_network_bytes = {.sent = sent,
                                           .received = reader.Take<uint64_t>()};
  }
  return series;
}

void Put(const Notice& notice, Writer& writer) {
  writer.Put(notice.service);
  writer.Put(static_cast<uint8_t>(notice.kind));
  writer.Put(static_cast<uint8_t>(notice.severity));
  writer.Put(notice.text);
  writer.Put(notice.detail);
  writer.Put(notice.process);
}

Notice TakeNotice(Reader& reader, size_t services) {
  Notice notice;
  notice.service = reader.Take<size_t>();
  const auto kind = reader.Take<uint8_t>();
  const auto severity = reader.Take<uint8_t>();
  notice.text = reader.TakeText();
  notice.detail = reader.TakeText();
  notice.process = reader.Take<pid_t>();
  if (notice.service >= services || kind >= Notice::kKinds ||
      severity >= Notice::kSeverities) {
    reader.Fail();
  }
  notice.kind = static_cast<Notice::Kind>(kind);
  notice.severity = static_cast<Notice::Severity>(severity);
  return notice;
}

TracingCost TakeCost(Reader& reader, size_t services) {
  const auto service = reader.Take<size_t>();
  if (service >= services) reader.Fail();
  const auto tracing_cpu = reader.Take<double>();
  return {.service = service,
          .tracing_cpu = tracing_cpu,
          .cpu = reader.Take<double>()};
}

Writer Begin(Asked asked, Bytes& bytes) {
  Writer writer(bytes);
  writer.Put(static_cast<uint8_t>(asked));
  return writer;
}

Writer Succeed(Bytes& bytes) {
  Writer writer(bytes);
  writer.Put(true);
  return writer;
}

}  // namespace

void Write(const Assignment& assignment, Bytes& bytes) {
  Writer writer = Begin(Asked::kAssignment, bytes);
  writer.Put(assignment.version);
  writer.PutEach(assignment.plugin_blocks,
                 [&](const options::Item& item) { Put(item, writer); });
  writer.Put(assignment.interval_seconds);
}

std::optional<Assignment> ReadAssignment(Reader& reader) {
  Assignment assignment{.version = std::string(reader.TakeText())};
  reader.TakeEach([&] {
    assignment.plugin_blocks.push_back(TakeItem(reader, /*depth=*/0));
  });
  assignment.interval_seconds = reader.Take<double>();
  if (!reader.IsWhole()) return std::nullopt;
  return assignment;
}

void WritePass(const procfs::PassedOver& passed_over, Bytes& bytes) {
  Writer writer = Begin(Asked::kPass, bytes);
  const auto put = [&](const auto& one) { writer.Put(one); };
  writer.PutEach(passed_over.processes, put);
  writer.PutEach(passed_over.users, put);
  writer.PutEach(passed_over.files, put);
}

std::optional<procfs::PassedOver> ReadPass(Reader& reader) {
  procfs::PassedOver passed_over;
  reader.TakeEach(
      [&] { passed_over.processes.push_back(reader.Take<pid_t>()); });
  reader.TakeEach([&] { passed_over.users.push_back(reader.Take<uid_t>()); });
  reader.TakeEach([&] { passed_over.files.emplace_back(reader.TakeText()); });
  if (!reader.IsWhole()) return std::nullopt;
  return passed_over;
}

void WriteAboutProcess(Asked asked, pid_t pid, Bytes& bytes) {
  Begin(asked, bytes).Put(pid);
}

void WriteTable(Bytes& bytes) { Begin(Asked::kTable, bytes); }

void Write(const Ready& ready, Bytes& bytes) {
  Writer writer = Succeed(bytes);
  writer.Put(ready.discovery);
  writer.PutEach(ready.warnings,
                 [&](const std::string& line) { writer.Put(line); });
  writer.Put(ready.connections);
}

std::optional<Ready> ReadReady(Reader& reader) {
  Ready ready{.discovery = std::string(reader.TakeText())};
  reader.TakeEach([&] { ready.warnings.emplace_back(reader.TakeText()); });
  ready.connections = reader.TakeText();
  if (!reader.IsWhole()) return std::nullopt;
  return ready;
}

void Write(const PassReport& report, Bytes& bytes) {
  Writer writer = Succeed(bytes);
  writer.PutEach(report.processes, [&](size_t count) { writer.Put(count); });
  writer.PutEach(report.notices,
                 [&](const Notice& notice) { Put(notice, writer); });
  writer.PutEach(report.series,
                 [&](const SeriesReport& series) { Put(series, writer); });
  writer.PutEach(report.components, [&](const ComponentReport& one) {
    writer.Put(one.series);
    writer.Put(one.component);
    writer.Put(one.cpu_percent);
  });
  writer.PutEach(report.tracing_costs, [&](const TracingCost& one) {
    writer.Put(one.service);
    writer.Put(one.tracing_cpu);
    writer.Put(one.cpu);
  });
}

bool ReadReport(Reader& reader, size_t services, PassReport& report) {
  report.Clear(0);
  reader.TakeEach([&] { report.processes.push_back(reader.Take<size_t>()); });
  reader.TakeEach(
      [&] { report.notices.push_back(TakeNotice(reader, services)); });
  reader.TakeEach([&] { report.series.push_back(TakeSeries(reader)); });
  reader.TakeEach([&] {
    const auto series = reader.TakeText();
    const auto component = reader.TakeText();
    report.components.push_back({.series = series,
                                 .component = component,
                                 .cpu_percent = reader.Take<double>()});
  });
  reader.TakeEach(
      [&] { report.tracing_costs.push_back(TakeCost(reader, services)); });
  return reader.IsWhole() && report.processes.size() == services;
}

void WriteText(std::string_view text, Bytes& bytes) {
  Succeed(bytes).Put(text);
}

std::optional<std::string_view> ReadText(Reader& reader) {
  const std::string_view text = reader.TakeText();
  if (!reader.IsWhole()) return std::nullopt;
  return text;
}

void WriteFailure(std::string_view reason, Bytes& bytes) {
  Writer writer(bytes);
  writer.Put(false);
  writer.Put(reason);
}

std::optional<std::string_view> ReadFailure(Reader& reader) {
  if (reader.Take<bool>()) return std::nullopt;
  return reader.TakeText();
}

}  // namespace resource_attribution::child
