#include <array>
#include <cmath>
#include <set>
#include <string>
#include <tuple>

#include "environment.h"
#include "fake_collectd.h"
#include "fuzz.h"
#include "proc_tree.h"

using namespace resource_attribution;
using Node = ConfigTree::Node;
using Argument = ConfigTree::Argument;

extern "C" void module_register(void);

namespace {

// A process whose names are hostile, one that is usual, and a kernel thread.
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

constexpr std::array kPluginOptions = {
    "Enabled",      "Interval",         "ProcPath",   "CPUPercentOf",
    "Discovery",    "MemoryType",       "PeakMemory", "TracingMemoryPercent",
    "MaxOpenFiles", "TracingCPUPercent"};
constexpr std::array kBlockOptions = {"Self",
                                      "PIDFile",
                                      "Name",
                                      "Executable",
                                      "CommandLine",
                                      "User",
                                      "Cgroup",
                                      "SystemdUnit",
                                      "IncludeChildren",
                                      "PerProcess",
                                      "MaxProcesses",
                                      "MaxInstances",
                                      "MemoryType",
                                      "PeakMemory",
                                      "TracingMemoryPercent",
                                      "TracingCPUPercent"};
// Some of which each option takes one.
constexpr std::array kTexts = {"true",
                               "/usr/bin/a",
                               "worker",
                               "nginx",
                               "--jar=(?P<jar>[^ ]+)\\.jar",
                               "^.*$",
                               "(",
                               "0",
                               "root",
                               "system.slice/*",
                               "nginx.service",
                               "*.service",
                               "Core",
                               "Host",
                               "Auto",
                               "Events",
                               "Scan",
                               "Rss",
                               "Pss",
                               "VmPeak",
                               "VmHWM",
                               "../..",
                               "\x1b[2J",
                               "caf\xc3\xa9",
                               "\xed\xa0\x80"};
constexpr std::array kNames = {"a",         "b",      "${comm}", "${unit}-x",
                               "${cgroup}", "${jar}", "${user}", "${comm",
                               "x/y",       "\x07",   "worker",  ""};
constexpr std::array kNumbers = {0.0,
                                 0.1,
                                 0.5,
                                 1.0,
                                 1.5,
                                 2.0,
                                 60.0,
                                 100.,
                                 100.1,
                                 65536.0,
                                 31536000.,
                                 1e300,
                                 -1.0,
                                 4294967294.0,
                                 static_cast<double>(NAN),
                                 static_cast<double>(INFINITY)};

std::string Text(FuzzedDataProvider& choices, const Host& host) {
  switch (choices.ConsumeIntegralInRange(0, 4)) {
    case 0:
      return choices.ConsumeRandomLengthString(300);
    case 1:
      return std::string(choices.ConsumeIntegralInRange<size_t>(0, 5000),
                         static_cast<char>(choices.ConsumeIntegral<uint8_t>()));
    case 2:
      return host.pid_file();
    case 3:
      return choices.PickValueInArray(kNames);
    default:
      return choices.PickValueInArray(kTexts);
  }
}

Argument AnArgument(FuzzedDataProvider& choices, const Host& host) {
  switch (choices.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return choices.ConsumeBool();
    case 1:
      return choices.PickValueInArray(kNumbers);
    case 2:
      return choices.ConsumeFloatingPoint<double>();
    default:
      return Text(choices, host);
  }
}

std::vector<Argument> Arguments(FuzzedDataProvider& choices, const Host& host) {
  // Mostly one, as nearly all options have.
  const int count = std::array{
      1, 1, 1, 1, 1, 1, 0, 2}[choices.ConsumeIntegralInRange<size_t>(0, 7)];
  std::vector<Argument> arguments;
  for (int i = 0; i < count; ++i)
    arguments.push_back(AnArgument(choices, host));
  return arguments;
}

Node AnOption(FuzzedDataProvider& choices, const Host& host, int depth) {
  const bool in_block = depth > 0;
  Node node;
  switch (choices.ConsumeIntegralInRange(0, 9)) {
    case 0:
      node.key = choices.ConsumeRandomLengthString(40);
      break;
    case 1:
      node.key = choices.PickValueInArray(kPluginOptions);
      break;
    case 2:
      node.key = choices.ConsumeBool() ? "ProcessMatch" : "Process";
      break;
    default:
      node.key = in_block ? choices.PickValueInArray(kBlockOptions) : "Process";
  }
  node.arguments = Arguments(choices, host);
  if (depth < 3 && choices.ConsumeIntegralInRange(0, 3 * depth) == 0) {
    const int children = choices.ConsumeIntegralInRange(0, 4);
    for (int i = 0; i < children; ++i) {
      node.children.push_back(AnOption(choices, host, depth + 1));
    }
  }
  return node;
}

ConfigTree APluginBlock(FuzzedDataProvider& choices, const Host& host) {
  ConfigTree::Children options;
  const int count = choices.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < count; ++i) options.push_back(AnOption(choices, host, 0));
  // The last one holds: no other procfs is read.
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
      "process_memory_bytes", "process_memory_peak_bytes",
      "process_cpu_percent", "tracing_memory_overhead_bytes",
      "tracing_cpu_overhead_percent"};
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const auto& value : collectd.values) {
    Require(value.plugin == "resource_attribution", "a value is ours");
    Require(kTypes.contains(value.type), "a value is of one of five types");
    RequireInstanceName(value.instance);
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

// Trees of options, through the module as the daemon calls it.
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
  // The daemon ends where it is not.
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
