#include "scenario.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "failing_allocation.h"
#include "libc_faults.h"

namespace fs = std::filesystem;

namespace {

// The processes that do not exist all the time.
constexpr pid_t kEnds = 20;
constexpr pid_t kStarts = 21;
constexpr pid_t kForked = 113;
// The processes that change.
constexpr pid_t kRenamed = 112;
constexpr pid_t kBecomesUser = 114;
// No prefix of these PIDs is the PID of a process: a PID file may be cut.
constexpr pid_t kServes = 401;
constexpr pid_t kServesLater = 422;
constexpr pid_t kMoves = 118;

// The share of each thread in the CPU of its process.
constexpr double kTracingShare = 0.25;
constexpr double kComponentShare = 0.5;
constexpr pid_t kThreaded = 119;
constexpr const char* kComponent = "retriever";

constexpr const char* kLongName = "a-long-name-of-a-service";

std::string Lines(std::initializer_list<pid_t> pids) {
  std::string lines;
  for (const pid_t pid : pids) lines += std::to_string(pid) + "\n";
  return lines;
}

bool Near(double one, double other) {
  return std::abs(one - other) <= 1e-6 * std::max(1.0, std::abs(other));
}

// All subsets but the empty one; the whole set comes first.
std::vector<std::vector<pid_t>> SubsetsOf(const std::vector<pid_t>& pids) {
  std::vector<std::vector<pid_t>> subsets;
  for (unsigned left_out = 0; left_out + 1 < 1U << pids.size(); ++left_out) {
    auto& subset = subsets.emplace_back();
    for (size_t at = 0; at < pids.size(); ++at) {
      if ((left_out >> at & 1U) == 0) subset.push_back(pids[at]);
    }
  }
  return subsets;
}

bool HasMemory(const std::map<std::string, double>& values) {
  return values.contains("process_memory_bytes");
}

// Whether there is no such value, or a true one.
bool IsTrue(const std::map<std::string, double>& values, const char* type,
            double truth) {
  const auto value = values.find(type);
  return value == values.end() || Near(value->second, truth);
}

}  // namespace

