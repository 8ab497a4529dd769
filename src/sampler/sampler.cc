#include "sampler/sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <tuple>
#include <utility>

#include "measures/memory.h"
#include "measures/tracing_detector.h"
#include "procfs/pass_failed.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

using Kind = Notice::Kind;
using measures::ExportTraffic;
using measures::TracingDetection;
using procfs::Instant;
using procfs::Printable;
using procfs::Result;

constexpr size_t kNone = SIZE_MAX;

std::vector<discovery::Target> TargetsOf(const Config& config) {
  std::vector<discovery::Target> targets;
  for (const Service& service : config.services) {
    targets.push_back(
        {.name = service.name,
         .selectors = &service.selectors,
         .max_instances = service.max_instances,
         .untraced = service.untraced ? &*service.untraced : nullptr});
  }
  return targets;
}

std::optional<ExportTraffic> TrafficOf(const Config& config) {
  std::vector<std::vector<uint16_t>> ports;
  for (const Service& service : config.services) {
    ports.push_back(service.tracing_export_ports);
  }
  if (std::ranges::all_of(ports, [](const auto& one) { return one.empty(); })) {
    return std::nullopt;
  }
  return ExportTraffic(std::move(ports));
}

std::optional<TracingDetection> DetectionFor(const Config& config) {
  std::vector<uint16_t> ports;
  bool detects = false;
  for (const Service& service : config.services) {
    if (!service.DetectsTracing() || service.untraced) continue;
    detects = true;
    ports.insert(ports.end(), service.tracing_export_ports.begin(),
                 service.tracing_export_ports.end());
  }
  std::optional<TracingDetection> detection;
  if (detects) detection.emplace(std::move(ports));
  return detection;
}

// How many descriptors may be kept, so that enough are left to open files with.
size_t MaxOpenFiles(const Config& config) {
  constexpr rlim_t kOthers = 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > kOthers
             ? std::min<size_t>(config.max_open_files, limit.rlim_cur - kOthers)
             : 0;
}

bool HaveCgroups(const Config& config) {
  return std::ranges::any_of(config.services, [](const Service& service) {
    return service.selectors.HaveCgroups();
  });
}

// The CPUs that the measured CPU is a share of; none: it is in percent of one.
// They come and go while the host runs.
std::optional<double> HostCpus(CpuPercentOf cpu_percent_of) {
  if (cpu_percent_of == CpuPercentOf::kCore) return std::nullopt;
  const auto online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<double>(online) : 1;
}

