#include "child/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "discovery/near_misses.h"
#include "measures/tracing_detector.h"
#include "procfs/printable.h"
#include "procfs/procfs.h"

namespace resource_attribution::child {
namespace {

using procfs::Printable;

constexpr const char* kNone = "-";

// A series as the table shows it.
struct Row {
  std::string name;
  std::string memory = kNone;
  std::string peak = kNone;
  std::string cpu = kNone;
  std::string tracing_memory = kNone;
  std::string tracing_cpu = kNone;
  std::vector<std::string> below{};  // lines that belong to it
};

std::string Rounded(std::optional<double> value, int digits) {
  if (!value) return kNone;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, *value);
  return text.data();
}

std::string Significant(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

// Whether the process is traced, and what shows it; empty if the block does not
// detect tracing.
std::string DescribeTracing(const Service& service,
                            const store::Record* record) {
  if (record == nullptr || !record->detected) return "";
  using measures::TracingState;
  const auto [tracing, evidence, is_switched_off] =
      measures::DetectionOf(service, *record);
  const char* const answer = tracing == TracingState::kTraced     ? "on"
                             : tracing == TracingState::kUntraced ? "off"
                                                                  : "unknown";
  const std::string& problem = record->detected->problem;
  return std::string(", tracing: ") + answer + " (" +
         (problem.empty() ? evidence : Printable(problem)) + ")";
}

// The PID and the command name, which any user can choose.
std::string Describe(const procfs::Procfs& proc, const Sampler& sampler,
                     const discovery::Match& match) {
  procfs::Buffer buffer;
  const auto comm = proc.GlanceAt(match.pid).ReadComm(buffer);
  return std::to_string(match.pid) + " " +
         (comm ? Printable(*comm) : "(gone)") +
         DescribeTracing(sampler.config().services[match.service],
                         sampler.Find(match.pid)) +
         (match.untraced ? ", untraced" : "");
}

Row MakeRow(const SeriesReport& report, const Sampler& sampler,
            const procfs::Procfs& proc) {
  const Values& values = report.values;
  Row row{
      .name = Printable(report.name),
      .memory = Rounded(values.process_memory_bytes, 0),
      .peak = Rounded(values.process_memory_peak_bytes, 0),
      .cpu = Rounded(values.process_cpu_percent, 1),
      .tracing_memory = Rounded(values.tracing_memory_overhead_bytes, 0),
      .tracing_cpu = values.tracing_cpu_overhead_percent
                         ? Significant(*values.tracing_cpu_overhead_percent)
                         : kNone,
  };
  for (const discovery::Match& match : sampler.matches()) {
    if (sampler.NameOf(match) == report.name &&
        report.pid.value_or(match.pid) == match.pid) {
      row.below.push_back(Describe(proc, sampler, match));
    }
  }
  if (const auto& bytes = values.tracing_network_bytes) {
    row.below.push_back("export traffic: " + std::to_string(bytes->sent) +
                        " bytes sent, " + std::to_string(bytes->received) +
                        " received");
  }
  return row;
}

// A row for each block without a process, with the reason below it.
void AddRowsOfAbsent(const Sampler& sampler, const PassReport& report,
                     const procfs::Procfs& proc, std::vector<Row>& rows) {
  const size_t first = rows.size();
  std::vector<const discovery::Selectors*> selectors;
  for (size_t block = 0; block < report.processes.size(); ++block) {
    if (report.processes[block] > 0) continue;
    const Service& absent = sampler.config().services[block];
    rows.push_back({.name = Printable(absent.name)});
    selectors.push_back(&absent.selectors);
  }
  if (selectors.empty()) return;
  auto reasons = discovery::ExplainNearMisses(
      proc, sampler.config().proc_path + "/self/mounts", selectors);
  for (size_t i = 0; reasons && i < reasons->size(); ++i) {
    rows[first + i].below = std::move((*reasons)[i]);
  }
}

// A row for every series that has values and every block that has none.
std::vector<Row> MakeRows(const Sampler& sampler, const PassReport& report) {
  std::vector<Row> rows;
  const procfs::Procfs* proc = sampler.proc();
  if (proc == nullptr) return rows;
  for (const SeriesReport& series : report.series) {
    rows.push_back(MakeRow(series, sampler, *proc));
    for (const ComponentReport& one : report.components) {
      if (one.series != series.name) continue;
      rows.push_back({.name = "  " + Printable(one.component),
                      .cpu = Rounded(one.cpu_percent, 1)});
    }
  }
  AddRowsOfAbsent(sampler, report, *proc, rows);
  return rows;
}

// The width in characters: counts the bytes of UTF-8 that begin one.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string RightAligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

void AddRow(const Row& row, size_t name_width, std::string& table) {
  table += row.name + std::string(name_width - Width(row.name), ' ') + ' ' +
           RightAligned(row.memory, 14) + ' ' + RightAligned(row.peak, 16) +
           ' ' + RightAligned(row.cpu, 8) + ' ' +
           RightAligned(row.tracing_memory, 15) + ' ' +
           RightAligned(row.tracing_cpu, 14) + '\n';
  for (const std::string& line : row.below) table += "  " + line + '\n';
}

}  // namespace

std::string Table(const Sampler& sampler, const PassReport& report) {
  std::vector<Row> rows = MakeRows(sampler, report);
  rows.insert(rows.begin(), {.name = "BLOCK",
                             .memory = "MEMORY B",
                             .peak = "PEAK B",
                             .cpu = "CPU %",
                             .tracing_memory = "TRACING B",
                             .tracing_cpu = "TRACING CPU %"});
  size_t name_width = 0;
  for (const Row& row : rows) {
    name_width = std::max(name_width, Width(row.name));
  }
  std::string table;
  for (const Row& row : rows) AddRow(row, name_width, table);
  return table;
}

}  // namespace resource_attribution::child
