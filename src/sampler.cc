#include "sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include "attribution/cpu_percent.h"
#include "procfs/capabilities.h"
#include "procfs/pass_failed.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

using attribution::MemoryType;
using attribution::TracingOverhead;
using Kind = Notice::Kind;
using attribution::Reading;
using attribution::TracingState;
using procfs::Error;
using procfs::Instant;
using procfs::Printable;
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

// The lines of `status` for want of which a service has no value, for people.
std::string MissingFields(const attribution::Options& options,
                          const attribution::Values& values) {
  std::string missing;
  if (!values.process_memory_bytes) missing = "VmRSS for process_memory_bytes";
  if (!values.process_memory_peak_bytes) {
    missing += missing.empty() ? "" : ", ";
    missing += options.peak_memory == attribution::PeakMemory::kVmHwm
                   ? "VmHWM for process_memory_peak_bytes"
                   : "VmPeak for process_memory_peak_bytes";
  }
  return missing;
}

void AddProblem(size_t service, const std::string& problem, pid_t process,
                PassReport& report) {
  report.Add({.service = service,
              .text = "processes may be missing: " + Printable(problem),
              .process = process});
}

std::string Spread(const attribution::Comparison::Estimate& estimate,
                   int digits) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%.*f (standard deviation %.*f)",
                digits, estimate.mean, digits, estimate.deviation);
  return text.data();
}

tl::unexpected<Error> Gone() {
  return tl::unexpected(Error{.file = "/proc/PID", .system_error = ESRCH});
}

}  // namespace

const Notice* PassReport::Find(size_t service, Notice::Kind kind) const {
  const auto found = std::find_if(
      notices.begin(), notices.end(), [service, kind](const Notice& one) {
        return one.service == service && one.kind == kind;
      });
  return found == notices.end() ? nullptr : &*found;
}

void PassReport::Add(Notice notice) {
  if (Find(notice.service, notice.kind) == nullptr) {
    notices.push_back(std::move(notice));
  }
}

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
  report.notices.clear();
  report.processes.assign(config_.services.size(), 0);
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
      for (const auto& one : matches) ++report.processes[one.block];
    } else if (reading.error().OutOfResources()) {
      return tl::unexpected(reading.error());
    } else if (reading.error().Gone()) {
      table_.Forget(pid);
    } else {
      for (const auto& one : matches) {
        AddProblem(one.block, reading.error().Message(), pid, report);
      }
    }
  }

  // Attribute and report.
  detector_.EndPass();
  for (BlockTracing& tracing : block_tracing_) tracing.EndPass(pass);
  const bool has_traffic = export_traffic_ && MeasureTraffic();
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
    const bool is_compared =
        config_.services[block].tracing_overhead == TracingOverhead::kCompared;
    report.Add({.service = block,
                .kind = Kind::kUndetected,
                .text = std::string("unknown whether a process is traced, so "
                                    "that ") +
                        (is_compared ? "it is not compared"
                                     : "the estimate stands for it") +
                        ": " + Printable((*seen)->problem),
                .process = process.id.pid});
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
  host_cpus_ = HostCpus(config_.cpu_percent_of);
  for (size_t service = 0; service < config_.services.size(); ++service) {
    AddNotices(service, report);
    FallBackToRss(service);
  }
  for (size_t i = 0; i < blocks_with_untraced_.size(); ++i) {
    const size_t target = config_.services.size() + i;
    if (discovery_.Problem(target).empty()) continue;
    AddProblem(blocks_with_untraced_[i],
               "among the untraced, which then count as traced: " +
                   discovery_.Problem(target),
               discovery_.ProblemProcess(target), report);
  }
  ReportSums(report, has_traffic);
  ReportSingles(report);
  ReportComponents(report);
}

