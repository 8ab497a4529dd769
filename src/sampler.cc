#include "sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "attribution/cpu_percent.h"
#include "procfs/capabilities.h"
#include "procfs/pass_failed.h"

namespace resource_attribution {
namespace {

using attribution::MemoryType;
using attribution::Reading;
using attribution::TracingState;
using procfs::Error;
using procfs::Instant;
using procfs::Result;

std::vector<size_t> BlocksWithUntraced(const Config& config) {
  std::vector<size_t> blocks;
  for (size_t block = 0; block < config.services.size(); ++block) {
    if (config.services[block].untraced) blocks.push_back(block);
  }
  return blocks;
}

// The blocks, and behind them the untraced processes of those that say which
// these are.
std::vector<discovery::Target> TargetsOf(const Config& config) {
  std::vector<discovery::Target> targets;
  for (const Service& service : config.services) {
    targets.push_back({.name = service.name,
                       .selectors = &service.selectors,
                       .max_instances = service.max_instances});
  }
  for (const size_t index : BlocksWithUntraced(config)) {
    // No block has such a name, and nobody sees it.
    targets.push_back({.name = "untraced/" + std::to_string(index),
                       .selectors = &*config.services[index].untraced});
  }
  return targets;
}

std::vector<BlockTracing> TracingOfBlocks(const Config& config) {
  std::vector<BlockTracing> tracing;
  tracing.reserve(config.services.size());
  for (const Service& service : config.services) {
    tracing.emplace_back(service);
  }
  return tracing;
}

size_t MostComponents(const Config& config) {
  size_t most = 0;
  for (const Service& service : config.services) {
    most = std::max(most, service.components.size());
  }
  return most;
}

std::optional<ExportTraffic> TrafficOf(const Config& config) {
  std::vector<std::vector<uint16_t>> ports;
  for (const Service& service : config.services) {
    ports.push_back(service.tracing_export_ports);
  }
  if (std::all_of(ports.begin(), ports.end(),
                  [](const auto& one) { return one.empty(); })) {
    return std::nullopt;
  }
  return ExportTraffic(std::move(ports));
}

// How many descriptors may be kept, so that the daemon has enough for the rest
// of its work, whatever the option says.
size_t MaxOpenFiles(const Config& config) {
  constexpr rlim_t kForTheDaemon = 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const size_t wanted = config.max_open_files.value_or(limit.rlim_cur / 2);
  return limit.rlim_cur > kForTheDaemon
             ? std::min<size_t>(wanted, limit.rlim_cur - kForTheDaemon)
             : 0;
}

bool HaveCgroups(const Config& config) {
  return std::any_of(
      config.services.begin(), config.services.end(),
      [](const Service& service) {
        return service.selectors.HaveCgroups() ||
               (service.untraced && service.untraced->HaveCgroups());
      });
}

// The CPUs that the measured CPU is a share of; none: it is in percent of one.
// They come and go while the host runs.
std::optional<double> HostCpus(CpuPercentOf cpu_percent_of) {
  if (cpu_percent_of == CpuPercentOf::kCore) return std::nullopt;
  const auto online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<double>(online) : 1;
}

// Adds the lines of `status` for want of which there is no value to `missing`.
void AddMissingFields(const attribution::Options& options,
                      const attribution::Values& values, std::string& missing) {
  const auto add = [&missing](const char* field, const char* value) {
    if (missing.find(value) != std::string::npos) return;
    missing +=
        (missing.empty() ? "" : ", ") + std::string(field) + " for " + value;
  };
  if (!values.process_memory_bytes) add("VmRSS", "process_memory_bytes");
  if (!values.process_memory_peak_bytes) {
    add(options.peak_memory == attribution::PeakMemory::kVmHwm ? "VmHWM"
                                                               : "VmPeak",
        "process_memory_peak_bytes");
  }
}

tl::unexpected<Error> Gone() {
  return tl::unexpected(Error{.file = "/proc/PID", .system_error = ESRCH});
}

}  // namespace

Instant Now() {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.monotonic = std::chrono::steady_clock::now(),
          .since_boot = std::chrono::seconds(boot.tv_sec) +
                        std::chrono::nanoseconds(boot.tv_nsec)};
}