Scenario::Scenario(const Variant& variant) : variant_(variant) {
  const passwd* user = getpwnam("daemon");
  if (user == nullptr) throw std::runtime_error("no user daemon");
  user_name_ = user->pw_name;
  user_ = user->pw_uid;

  const pid_t self = getpid();
  tree_.SetSelf(self);
  AddProcess({.pid = 1, .comm = "init", .parent = 0});
  AddProcess({.pid = self, .comm = "collectd"});
  AddProcess({.pid = kEnds, .comm = "worker"});
  AddProcess({.pid = kStarts, .comm = "worker"});
  AddProcess({.pid = kServes,
              .comm = "server",
              .effective_user = user_,
              .cmdline = std::string("server\0-x", 9),
              .exe = "/bin/server"});
  AddProcess({.pid = kServesLater,
              .comm = "server",
              .effective_user = user_,
              .cmdline = std::string("server\0-x", 9),
              .exe = "/bin/server"});
  AddProcess({.pid = 102,
              .comm = std::string(kLongName).substr(0, 15),
              .exe = std::string("/bin/") + kLongName});
  AddProcess({.pid = 103, .comm = "other", .exe = "/opt/only-this"});
  AddProcess({.pid = 104,
              .comm = "java",
              .cmdline = std::string("java\0-jar\0/x/orders.jar", 23)});
  AddProcess({.pid = 105, .comm = "x", .effective_user = user_});
  AddProcess(
      {.pid = 106, .comm = "a", .cgroup = "0::/system.slice/a.service\n"});
  AddProcess({.pid = 107,
              .comm = "a-child",
              .parent = 106,
              .cgroup = "0::/system.slice/a.service/sub\n"});
  AddProcess({.pid = 108, .comm = "family"});
  AddProcess({.pid = 109, .comm = "son", .parent = 108});
  AddProcess({.pid = 110, .comm = "grandson", .parent = 109});
  AddProcess({.pid = kForked, .comm = "daughter", .parent = 108});
  AddProcess({.pid = 111,
              .comm = "kworker/0:1",
              .flags = 0x200000,
              .has_memory = false,
              .cmdline = "",
              .exe = ""});
  AddProcess({.pid = kRenamed, .comm = "first"});
  AddProcess({.pid = kBecomesUser, .comm = "login"});
  AddProcess({.pid = 115, .comm = "pss"});
  AddProcess({.pid = 116, .comm = "pss"});
  AddProcess({.pid = 117,
              .comm = "named",
              .effective_user = user_,
              .cgroup = "0::/system.slice/n.service\n"});
  AddProcess({.pid = kMoves, .comm = "moves"});
  if (variant_.measures) {
    AddProcess({.pid = kThreaded,
                .comm = "threaded",
                .threads = {{.tid = 219, .comm = "BatchSpanProces"},
                            {.tid = 220, .comm = "retr-1"}}});
    AddProcess({.pid = 120,
                .comm = "detected",
                .environ = std::string("OTEL_SERVICE_NAME=x\0", 20)});
    AddProcess({.pid = 121,
                .comm = "detected",
                .environ = std::string("OTEL_SDK_DISABLED=true\0", 23)});
    AddProcess({.pid = 122, .comm = "compared"});
    AddProcess({.pid = 123, .comm = "compared", .exe = "/bin/canary"});
  }

  for (const char* path :
       {"system.slice/a.service", "system.slice/a.service/sub",
        "system.slice/b.service", "system.slice/n.service"}) {
    fs::create_directories(files_.path() / "cgroup" / path);
  }
  PutCgroup("", Lines({1, self}));
  PutCgroup("system.slice", "");
  PutCgroup("system.slice/a.service", Lines({106}));
  PutCgroup("system.slice/a.service/sub", Lines({107}));
  PutCgroup("system.slice/n.service", Lines({117}));
  Write(fs::path(tree_.path()) / std::to_string(self) / "mounts",
        "cgroup2 " + (files_.path() / "cgroup").string() +
            " cgroup2 rw,nosuid 0 0\n");
  fs::create_directories(files_.path() / "parked");
  running_.erase(kStarts);
  running_.erase(kForked);
  for (const pid_t pid : {kStarts, kForked}) {
    fs::rename(fs::path(tree_.path()) / std::to_string(pid),
               files_.path() / "parked" / std::to_string(pid));
  }
  ChangeBack();
  config_ = std::make_unique<ConfigTree>(Options());
}

Scenario::~Scenario() {
  for (auto& [pid, process] : processes_) {
    close(process.stat);
    for (const auto& [tid, stat] : process.thread_stats) close(stat);
  }
}

void Scenario::AddProcess(FakeProcess fake) {
  // No two sums are alike.
  const size_t index = processes_.size();
  fake.vm_rss_kb = fake.has_memory ? uint64_t{4} << index : 0;
  fake.vm_hwm_kb = fake.vm_rss_kb * 3;
  fake.vm_peak_kb = fake.vm_rss_kb * 5;
  fake.smaps_rollup =
      "00400000-7fff0000 ---p 00000000 00:00 0 [rollup]\nRss:  " +
      std::to_string(fake.vm_rss_kb) +
      " kB\nPss:    " + std::to_string(fake.vm_rss_kb / 4) + " kB\n";
  Process& process = processes_[fake.pid];
  process.fake = fake;
  process.cpu_percent = static_cast<double>(index + 1);
  running_.insert(fake.pid);
  Put(fake.pid);
  const auto directory = fs::path(tree_.path()) / std::to_string(fake.pid);
  process.stat = ::open((directory / "stat").c_str(), O_WRONLY | O_CLOEXEC);
  for (const FakeThread& thread : fake.threads) {
    const auto stat = directory / "task" / std::to_string(thread.tid) / "stat";
    process.thread_stats[thread.tid] =
        ::open(stat.c_str(), O_WRONLY | O_CLOEXEC);
  }
}

void Scenario::Put(pid_t pid) { tree_.Put(processes_.at(pid).fake); }