// `where` says which processes, if not all.
void AddProblem(size_t service, const procfs::Problem& problem,
                PassReport& report, const char* where = "") {
  if (problem.text.empty()) return;
  report.Add(
      {.service = service,
       .text = "processes may be missing: " + (where + Printable(problem.text)),
       .process = problem.process});
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
      discovery_(TargetsOf(config_), config_.proc_path + "/self/mounts"),
      store_(MaxOpenFiles(config_), clock_),
      traffic_(TrafficOf(config_)),
      detection_(DetectionFor(config_)) {
  for (const Service& service : config_.services) {
    services_.push_back(
        {.options = service,
         .measures = measures::MeasuresOf(service, services_.size(),
                                          traffic_ ? &*traffic_ : nullptr,
                                          detection_ ? &*detection_ : nullptr),
         .series = {}});
  }
}

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

void Sampler::PassOver(procfs::PassedOver passed_over) {
  passed_over_ = std::move(passed_over);
  if (proc_) proc_->PassOver(passed_over_);
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

Result<kernel::ProcessEvents> Sampler::SubscribeToEvents() {
  if (auto open = OpenProc(); !open) return tl::unexpected(open.error());
  // Events have the PIDs of the daemon's namespace.
  if (!proc_->HasOwnPids()) {
    return procfs::Invalid(config_.proc_path.c_str(),
                           "the procfs of the daemon's own PID namespace, as "
                           "process events need it");
  }
  return kernel::ProcessEvents::Subscribe();
}

Result<void> Sampler::Pass(PassReport& report) {
  report.Clear(services_.size());
  if (auto open = OpenProc(); !open) return open;
  try {
    const measures::Pass pass = BeginPass();
    Find(pass);
    Read(pass, report);
    Measure(pass, report);
    Report(pass, report);
    if (pass.measures_cpu) store_.SetBaselines(pass.begun);
  } catch (const procfs::PassFailed& failed) {
    return tl::unexpected(failed.error());
  }
  return {};
}

// procfs may be mounted later than the daemon starts.
Result<void> Sampler::OpenProc() {
  if (proc_) return {};
  return procfs::Procfs::Open(config_.proc_path, config_.daemon)
      .map([this](procfs::Procfs proc) {
        proc_ = std::move(proc);
        proc_->PassOver(passed_over_);
        if (!proc_->HasOwnPids()) discovery_.SearchCgroups();
      });
}

// collectd makes up for a late pass by the next one at once. Clock ticks cannot
// measure so short a time, so that such a pass has no CPU values and the one
// after it measures from the last that had.
measures::Pass Sampler::BeginPass() {
  const Instant begun = clock_();
  const auto& from = store_.measured_from();
  store_.BeginPass(*proc_);
  for (ServiceState& service : services_) {
    service.series.clear();
    for (const auto& measure : service.measures) measure->Begin();
  }
  if (traffic_) traffic_->Begin();
  if (detection_) detection_->Begin();
  return {.proc = *proc_,
          .clock = clock_,
          .begun = begun,
          .measures_cpu = !from || begun.monotonic - from->monotonic >=
                                       shortest_measurement_,
          .measured_from = from,
          .ticks_per_second = ticks_per_second_,
          .host_cpus = HostCpus(config_.cpu_percent_of)};
}

// Which processes belong to which service?
void Sampler::Find(const measures::Pass& pass) {
  discovery_.Find(*proc_, pass.begun.monotonic, store_);
  if (!traffic_) return;
  // A name that was forgotten is empty for a pass; then its place may become
  // that of another one.
  for (size_t i = 0; i < discovery_.series().size(); ++i) {
    if (discovery_.series()[i].name.empty()) traffic_->Forget(i);
  }
}

// Reads each process once, for all services that it belongs to.
void Sampler::Read(const measures::Pass& pass, PassReport& report) {
  members_.clear();
  auto next = matches().begin();
  auto& records = store_.records();
  for (auto entry = records.begin(); entry != records.end();) {
    auto& [pid, record] = *entry++;  // it may be forgotten
    const auto first = next;
    while (next != matches().end() && next->pid == pid) ++next;
    const Matches matches(first, next);
    if (matches.empty()) continue;
    const auto read = Read(pass, record, matches);
    if (read) {
      members_.push_back({&record, matches});
      continue;
    }
    procfs::ThrowIfOutOfResources(read.error());
    if (read.error().Gone()) {
      store_.Forget(pid);
      continue;
    }
    for (const auto& match : matches) {
      AddProblem(match.service, {read.error().Message(), pid}, report);
    }
  }
}

// An error that is Gone() when the process has ended, even if another process
// has its PID now.
Result<void> Sampler::Read(const measures::Pass& pass, store::Record& record,
                           Matches matches) {
  auto read = store_.Read(record);
  // A service that the process has left needs its threads no more.
  std::erase_if(record.threads, [&](const store::ServiceThreads& one) {
    return std::ranges::none_of(matches, [&](const auto& match) {
      return match.service == one.service;
    });
  });
  for (const auto& match : matches) {
    for (const auto& measure : services_[match.service].measures) {
      if (!read) return read;
      read = measure->Read(pass, record);
    }
  }
  return read;
}

// Adds each process to its series.
void Sampler::Measure(const measures::Pass& pass, PassReport& report) {
  series_by_name_.assign(discovery_.series().size(), kNone);
  for (const Member& member : members_) {
    for (const auto& match : member.matches) {
      ServiceState& service = services_[match.service];
      const measures::Observed observed{
          .record = *member.record,
          .tracing = measures::StateOf(service.options, *member.record,
                                       match.untraced),
          .series = SeriesOf(match, service),
          .series_id = match.series};
      for (const auto& measure : service.measures) {
        measure->Observe(pass, observed);
      }
      ++report.processes[match.service];
    }
  }
}

// The index of a match's series among those of its service.
size_t Sampler::SeriesOf(const discovery::Match& match, ServiceState& service) {
  auto& series = service.series;
  if (service.options.per_process) {
    series.push_back({.name = NameOf(match), .pid = match.pid});
    return series.size() - 1;
  }
  size_t& index = series_by_name_[match.series];
  if (index == kNone) {
    index = series.size();
    series.push_back({.name = NameOf(match), .pid = std::nullopt});
  }
  return index;
}

void Sampler::Report(const measures::Pass& pass, PassReport& report) {
  // Its problem becomes a notice of each service that has export ports.
  if (traffic_) std::ignore = traffic_->Count(pass);
  for (size_t i = 0; i < services_.size(); ++i) {
    ServiceState& service = services_[i];
    AddDiscoveryNotices(i, report);
    for (const auto& measure : service.measures) {
      measure->Finish(pass, service.series, report);
    }
    KeepLargest(i, report);
    report.series.insert(report.series.end(), service.series.begin(),
                         service.series.end());
  }
}

void Sampler::AddDiscoveryNotices(size_t service, PassReport& report) const {
  AddProblem(service, discovery_.Problem(service), report);
  AddProblem(service, discovery_.UntracedProblem(service), report,
             "among the untraced, which then count as traced: ");
  AddRefusedNotice(service, report);
}

void Sampler::AddRefusedNotice(size_t service, PassReport& report) const {
  const size_t most = config_.services[service].max_instances;
  if (const size_t refused = discovery_.Refused(service)) {
    report.Add({.service = service,
                .kind = Kind::kMaxInstances,
                .text = "MaxInstances " + std::to_string(most) +
                        " reached: processes with other names are left out",
                .detail = ", " + std::to_string(refused) +
                          " now, and so will be those to come"});
  } else if (discovery_.RefusedNew(service) > 0) {
    const size_t new_names =
        std::max(most, discovery::SeriesTable::kNewInAnHour);
    report.Add({.service = service,
                .kind = Kind::kMaxInstances,
                .text = std::to_string(new_names) +
                        " new names in an hour, as many as there may be: "
                        "processes with other names are left out until the "
                        "hour is over"});
  }
}

// With PerProcess, reports no more processes than MaxProcesses.
void Sampler::KeepLargest(size_t service, PassReport& report) {
  const size_t most = config_.services[service].max_processes;
  auto& series = services_[service].series;
  if (!config_.services[service].per_process || series.size() <= most) return;
  const auto resident = [this](const SeriesReport& one) {
    return measures::MemoryOf(*store_.Find(*one.pid)).resident;
  };
  std::ranges::sort(series, [&](const auto& a, const auto& b) {
    return resident(a) > resident(b);
  });
  series.resize(most);
  report.Add({.service = service,
              .kind = Kind::kMaxProcesses,
              .text = "more than MaxProcesses " + std::to_string(most) +
                      " processes match: the largest by resident memory are "
                      "reported"});
}

}  // namespace resource_attribution