Sampler::Sampler(Config config, procfs::Clock clock)
    : config_(std::move(config)),
      clock_(std::move(clock)),
      ticks_per_second_(static_cast<double>(sysconf(_SC_CLK_TCK))),
      shortest_measurement_(config_.interval_seconds.value_or(0) / 2),
      options_(config_.services.begin(), config_.services.end()),
      pss_refused_(config_.services.size()),
      pss_refused_process_(config_.services.size()),
      block_tracing_(TracingOfBlocks(config_)),
      blocks_with_untraced_(BlocksWithUntraced(config_)),
      most_components_(MostComponents(config_)),
      export_traffic_(TrafficOf(config_)),
      discovery_(TargetsOf(config_), config_.proc_path + "/self/mounts"),
      table_(MaxOpenFiles(config_), clock_) {}

Result<std::string> Sampler::ChooseDiscovery() {
  const auto open = OpenProc();
  const std::string cgroups =
      open && !proc_->HasOwnPids() && HaveCgroups(config_)
          ? "; SystemdUnit and Cgroup are read from each process, because the "
            "kernel's lists have PIDs of another PID namespace than procfs"
          : "";
  if (!discovery_.Searches()) return "none needed: every block has a list";
  if (config_.discovery == DiscoveryMode::kScan) {
    return "by scanning /proc (option Discovery)" + cgroups;
  }
  auto events = SubscribeToEvents();
  if (events) {
    discovery_.UseEvents(std::move(*events));
    return "by process events";
  }
  if (config_.discovery == DiscoveryMode::kEvents) {
    return tl::unexpected(events.error());
  }
  return "by scanning /proc (" + events.error().Message() + ")" + cgroups;
}

std::string Sampler::DescribeProcess(pid_t pid) {
  procfs::Buffer buffer;
  std::string text = std::to_string(pid);
  if (!OpenProc()) return text;
  const auto comm = proc_->GlanceAt(pid).ReadComm(buffer);
  return text + ' ' + (comm ? std::string(*comm) : "(gone)");
}

bool Sampler::HidesProcesses() {
  return OpenProc().has_value() && proc_->HidesProcesses();
}

Result<discovery::ProcessEvents> Sampler::SubscribeToEvents() {
  if (auto open = OpenProc(); !open) return tl::unexpected(open.error());
  // Events have the PIDs of the daemon's namespace.
  if (!proc_->HasOwnPids()) {
    return tl::unexpected(
        Error{.file = config_.proc_path.c_str(),
              .expected = "the procfs of the daemon's own PID namespace, as "
                          "process events need it"});
  }
  return discovery::ProcessEvents::Subscribe();
}

