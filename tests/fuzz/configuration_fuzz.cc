#include <cmath>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "environment.h"
#include "fake_collectd.h"
#include "fuzz.h"
#include "proc_tree.h"

using namespace resource_attribution;
using Node = ConfigTree::Node;
using Argument = ConfigTree::Argument;

extern "C" void module_register(void);

namespace {

// A process with hostile names, an ordinary process, and a kernel thread.
class Host {
 public:
  Host() {
    tree_.Put({.pid = 1, .comm = "init", .cgroup = "0::/init.scope\n"});
    tree_.Put({.pid = 5,
               .comm = "a) R 1 (b",
               .cmdline = std::string("\x1b[2J\0--jar=x/\xff y.jar\0", 22),
               .exe = "/usr/bin/a (deleted)",
               .cgroup = "0::/system.slice/nginx.service\n"});
    tree_.Put({.pid = 6,
               .comm = "worker",
               .cmdline = std::string("worker\0--jar=y.jar\0", 19),
               .parent = 5,
               .cgroup = "0::/system.slice/nginx.service/sub\n"});
    tree_.Put({.pid = 7,
               .comm = "kworker/0:0",
               .flags = 0x200040,
               .has_memory = false,
               .cmdline = "",
               .exe = ""});
    const std::string root = files_.path() / "v2";
    std::filesystem::create_directories(root +
                                        "/system.slice/nginx.service/sub");
    Write(root + "/cgroup.procs", "1\n");
    Write(root + "/system.slice/cgroup.procs", "");
    Write(root + "/system.slice/nginx.service/cgroup.procs", "5\n");
    Write(root + "/system.slice/nginx.service/sub/cgroup.procs", "6\n0\n");
    // `self` leads to process 1.
    Write(tree_.path() + "/1/mounts", "cgroup2 " + root + " cgroup2 rw 0 0\n");
    Write(pid_file(), "5\n");
  }

  std::string proc_path() const { return tree_.path(); }
  std::string pid_file() const { return files_.path() / "a.pid"; }

  // A process that changes, so that passes find, keep and lose it.
  void Change(FuzzedDataProvider& choices) {
    tree_.Remove(8);
    if (choices.ConsumeBool()) return;
    FakeProcess process{.pid = 8,
                        .comm = choices.ConsumeRandomLengthString(15),
                        .start_time = choices.ConsumeIntegral<uint64_t>(),
                        .effective_user = choices.ConsumeIntegral<uid_t>(),
                        .vm_rss_kb = choices.ConsumeIntegral<uint32_t>(),
                        .cmdline = choices.ConsumeRandomLengthString(200),
                        .parent = choices.ConsumeIntegralInRange(0, 9)};
    tree_.Put(process);
  }