void Scenario::WriteStats(const Process& process) const {
  const FakeProcess& fake = process.fake;
  WriteStat(process,
            {.tid = fake.pid, .comm = fake.comm, .start_time = fake.start_time},
            1, process.stat);
  for (const FakeThread& thread : fake.threads) {
    WriteStat(process, thread,
              thread.comm == "retr-1" ? kComponentShare : kTracingShare,
              process.thread_stats.at(thread.tid));
  }
}

// Overwrites the file: the content always has the same size.
void Scenario::WriteStat(const Process& process, const FakeThread& thread,
                         double share, int file) const {
  const FakeProcess& fake = process.fake;
  const double ticks = share * process.cpu_percent / 100 *
                       (now_ - process.begun) *
                       static_cast<double>(sysconf(_SC_CLK_TCK));
  std::array<char, 256> text{};
  const int size = std::snprintf(
      text.data(), text.size(),
      "%d (%s) %c %d 1 1 0 -1 %u 0 0 0 0 %015.0f 000000000000000 0 0 20 0 1 0 "
      "%015llu 4096 1",
      thread.tid, thread.comm.c_str(), fake.state, fake.parent, fake.flags,
      ticks, static_cast<unsigned long long>(thread.start_time));
  if (pwrite(file, text.data(), static_cast<size_t>(size), 0) != size) {
    throw std::runtime_error("cannot write stat");
  }
}

void Scenario::PutCgroup(const std::string& path, const std::string& procs) {
  Write(files_.path() / "cgroup" / path / "cgroup.procs", procs);
}

int Scenario::Call(auto callback) {
  failing_allocation = fail_allocation_;
  allocation_rescued = false;
  const int status = callback();
  allocation_met_ = fail_allocation_ >= 0 && failing_allocation < 0;
  allocation_failed_ = allocation_met_ && !allocation_rescued;
  failing_allocation = fail_allocation_ = -1;
  return status;
}

bool Scenario::Configure() {
  module_register();
  return Call([&] { return collectd_.config(config_->get()); }) == 0;
}

bool Scenario::Init() {
  return Call([&] { return collectd_.init(); }) == 0;
}

void Scenario::Pass(int seconds) {
  now_ += seconds;
  libc::SetTime(std::chrono::seconds(static_cast<int64_t>(now_)));
  for (auto& [pid, process] : processes_) WriteStats(process);
  collectd_.values.clear();
  collectd_.values.reserve(256);
  if (Call([&] { return collectd_.read(nullptr); }) != 0)
    throw std::runtime_error("read failed");
}

void Scenario::Shutdown() {
  if (Call([&] { return collectd_.shutdown(); }) != 0)
    throw std::runtime_error("shutdown failed");
  collectd_.log.clear();
  collectd_.values.clear();
}

void Scenario::Start(pid_t parent, pid_t pid) {
  Process& process = processes_.at(pid);
  process.begun = now_;
  process.fake.state = 'S';
  process.fake.start_time =
      static_cast<uint64_t>(now_) * static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  if (!running_.insert(pid).second) return;
  fs::rename(files_.path() / "parked" / std::to_string(pid),
             fs::path(tree_.path()) / std::to_string(pid));
  libc::SendFork(parent, pid);
  libc::SendExec(pid);
}

void Scenario::End(pid_t pid) {
  processes_.at(pid).fake.state = 'Z';
  if (running_.erase(pid) == 0) return;
  fs::rename(fs::path(tree_.path()) / std::to_string(pid),
             files_.path() / "parked" / std::to_string(pid));
}

void Scenario::Change() {
  End(kEnds);
  Start(1, kStarts);
  Start(108, kForked);
  processes_.at(kRenamed).fake.comm = "later";
  Put(kRenamed);
  libc::SendName(kRenamed);
  processes_.at(kBecomesUser).fake.effective_user = user_;
  Put(kBecomesUser);
  libc::SendUser(kBecomesUser);
  Write(files_.path() / "pid", Lines({kServesLater}));
  PutCgroup("system.slice/b.service", Lines({kMoves}));
  AddInstances();
}