Result<void> Sampler::Pass(PassReport& report) {
  report.instances.clear();
  report.components.clear();
  report.blocks.assign(config_.services.size(), {});
  if (auto open = OpenProc(); !open) return open;

  // Who is watched?
  current_.begun = clock_();
  current_.readings.clear();
  table_.BeginPass(*proc_);
  try {
    discovery_.Find(*proc_, current_.begun->monotonic, table_);
  } catch (const procfs::PassFailed& failed) {
    return tl::unexpected(failed.error());
  }
  ForgetTraffic();

  // collectd makes up for a late pass by the next one at once. Clock ticks
  // cannot measure so short a time, so that such a pass has no CPU values and
  // the one after it measures from the last that had.
  const bool measures_cpu =
      !previous_.begun ||
      current_.begun->monotonic - previous_.begun->monotonic >=
          shortest_measurement_;

  // Read each process once, and add it to every block that it belongs to.
  const BlockTracing::Pass pass{.proc = *proc_,
                                .previous = previous_,
                                .clock = clock_,
                                .ticks_per_second = ticks_per_second_,
                                .measures_cpu = measures_cpu};
  sums_.assign(discovery_.instances().size(), {});
  singles_.clear();
  members_.clear();
  component_cpu_.assign(sums_.size() * most_components_, std::nullopt);
  detector_.BeginPass();
  for (BlockTracing& tracing : block_tracing_) tracing.BeginPass();
  auto match = discovery_.matches().begin();
  auto& processes = table_.processes();
  for (auto entry = processes.begin(); entry != processes.end();) {
    auto& [pid, process] = *entry++;  // it may be forgotten
    const auto [matches, untraced] = TakeMatches(pid, match);
    if (matches.empty()) continue;
    auto reading = Read(process, matches);
    if (reading) {
      const auto measured =
          MeasureTracing(pass, process, matches, untraced, report);
      if (!measured) reading = tl::unexpected(measured.error());
    }
    if (reading) {
      std::optional<double> cpu_percent;
      if (measures_cpu) {
        cpu_percent =
            attribution::CpuPercent(previous_, *reading, ticks_per_second_);
      }
      current_.readings.push_back(*reading);
      Add(pass, *reading, cpu_percent, matches);
      for (const auto& one : matches) ++report.blocks[one.block].processes;
    } else if (reading.error().OutOfResources()) {
      return tl::unexpected(reading.error());
    } else if (reading.error().Gone()) {
      table_.Forget(pid);
    } else {
      for (const auto& one : matches) {
        report.blocks[one.block].problem = reading.error().Message();
        report.blocks[one.block].problem_process = pid;
      }
    }
  }

  // Attribute and report.
  detector_.EndPass();
  for (BlockTracing& tracing : block_tracing_) tracing.EndPass(pass);
  const bool has_traffic = export_traffic_ && MeasureTraffic(report);
  Report(report, has_traffic);
  if (measures_cpu) std::swap(previous_, current_);
  return {};
}

// procfs may be mounted later than the daemon starts.
Result<void> Sampler::OpenProc() {
  if (proc_) return {};
  return procfs::Procfs::Open(config_.proc_path)
      .map([this](procfs::Procfs proc) {
        proc_ = std::move(proc);
        if (!proc_->HasOwnPids()) discovery_.SearchCgroups();
      });
}

// Reads a process for the blocks that it belongs to. When it has ended the
// error says that it is gone, whoever has its PID now.
Result<Reading> Sampler::Read(procfs::WatchedProcess& process,
                              Matches matches) {
  if (auto read = table_.Read(process); !read) {
    return tl::unexpected(read.error());
  }
  Reading reading = attribution::MakeReading(process);
  if (!reading.proportional_bytes &&
      std::any_of(matches.begin(), matches.end(),
                  [this](const auto& one) { return WantsPss(one.block); })) {
    if (auto added = AddPss(matches, reading); !added) {
      return tl::unexpected(added.error());
    }
  }
  return reading;
}

bool Sampler::WantsPss(size_t block) const {
  return options_[block].memory_type == MemoryType::kPss &&
         pss_refused_[block].empty();
}

// Adds the proportional set size. Where it is refused, the blocks do without
// from now on.
Result<void> Sampler::AddPss(Matches matches, Reading& reading) {
  const auto process = proc_->OpenProcess(reading.process.pid);
  if (!process) return tl::unexpected(process.error());
  const auto pss = process->ReadPss(buffer_);
  const auto stat = process->ReadStat(buffer_);
  if (!stat) return tl::unexpected(stat.error());
  if (stat->start_time != reading.process.start_time || stat->Ended()) {
    return Gone();
  }
  if (pss) {
    reading.proportional_bytes = *pss * 1024;
    return {};
  }
  if (pss.error().OutOfResources() || pss.error().system_error == ESRCH) {
    return tl::unexpected(pss.error());
  }
  for (const auto& one : matches) {
    if (!WantsPss(one.block)) continue;
    pss_refused_process_[one.block] = one.pid;
    std::string& refused = pss_refused_[one.block];
    refused = pss.error().Message();
    if (pss.error().Denied()) {
      refused += " (" + procfs::WhyRefused({procfs::kSysPtrace}) + ")";
    }
  }
  return {};
}

// The next matches, of `pid`: with blocks, and with what tells the untraced
// processes of some.
std::pair<Sampler::Matches, Sampler::Matches> Sampler::TakeMatches(
    pid_t pid, NextMatch& next) const {
  const auto end = discovery_.matches().end();
  const auto first = next;
  while (next != end && next->pid == pid &&
         next->block < config_.services.size()) {
    ++next;
  }
  const auto middle = next;
  while (next != end && next->pid == pid) ++next;
  return {Matches(first, middle), Matches(middle, next)};
}

