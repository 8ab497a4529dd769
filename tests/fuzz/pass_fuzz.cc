#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include "child/table.h"
#include "fuzz.h"
#include "proc_tree.h"
#include "sampler/sampler.h"

using namespace resource_attribution;
using std::chrono::milliseconds;

namespace {

constexpr std::array<pid_t, 3> kPids = {5, 6, 7};
constexpr std::array kFiles = {
    "stat",         "status",  "comm", "cmdline",     "cgroup",
    "smaps_rollup", "environ", "maps", "task/9/stat", "task/5/stat"};

// Blocks with every way to select and measure processes.
Config Blocks(const std::string& proc_path) {
  const auto block = [](const char* name, auto set) {
    Service made{.name = name, .selectors = {}};
    set(made);
    return made;
  };
  Config config;
  config.proc_path = proc_path;
  config.discovery = DiscoveryMode::kScan;
  // Keeps no file open: files of a removed tree could still be read.
  config.max_open_files = 0;
  config.interval_seconds = 0.1;
  config.services.push_back(block("single", [](Service& made) {
    made.selectors.users = {"0"};
    made.per_process = true;
    made.max_processes = 2;
  }));
  config.services.push_back(block("${comm}-${unit}-${x}", [](Service& made) {
    made.selectors.command_lines.push_back(
        discovery::CompileExpression("(?P<x>[^/]*)"));
    made.max_instances = 2;
    made.memory_type = MemoryType::kPss;
  }));
  config.services.push_back(block("tree", [](Service& made) {
    made.selectors.names = {"a-name-of-more-than-15-bytes", "fake"};
    made.selectors.include_children = true;
  }));
  config.services.push_back(block("measured", [](Service& made) {
    made.selectors.users = {"0"};
    made.tracing_detect = true;
    made.tracing_overhead = TracingOverhead::kThreads;
    made.components.push_back({"c", {}});
    made.components[0].threads.push_back(discovery::CompileExpression("[a-f]"));
  }));
  config.services.push_back(block("compared", [](Service& made) {
    made.selectors.users = {"0"};
    made.tracing_overhead = TracingOverhead::kCompared;
    made.compare_window = 1;
    made.untraced.emplace().names = {"fake"};
  }));
  // Whose near misses the table explains.
  config.services.push_back(block("absent", [](Service& made) {
    made.selectors.names = {"a", "FAKE", "fake*", "/usr/bin/fake"};
    made.selectors.executables = {"/bin/fake"};
    made.selectors.command_lines.push_back(
        discovery::CompileExpression("^[a-f]+$"));
    made.selectors.cgroups = {discovery::SplitCgroupPath("a/b")};
    made.selectors.systemd_units = {"a.service"};
  }));
  return config;
}

// Makes files as the kernel could show them, or one file of any bytes.
void Change(ProcTree& tree, FuzzedDataProvider& choices) {
  for (const pid_t pid : kPids) {
    const auto change = choices.ConsumeIntegralInRange(0, 3);
    if (change == 0) continue;
    if (change == 1) {
      tree.Remove(pid);
      continue;
    }
    tree.Put({.pid = pid,
              .state = choices.PickValueInArray({'S', 'R', 'Z'}),
              .flags = choices.ConsumeIntegral<uint32_t>(),
              .utime = choices.ConsumeIntegral<uint64_t>(),
              .stime = choices.ConsumeIntegral<uint32_t>(),
              .start_time = choices.ConsumeIntegralInRange<uint64_t>(0, 3),
              .vm_rss_kb = choices.ConsumeIntegral<uint32_t>(),
              .parent = choices.ConsumeIntegralInRange(0, 8),
              .threads = {{.tid = 9,
                           .comm = "BatchSpanProces",
                           .utime = choices.ConsumeIntegral<uint32_t>()}}});
    if (change == 2) continue;
    const std::string file = tree.path() + "/" + std::to_string(pid) + "/" +
                             choices.PickValueInArray(kFiles);
    if (!std::filesystem::exists(file)) continue;
    Write(file, choices.ConsumeRandomLengthString(500));
  }
}

void RequireNumber(double value) {
  Require(std::isfinite(value) && value >= 0, "a value is a number from 0");
}

void RequireValues(const PassReport& report) {
  std::set<std::pair<std::string_view, std::optional<pid_t>>> seen;
  for (const SeriesReport& one : report.series) {
    RequireSeriesName(one.name);
    Require(seen.insert({one.name, one.pid}).second,
            "a pass reports no instance twice");
    RequireNumber(one.values.process_memory_bytes.value_or(0));
    RequireNumber(one.values.process_memory_peak_bytes.value_or(0));
    RequireNumber(one.values.process_cpu_percent.value_or(0));
    RequireNumber(one.values.tracing_memory_overhead_bytes.value_or(0));
    RequireNumber(one.values.tracing_cpu_overhead_percent.value_or(0));
  }
  for (const ComponentReport& one : report.components) {
    RequireSeriesName(one.series);
    RequireNumber(one.cpu_percent);
  }
}

// The table of resource-attribution-check goes to a terminal.
void RequirePrintableTable(const Sampler& sampler, const PassReport& report) {
  std::string table = child::Table(sampler, report);
  std::erase(table, '\n');
  Require(!HasControlCharacter(table), "the table is printable");
}

}  // namespace

// Passes over processes that say anything.
void Fuzz(std::string_view bytes) {
  static ProcTree tree;
  for (const pid_t pid : kPids) tree.Remove(pid);
  auto choices = ChoicesFrom(bytes);
  procfs::Instant now{
      .monotonic = std::chrono::steady_clock::time_point(milliseconds(10)),
      .since_boot = milliseconds(10)};
  Sampler sampler(Blocks(tree.path()), [&now] { return now; });
  Require(sampler.ChooseDiscovery().has_value(), "there is a way to search");
  PassReport report;
  for (int pass = 0; pass < 4; ++pass) {
    Change(tree, choices);
    const milliseconds elapsed(choices.ConsumeIntegralInRange(0, 200));
    now.monotonic += elapsed;
    now.since_boot += elapsed;
    Require(sampler.Pass(report).has_value(),
            "no process makes a pass fail for the others");
    RequireValues(report);
    RequirePrintableTable(sampler, report);
  }
}