void Scenario::ChangeBack() {
  Start(1, kEnds);
  End(kStarts);
  End(kForked);
  processes_.at(kRenamed).fake.comm = "first";
  Put(kRenamed);
  processes_.at(kBecomesUser).fake.effective_user = 0;
  Put(kBecomesUser);
  Write(files_.path() / "pid", Lines({kServes}));
  PutCgroup("system.slice/b.service", "");
  AddInstances();
}

ConfigTree::Children Scenario::Options() const {
  ConfigTree::Children options{
      {"ProcPath", {tree_.path()}, {}},
      {"Interval", {1}, {}},
      {"Discovery", {variant_.events ? "Auto" : "Scan"}, {}},
      {"Process", {"self"}, {{"Self", {true}, {}}}},
      {"Process",
       {"pid-file"},
       {{"PIDFile", {(files_.path() / "pid").string()}, {}}}},
      {"Process", {"worker"}, {}},
      {"Process", {"long"}, {{"Name", {kLongName}, {}}}},
      {"Process", {"executable"}, {{"Executable", {"/opt/only-this"}, {}}}},
      {"Process",
       {"user"},
       {{"User", {user_name_}, {}},
        {"Name", {"x"}, {}},
        {"Name", {"login"}, {}}}},
      {"Process", {"cgroup"}, {{"Cgroup", {"system.slice/[ab].service"}, {}}}},
      {"Process", {"unit"}, {{"SystemdUnit", {"a.service"}, {}}}},
      {"Process",
       {"family"},
       {{"Name", {"family"}, {}}, {"IncludeChildren", {true}, {}}}},
      {"Process", {"kernel"}, {{"Name", {"kworker/0:1"}, {}}}},
      {"Process", {"first"}, {}},
      {"Process", {"later"}, {}},
      {"Process",
       {"pss"},
       {{"Name", {"pss"}, {}}, {"MemoryType", {"Pss"}, {}}}},
      {"Process",
       {"each"},
       {{"Name", {"a"}, {}},
        {"Name", {"a-child"}, {}},
        {"PerProcess", {true}, {}},
        {"MaxProcesses", {4}, {}}}},
      {"Process", {"comm ${comm}"}, {{"SystemdUnit", {"n.service"}, {}}}},
      {"Process",
       {"user ${user}"},
       {{"Name", {"named"}, {}}, {"MaxInstances", {2}, {}}}},
      {"Process", {"cgroup ${cgroup}"}, {{"Cgroup", {"system.slice/n*"}, {}}}},
  };
  if (variant_.measures) {
    options.push_back(
        {"Process",
         {"threaded"},
         {{"Name", {"threaded"}, {}},
          {"TracingOverhead", {"Threads"}, {}},
          {"Component", {kComponent}, {{"Thread", {"^retr-"}, {}}}},
          {"Sampling",
           {},
           {{"MaxCPUShare", {30}, {}}, {"Ratio", {0.001, 0.1}, {}}}}}});
    options.push_back({"SamplingMode", {"Act"}, {}});
    options.push_back({"SamplingAnswers", {files_.path().string()}, {}});
    options.push_back(
        {"SamplingFile", {(files_.path() / "strategies.json").string()}, {}});
    options.push_back(
        {"Process",
         {"detected"},
         {{"Name", {"detected"}, {}}, {"TracingDetect", {true}, {}}}});
    options.push_back(
        {"Process",
         {"compared"},
         {{"Name", {"compared"}, {}},
          {"Untraced", {}, {{"Executable", {"/bin/canary"}, {}}}}}});
  }
  if (!variant_.keeps_files) {
    options.push_back({"MaxOpenFiles", {0}, {}});
    options.push_back({"CPUPercentOf", {"Host"}, {}});
  }
  if (variant_.rescans) {
    options.push_back({"Process", {"unit ${unit}"}, {{"Name", {"named"}, {}}}});
    options.push_back(
        {"Process",
         {"jar ${jar}"},
         {{"CommandLine", {"^java .*?(?P<jar>[^/ ]+)\\.jar"}, {}}}});
    options.push_back({"Process",
                       {"all at once"},
                       {{"Name", {"server"}, {}},
                        {"User", {user_name_}, {}},
                        {"Executable", {"/bin/server"}, {}},
                        {"CommandLine", {"^server -x$"}, {}},
                        {"PeakMemory", {"VmHWM"}, {}},
                        {"TracingMemoryPercent", {2}, {}},
                        {"TracingCPUPercent", {0.25}, {}}}});
  }
  return options;
}