// Fills tracing_ with what is to be known of tracing in a process, for each of
// its matches.
Result<void> Sampler::MeasureTracing(const BlockTracing::Pass& pass,
                                     const procfs::WatchedProcess& process,
                                     Matches matches, Matches untraced,
                                     PassReport& report) {
  tracing_.clear();
  for (const auto& match : matches) {
    const auto state = StateOf(process, match.block, untraced, report);
    if (!state) return tl::unexpected(state.error());
    const auto tracing =
        block_tracing_[match.block].Measure(pass, process.id, *state);
    if (!tracing) return tl::unexpected(tracing.error());
    tracing_.push_back(*tracing);
  }
  return {};
}

// Whether a process of `block` is traced, by its selectors for untraced ones or
// by what is seen of the process.
Result<TracingState> Sampler::StateOf(const procfs::WatchedProcess& process,
                                      size_t block, Matches untraced,
                                      PassReport& report) {
  if (config_.services[block].untraced) {
    const bool is_untraced =
        std::any_of(untraced.begin(), untraced.end(), [&](const auto& match) {
          return blocks_with_untraced_[match.block - config_.services.size()] ==
                 block;
        });
    return is_untraced ? TracingState::kUntraced : TracingState::kTraced;
  }
  if (!config_.services[block].DetectsTracing()) {
    return TracingState::kUnknown;
  }
  // It has no environment, and later kernels say so as of one that has ended.
  if (process.stat.KernelThread()) return TracingState::kUntraced;
  const auto seen =
      detector_.LookAt(*proc_, process, current_.begun->monotonic);
  if (!seen) return tl::unexpected(seen.error());
  if (!(*seen)->problem.empty()) {
    report.blocks[block].undetected = (*seen)->problem;
    report.blocks[block].undetected_process = process.id.pid;
  }
  return (*seen)->State();
}

bool Sampler::IsSelectedAsUntraced(pid_t pid, size_t block) const {
  return std::any_of(
      matches().begin(), matches().end(), [&](const auto& match) {
        return match.pid == pid && match.block >= config_.services.size() &&
               blocks_with_untraced_[match.block - config_.services.size()] ==
                   block;
      });
}

void Sampler::Add(const BlockTracing::Pass& pass, const Reading& reading,
                  std::optional<double> cpu_percent, Matches matches) {
  for (size_t i = 0; i < matches.size(); ++i) {
    const auto& match = matches[i];
    block_tracing_[match.block].Compare(
        reading, options_[match.block].memory_type,
        WasRead(previous_, reading.process) ? cpu_percent : std::nullopt,
        tracing_[i].state);
    AddComponents(pass, match);
    if (export_traffic_) {
      members_.push_back({reading.process, match.block, match.instance});
    }
    if (config_.services[match.block].per_process) {
      singles_.push_back({match, reading, cpu_percent, tracing_[i]});
    } else {
      sums_[match.instance].Add(reading, cpu_percent, tracing_[i]);
    }
  }
}

void Sampler::AddComponents(const BlockTracing::Pass& pass,
                            const discovery::Match& match) {
  const size_t count = config_.services[match.block].components.size();
  for (size_t component = 0; component < count; ++component) {
    const auto cpu_percent =
        block_tracing_[match.block].ComponentCpuPercent(pass, component);
    if (!cpu_percent) continue;
    auto& sum = component_cpu_[match.instance * most_components_ + component];
    sum = sum.value_or(0) + *cpu_percent;
  }
}