 private:
  ProcTree tree_;
  TemporaryDirectory files_;
};

using Known = std::vector<std::pair<const char*, std::vector<Argument>>>;

// Options and their valid values. The first value is chosen once the input is
// used up.
const Known& PluginOptions() {
  static const Known known = {
      {"Interval", {60, 0.1, 0.5, 31536000}},
      {"Enabled", {true, "on", 1, false}},
      {"CPUPercentOf", {"Core", "host"}},
      {"Discovery", {"Auto", "Scan", "Events"}},
      {"MaxOpenFiles", {0, 1, 4, 1048576}},
      {"MemoryType", {"Rss", "pss"}},
      {"PeakMemory", {"VmPeak", "vmhwm"}},
      {"TracingMemoryPercent", {1.5, 0, 100}},
      {"TracingCPUPercent", {0.5, 0, 100}},
      {"TracingDetect", {true, false}},
      {"TracingOverhead", {"Estimate", "threads"}},
      {"CompareWindow", {10, 1, 10000}},
      {"SamplingMode", {"Observe", "Act"}},
      {"SamplingFile", {"/nonexistent/a.json", "/dev/null"}},
      {"SamplingAnswers", {"/nonexistent"}},
      {"SamplingDefault", {0.001, 0, 1}},
  };
  return known;
}

const Known& BlockOptions(const Host& host) {
  static const Known known = {
      {"User", {"0", 0, "root", "nobody-is-called-so"}},
      {"Self", {true, "no"}},
      {"PIDFile", {host.pid_file(), "/nonexistent", "/dev/null"}},
      {"Name", {"worker", "a) R 1 (b", "a-name-of-more-than-15-bytes"}},
      {"Executable", {"/usr/bin/a", "/usr/bin/fake"}},
      {"CommandLine",
       {"(?P<jar>.*)", "--jar=(?P<jar>[^ ]+)\\.jar", "^\\x1b", "(?i)WORKER"}},
      {"Cgroup", {"system.slice", "*/nginx*", "/", "system.slice/[!a]*"}},
      {"SystemdUnit", {"nginx.service", "*.service", "*"}},
      {"IncludeChildren", {true, false}},
      {"PerProcess", {true, false}},
      {"MaxProcesses", {1, 2, 65536}},
      {"MaxInstances", {1, 2, 65536}},
      {"MemoryType", {"Rss", "Pss"}},
      {"PeakMemory", {"VmPeak", "VmHWM"}},
      {"TracingMemoryPercent", {100, 0}},
      {"TracingCPUPercent", {100, 0}},
      {"TracingDetect", {true, false}},
      {"TracingOverhead", {"Estimate", "Threads", "Compared"}},
      {"CompareWindow", {1, 10000}},
      {"TracingThread", {"a", "^BatchSpan", "worker"}},
      {"TracingProcess", {true, false}},
      {"TracingExportPort", {4317, 1, 65535}},
  };
  return known;
}

const std::vector<const char*> kNames = {
    "${comm}", "a",      "${unit}-x",   "${cgroup}",   "${jar}",
    "${user}", "worker", "${comm",      "x/y",         "\x07",
    "\x1b[2J", "",       "caf\xc3\xa9", "\xed\xa0\x80"};
const std::vector<double> kNumbers = {0,    100.1,        65536, 1e300,   -1,
                                      0.09, 4294967294.0, NAN,   INFINITY};

const auto& Pick(FuzzedDataProvider& choices, const auto& from) {
  return from[choices.ConsumeIntegralInRange<size_t>(0, from.size() - 1)];
}

bool OneIn16(FuzzedDataProvider& choices) {
  return choices.ConsumeIntegralInRange(0, 15) == 15;
}

// An argument that is seldom valid.
Argument AnyArgument(FuzzedDataProvider& choices) {
  switch (choices.ConsumeIntegralInRange(0, 5)) {
    case 0:
      return choices.ConsumeBool();
    case 1:
      return Pick(choices, kNumbers);
    case 2:
      return choices.ConsumeFloatingPoint<double>();
    case 3:
      return Pick(choices, kNames);
    case 4:
      return std::string(choices.ConsumeIntegralInRange<size_t>(0, 5000),
                         choices.ConsumeIntegral<char>());
    default:
      return choices.ConsumeRandomLengthString(300);
  }
}

// Mostly a valid option.
Node AnOption(FuzzedDataProvider& choices, const Known& known) {
  const auto& [key, valid] = Pick(choices, known);
  Node node{key, {Pick(choices, valid)}, {}};
  if (OneIn16(choices)) node.key = choices.ConsumeRandomLengthString(40);
  if (OneIn16(choices)) node.arguments = {AnyArgument(choices)};
  if (OneIn16(choices)) node.arguments.push_back(AnyArgument(choices));
  if (OneIn16(choices)) node.arguments.clear();
  if (OneIn16(choices)) node.children = {AnOption(choices, known)};
  return node;
}

Node ASampling(FuzzedDataProvider& choices) {
  static const Known others = {{"Service", {"a", "../b", "${comm}"}},
                               {"StepInterval", {1, 180}}};
  return {"Sampling",
          {},
          {{"MaxCPUShare", {choices.ConsumeFloatingPoint<double>()}, {}},
           {"Ratio",
            {choices.ConsumeProbability<double>(),
             choices.ConsumeProbability<double>()},
            {}},
           AnOption(choices, others)}};
}

Node AProcess(FuzzedDataProvider& choices, const Host& host) {
  Node node{"Process", {Pick(choices, kNames)}, {}};
  if (OneIn16(choices)) node.arguments = {AnyArgument(choices)};
  if (choices.ConsumeIntegralInRange(0, 3) == 3) {
    node.key = "processmatch";
    node.arguments.push_back(choices.ConsumeRandomLengthString(100));
  }
  const int children = choices.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < children; ++i) {
    node.children.push_back(AnOption(choices, BlockOptions(host)));
  }
  if (OneIn16(choices)) {
    node.children.push_back(
        {"Untraced", {}, {AnOption(choices, BlockOptions(host))}});
  }
  if (OneIn16(choices)) {
    static const Known thread = {{"Thread", {"worker", "a", "."}}};
    node.children.push_back(
        {"Component", {Pick(choices, kNames)}, {AnOption(choices, thread)}});
  }
  if (OneIn16(choices)) node.children.push_back(ASampling(choices));
  return node;
}