void Scenario::AddInstances() {
  const bool changed = running_.contains(kStarts);
  instances_.clear();
  const auto add = [&](const std::string& block, std::vector<pid_t> members) {
    Instance& instance = instances_[block];
    instance.block = block;
    instance.members = std::move(members);
    return &instance;
  };
  add("self", {getpid()});
  add("pid-file", {changed ? kServesLater : kServes});
  add("worker", {changed ? kStarts : kEnds});
  add("long", {102});
  add("executable", {103});
  add("user", changed ? std::vector{105, kBecomesUser} : std::vector{105});
  add("cgroup",
      changed ? std::vector{106, 107, kMoves} : std::vector{106, 107});
  add("unit", {106, 107});
  add("family", changed ? std::vector{108, 109, 110, kForked}
                        : std::vector{108, 109, 110});
  add("kernel", {111});
  add(changed ? "later" : "first", {kRenamed});
  add("pss", {115, 116})->is_pss = true;
  add("each", {106, 107})->per_process = true;
  add("comm named", {117})->block = "comm ${comm}";
  add("user " + user_name_, {117})->block = "user ${user}";
  Instance* number = add("user " + std::to_string(user_), {117});
  number->block = "user ${user}";
  number->is_number = true;
  add("cgroup n.service", {117})->block = "cgroup ${cgroup}";
  if (variant_.measures) {
    add("threaded", {kThreaded})->has_threads = true;
    add("detected", {120, 121})->untraced = {121};
    add("compared", {122, 123})->untraced = {123};
  }
  if (variant_.rescans) {
    add("unit n.service", {117})->block = "unit ${unit}";
    add("jar orders", {104})->block = "jar ${jar}";
    Instance* all = add("all at once", {kServes, kServesLater});
    all->is_hwm = true;
    all->memory_percent = 2;
    all->tracing_cpu_percent = 0.25;
  }
}

bool Scenario::AreTrue(const Values& values, const Instance& instance,
                       const std::vector<pid_t>& members) const {
  double resident = 0;
  double peak = 0;
  for (const pid_t pid : members) {
    const FakeProcess& fake = processes_.at(pid).fake;
    resident += static_cast<double>(fake.vm_rss_kb) * 1024;
    peak += static_cast<double>(instance.is_hwm ? fake.vm_hwm_kb
                                                : fake.vm_peak_kb) *
            1024;
  }
  return (IsTrue(values, "process_memory_bytes", resident) ||
          (instance.is_pss &&
           IsTrue(values, "process_memory_bytes", resident / 4))) &&
         IsTrue(values, "process_memory_peak_bytes", peak) &&
         (AreTrueEstimates(values, instance, members, instance.untraced) ||
          AreTrueEstimates(values, instance, members, {}));
}

// Judges estimates if `untraced` is the set of processes known to be untraced.
bool Scenario::AreTrueEstimates(const Values& values, const Instance& instance,
                                const std::vector<pid_t>& members,
                                const std::set<pid_t>& untraced) const {
  if (!HasMemory(values)) return true;
  double memory = values.at("process_memory_bytes");
  double traced = 0;
  for (const pid_t pid : members) {
    if (!untraced.contains(pid)) {
      ++traced;
    } else {
      memory -= static_cast<double>(processes_.at(pid).fake.vm_rss_kb) * 1024;
    }
  }
  return Near(values.at("tracing_memory_overhead_bytes"),
              memory * instance.memory_percent / 100) &&
         (instance.has_threads ||
          Near(values.at("tracing_cpu_overhead_percent"),
               traced * instance.tracing_cpu_percent));
}

double Scenario::Cpus() const {
  return variant_.keeps_files
             ? 1.0
             : static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
}