void Sampler::Report(PassReport& report, bool has_traffic) {
  for (size_t block = 0; block < report.blocks.size(); ++block) {
    BlockReport& one = report.blocks[block];
    if (one.problem.empty()) {
      one.problem = discovery_.Problem(block);
      one.problem_process = discovery_.ProblemProcess(block);
    }
    one.refused_by_instances = discovery_.Refused(block);
    one.pss_refused = pss_refused_[block];
    one.pss_refused_process = pss_refused_process_[block];
    one.without_threads = block_tracing_[block].WithoutThreads();
    one.difference = block_tracing_[block].Difference();
    one.without_difference = block_tracing_[block].WithoutDifference();
    if (one.pss_refused.empty() ||
        options_[block].memory_type == MemoryType::kRss) {
      continue;
    }
    options_[block].memory_type = MemoryType::kRss;
    block_tracing_[block].CompareAnew();
  }
  host_cpus_ = HostCpus(config_.cpu_percent_of);
  for (size_t i = 0; i < blocks_with_untraced_.size(); ++i) {
    std::string& problem = report.blocks[blocks_with_untraced_[i]].problem;
    const std::string& untraced = discovery_.Problem(report.blocks.size() + i);
    if (problem.empty() && !untraced.empty()) {
      report.blocks[blocks_with_untraced_[i]].problem_process =
          discovery_.ProblemProcess(report.blocks.size() + i);
      problem = "among the untraced, which then count as traced: " + untraced;
    }
  }
  for (size_t index = 0; index < sums_.size(); ++index) {
    const auto& instance = discovery_.instances()[index];
    if (sums_[index].processes() == 0) continue;
    const auto values =
        sums_[index].Attribute(options_[instance.block], host_cpus_,
                               report.blocks[instance.block].difference);
    report.instances.push_back({instance.name, std::nullopt, *values});
    AddMissingFields(options_[instance.block], *values,
                     report.blocks[instance.block].missing_fields);
    if (has_traffic) {
      report.instances.back().values.tracing_network_bytes =
          export_traffic_->Of(index);
    }
  }
  ReportSingles(report);
  ReportComponents(report);
}

// Processes that are reported one by one: of each block the largest.
void Sampler::ReportSingles(PassReport& report) {
  std::sort(singles_.begin(), singles_.end(),
            [](const Single& one, const Single& other) {
              if (one.match.block != other.match.block) {
                return one.match.block < other.match.block;
              }
              return one.reading.resident_bytes > other.reading.resident_bytes;
            });
  size_t reported = 0;
  for (size_t index = 0; index < singles_.size(); ++index) {
    const Single& single = singles_[index];
    const size_t block = single.match.block;
    const bool is_first =
        index == 0 || singles_[index - 1].match.block != block;
    reported = is_first ? 1 : reported + 1;
    if (reported > config_.services[block].max_processes) {
      report.blocks[block].exceeds_max_processes = true;
      continue;
    }
    attribution::BlockSum sum;
    sum.Add(single.reading, single.cpu_percent, single.tracing);
    const auto values = sum.Attribute(options_[block], host_cpus_);
    AddMissingFields(options_[block], *values,
                     report.blocks[block].missing_fields);
    report.instances.push_back(
        {discovery_.instances()[single.match.instance].name, single.match.pid,
         *values});
  }
}

// Before its place becomes another one's, an instance that was forgotten has no
// name for a pass.
void Sampler::ForgetTraffic() {
  if (!export_traffic_) return;
  for (size_t index = 0; index < discovery_.instances().size(); ++index) {
    if (discovery_.instances()[index].name.empty()) {
      export_traffic_->Forget(index);
    }
  }
}

// Measures what is sent to export ports and received from them. Returns whether
// that is known.
bool Sampler::MeasureTraffic(PassReport& report) {
  const auto measured = export_traffic_->Pass(*proc_, members_, *current_.begun,
                                              ticks_per_second_);
  for (size_t block = 0; block < report.blocks.size(); ++block) {
    report.blocks[block].traffic_problem = export_traffic_->Problem(block);
    report.blocks[block].traffic_problem_process =
        export_traffic_->ProblemProcess(block);
  }
  return measured.has_value();
}

void Sampler::ReportComponents(PassReport& report) {
  for (size_t i = 0; i < component_cpu_.size(); ++i) {
    if (!component_cpu_[i]) continue;
    const auto& instance = discovery_.instances()[i / most_components_];
    const Service& block = config_.services[instance.block];
    report.components.push_back(
        {.instance = instance.name,
         .component = block.components[i % most_components_].name,
         .cpu_percent = *attribution::ShareOf(host_cpus_, component_cpu_[i])});
  }
}

}  // namespace resource_attribution