ConfigTree APluginBlock(FuzzedDataProvider& choices, const Host& host) {
  ConfigTree::Children options;
  const int count = choices.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < count; ++i) {
    options.push_back(choices.ConsumeBool() ? AnOption(choices, PluginOptions())
                                            : AProcess(choices, host));
  }
  // The last value holds, so the module reads no other procfs.
  options.push_back({"ProcPath", {host.proc_path()}, {}});
  return ConfigTree(std::move(options));
}

void RequirePrintableLog(const FakeCollectd& collectd) {
  for (const auto& line : collectd.log) {
    Require(!HasControlCharacter(line.text), "a log line is printable");
  }
}

void RequireErrorsUnless(bool accepted, const FakeCollectd& collectd) {
  RequirePrintableLog(collectd);
  Require(accepted == collectd.Lines(LOG_ERR).empty(),
          "what is accepted logs no error, what is refused logs one");
}

void RequireValues(const FakeCollectd& collectd) {
  static const std::set<std::string> kTypes = {
      "process_memory_bytes",          "process_memory_peak_bytes",
      "process_cpu_percent",           "process_component_cpu_percent",
      "tracing_memory_overhead_bytes", "tracing_cpu_overhead_percent",
      "tracing_network_bytes",         "tracing_sampling_ratio",
      "tracing_sampling_ineffective"};
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const auto& value : collectd.values) {
    Require(value.plugin == "resource_attribution", "a value is ours");
    Require(kTypes.contains(value.type), "a value is of a type of ours");
    RequireSeriesName(value.instance);
    Require(std::isfinite(value.value) && value.value >= 0,
            "a value is a number from 0");
    Require(
        seen.insert({value.instance, value.type, value.type_instance}).second,
        "a pass reports no value twice");
  }
}

void RunPasses(FakeCollectd& collectd, Host& host,
               FuzzedDataProvider& choices) {
  for (int pass = 0; pass < 3; ++pass) {
    host.Change(choices);
    collectd.values.clear();
    collectd.log.clear();
    Require(collectd.read(nullptr) == 0, "a pass never fails for collectd");
    RequirePrintableLog(collectd);
    RequireValues(collectd);
  }
}

}  // namespace

// Runs trees of options through the module, called as by the daemon.
void Fuzz(std::string_view bytes) {
  static Host host;
  auto choices = ChoicesFrom(bytes);
  FakeCollectd collectd;
  if (choices.ConsumeBool()) {
    collectd.load_plugin_interval =
        choices.ConsumeFloatingPointInRange<double>(0.01, 1e8);
  }
  module_register();
  bool accepted = true;
  const int plugin_blocks = choices.ConsumeIntegralInRange(1, 2);
  for (int i = 0; i < plugin_blocks; ++i) {
    ConfigTree tree = APluginBlock(choices, host);
    accepted = collectd.config(tree.get()) == 0 && accepted;
  }
  RequireErrorsUnless(accepted, collectd);
  // If the configuration is not accepted, the daemon ends.
  if (accepted) {
    accepted = collectd.init() == 0;
    RequireErrorsUnless(accepted, collectd);
  }
  if (collectd.read != nullptr) {
    Require(accepted, "nothing is read where the start failed");
    RunPasses(collectd, host, choices);
  }
  Require(collectd.shutdown() == 0, "shutdown succeeds");
}