void Sampler::AddNotices(size_t service, PassReport& report) const {
  const Service& options = config_.services[service];
  if (!discovery_.Problem(service).empty()) {
    AddProblem(service, discovery_.Problem(service),
               discovery_.ProblemProcess(service), report);
  }
  if (!pss_refused_[service].empty()) {
    report.Add({.service = service,
                .kind = Kind::kPssRefused,
                .text = "memory is Rss from now on, Pss was refused: " +
                        pss_refused_[service],
                .process = pss_refused_process_[service]});
  }
  if (const size_t refused = discovery_.Refused(service)) {
    report.Add({.service = service,
                .kind = Kind::kMaxInstances,
                .text = "MaxInstances " +
                        std::to_string(options.max_instances) +
                        " reached: processes with other names are left out",
                .detail = ", " + std::to_string(refused) +
                          " now, and so will be those to come"});
  }
  // What is missing in a service without processes is known already.
  if (report.processes[service] > 0) AddMeasuringNotices(service, report);
}

void Sampler::AddMeasuringNotices(size_t service, PassReport& report) const {
  const auto add_info = [&](Kind kind, std::string text,
                            std::string detail = {}) {
    report.Add({.service = service,
                .kind = kind,
                .severity = Notice::Severity::kInfo,
                .text = std::move(text),
                .detail = std::move(detail)});
  };
  const BlockTracing& tracing = block_tracing_[service];
  if (const auto reason = tracing.WithoutDifference(); !reason.empty()) {
    add_info(Kind::kNotCompared,
             "not compared yet, so that no overhead is reported: " + reason);
  }
  if (tracing.DifferenceIsNew()) {
    const auto difference = tracing.Difference();
    add_info(Kind::kCompared, "compared: a traced process takes ",
             Spread(difference->memory_bytes, 0) + " bytes and " +
                 Spread(difference->cpu_percent, 3) +
                 " % of a CPU more than an untraced one");
  }
  if (const auto names = tracing.WithoutThreads(); !names.empty()) {
    add_info(Kind::kNoThreads, "no thread has a name for " + Printable(names) +
                                   " yet; nothing is reported of it until one "
                                   "has");
  }
  if (export_traffic_ && !export_traffic_->Problem(service).empty()) {
    report.Add({.service = service,
                .kind = Kind::kTraffic,
                .text = "export traffic may be missing: " +
                        Printable(export_traffic_->Problem(service)),
                .process = export_traffic_->ProblemProcess(service)});
  }
}

// Where Pss was refused in this pass.
void Sampler::FallBackToRss(size_t service) {
  if (pss_refused_[service].empty() ||
      options_[service].memory_type == MemoryType::kRss) {
    return;
  }
  options_[service].memory_type = MemoryType::kRss;
  block_tracing_[service].CompareAnew();
}

void Sampler::ReportSums(PassReport& report, bool has_traffic) {
  for (size_t index = 0; index < sums_.size(); ++index) {
    const size_t service = discovery_.instances()[index].block;
    if (sums_[index].processes() == 0) continue;
    const auto values = sums_[index].Attribute(
        options_[service], host_cpus_, block_tracing_[service].Difference());
    ReportValues(index, std::nullopt, *values, report);
    if (has_traffic) {
      report.instances.back().values.tracing_network_bytes =
          export_traffic_->Of(index);
    }
  }
}

void Sampler::ReportValues(size_t instance, std::optional<pid_t> pid,
                           const attribution::Values& values,
                           PassReport& report) {
  const auto& [name, service, unused, lasting] =
      discovery_.instances()[instance];
  report.instances.push_back({name, pid, values});
  const std::string missing = MissingFields(options_[service], values);
  if (missing.empty()) return;
  report.Add(
      {.service = service,
       .kind = Kind::kMissingFields,
       .text = "/proc/PID/status lacks " + missing + ": this is not reported"});
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
    const size_t most = config_.services[block].max_processes;
    if (reported > most) {
      report.Add({.service = block,
                  .kind = Kind::kMaxProcesses,
                  .text = "more than MaxProcesses " + std::to_string(most) +
                          " processes match: the largest by resident memory "
                          "are reported"});
      continue;
    }
    attribution::BlockSum sum;
    sum.Add(single.reading, single.cpu_percent, single.tracing);
    const auto values = sum.Attribute(options_[block], host_cpus_);
    ReportValues(single.match.instance, single.match.pid, *values, report);
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
bool Sampler::MeasureTraffic() {
  return export_traffic_
      ->Pass(*proc_, members_, *current_.begun, ticks_per_second_)
      .has_value();
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