// Compares only the `members` for which there was a reading before.
bool Scenario::IsTrueCpu(double percent,
                         const std::vector<pid_t>& members) const {
  for (const auto& some : SubsetsOf(members)) {
    double sum = 0;
    for (const pid_t pid : some) sum += processes_.at(pid).cpu_percent;
    if (Near(percent, sum / Cpus())) return true;
  }
  return false;
}

// A measured value of tracing may be missing, but not wrong.
void Scenario::JudgeTracing(const Values& values, const Instance& instance,
                            const std::vector<pid_t>& members,
                            Judgement& judgement) const {
  if (!AreTrueEstimates(values, instance, members, instance.untraced)) {
    judgement.lacks_measurement = true;
  }
  if (!instance.has_threads) return;
  const auto cpu = values.find("tracing_cpu_overhead_percent");
  // As far as the module knows, a thread that it cannot find has ended.
  if (cpu == values.end() || cpu->second == 0) {
    judgement.lacks_measurement = true;
  } else if (!Near(cpu->second, processes_.at(kThreaded).cpu_percent *
                                    kTracingShare / Cpus())) {
    judgement.wrong = "CPU of threads " + std::to_string(cpu->second);
  }
}

Scenario::Judgement Scenario::Judge() const {
  Judgement judgement;
  bool has_component = !variant_.measures;
  std::map<std::pair<std::string, std::string>, Values> dispatched;
  for (const auto& value : collectd_.values) {
    dispatched[{value.instance, value.type_instance}][value.type] = value.value;
  }
  std::map<std::string, size_t> found;
  for (const auto& entry : dispatched) {
    const auto& [name, pid] = entry.first;
    const Values& values = entry.second;
    const auto known = instances_.find(name);
    if (known == instances_.end()) {
      judgement.wrong = "there is no \"" + name + "\"";
      continue;
    }
    const Instance& instance = known->second;
    if (pid == kComponent) {
      has_component = values.at("process_component_cpu_percent") > 0;
      if (has_component && !Near(values.at("process_component_cpu_percent"),
                                 processes_.at(kThreaded).cpu_percent *
                                     kComponentShare / Cpus())) {
        judgement.wrong = "CPU of the component";
      }
      continue;
    }
    // The fake of the daemon was out of memory.
    if (!values.contains(instance.has_threads
                             ? "tracing_memory_overhead_bytes"
                             : "tracing_cpu_overhead_percent")) {
      continue;
    }
    const std::vector<pid_t> members =
        pid.empty() ? instance.members : std::vector{std::stoi(pid)};
    const auto some = SubsetsOf(members);
    const auto of = std::find_if(
        some.begin(), some.end(),
        [&](const auto& one) { return AreTrue(values, instance, one); });
    const auto cpu = values.find("process_cpu_percent");
    if (of == some.end() || pid.empty() == instance.per_process) {
      judgement.wrong = name + pid + ": memory, peak or estimates";
    } else if (cpu == values.end()) {
      judgement.lacks_cpu = true;
    } else if (!IsTrueCpu(cpu->second, *of)) {
      judgement.wrong = name + pid + ": CPU " + std::to_string(cpu->second);
    }
    if (of != some.end()) JudgeTracing(values, instance, *of, judgement);
    // A `status` that lacks lines leaves out the values that need them.
    const bool is_whole = of != some.end() && HasMemory(values) &&
                          values.contains("process_memory_peak_bytes");
    found[name] += is_whole ? of->size() : 0;
    judgement.has_number = judgement.has_number || instance.is_number;
  }
  judgement.lacks_measurement = judgement.lacks_measurement || !has_component;
  for (const auto& [name, instance] : instances_) {
    if (!instance.is_number && found[name] < instance.members.size()) {
      judgement.incomplete.insert(instance.block);
    }
  }
  return judgement;
}

std::vector<FakeCollectd::Line> Scenario::LogFrom(size_t begin) const {
  return {collectd_.log.begin() + static_cast<std::ptrdiff_t>(begin),
          collectd_.log.end()};
}
