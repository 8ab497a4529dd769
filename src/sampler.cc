#include "sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "attribution/cpu_percent.h"

namespace resource_attribution {
namespace {

using attribution::MemoryType;
using attribution::Reading;
using procfs::Error;
using procfs::Instant;
using procfs::Result;

std::vector<discovery::Target> TargetsOf(const Config& config) {
  std::vector<discovery::Target> targets;
  for (const Block& block : config.blocks) {
    targets.push_back({.name = block.name,
                       .selectors = &block.selectors,
                       .max_instances = block.max_instances});
  }
  return targets;
}

std::vector<attribution::Options> OptionsOfBlocks(const Config& config) {
  std::vector<attribution::Options> options;
  for (const Block& block : config.blocks) {
    options.push_back(OptionsOf(config, block));
  }
  return options;
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

// The CPUs that the measured CPU is a share of; none: it is in percent of one.
// They come and go while the host runs.
std::optional<double> HostCpus(CpuPercentOf cpu_percent_of) {
  if (cpu_percent_of == CpuPercentOf::kCore) return std::nullopt;
  const auto online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<double>(online) : 1;
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
      options_(OptionsOfBlocks(config_)),
      pss_refused_(config_.blocks.size()),
      discovery_(TargetsOf(config_), config_.proc_path + "/self/mounts"),
      table_(MaxOpenFiles(config_), clock_) {}

Result<std::string> Sampler::ChooseDiscovery() {
  if (!discovery_.Searches()) return "none needed: every block has a list";
  if (config_.discovery == DiscoveryMode::kScan) {
    return "by scanning /proc (option Discovery)";
  }
  auto events = SubscribeToEvents();
  if (events) {
    discovery_.UseEvents(std::move(*events));
    return "by process events";
  }
  if (config_.discovery == DiscoveryMode::kEvents) {
    return tl::unexpected(events.error());
  }
  return "by scanning /proc (" + events.error().Message() + ")";
}

bool Sampler::HidesProcesses() {
  return OpenProc().has_value() && proc_->HidesProcesses();
}

Result<discovery::ProcessEvents> Sampler::SubscribeToEvents() {
  if (auto open = OpenProc(); !open) return tl::unexpected(open.error());
  // Events have the PIDs of the daemon's namespace.
  if (const auto self = proc_->Self(); !self || *self != getpid()) {
    return tl::unexpected(
        Error{.file = config_.proc_path.c_str(),
              .expected = "the procfs of the daemon's own PID namespace, as "
                          "process events need it"});
  }
  return discovery::ProcessEvents::Subscribe();
}

Result<void> Sampler::Pass(PassReport& report) {
  report.instances.clear();
  report.blocks.assign(config_.blocks.size(), {});
  if (auto open = OpenProc(); !open) return open;

  // Who is watched?
  current_.begun = clock_();
  current_.readings.clear();
  table_.BeginPass(*proc_);
  if (auto found = discovery_.Find(*proc_, current_.begun->monotonic, table_);
      !found) {
    return found;
  }

  // collectd makes up for a late pass by the next one at once. Clock ticks
  // cannot measure so short a time, so that such a pass has no CPU values and
  // the one after it measures from the last that had.
  const bool measures_cpu =
      !previous_.begun ||
      current_.begun->monotonic - previous_.begun->monotonic >=
          shortest_measurement_;

  // Read each process once, and add it to every block that it belongs to.
  sums_.assign(discovery_.instances().size(), {});
  singles_.clear();
  auto match = discovery_.matches().begin();
  auto& processes = table_.processes();
  for (auto entry = processes.begin(); entry != processes.end();) {
    auto& [pid, process] = *entry++;  // it may be forgotten
    // Of somebody who had ended when a list was asked.
    while (match != discovery_.matches().end() && match->pid < pid) ++match;
    const auto first = match;
    while (match != discovery_.matches().end() && match->pid == pid) ++match;
    const Matches matches(first, match);
    const auto reading = Read(process, matches);
    if (reading) {
      std::optional<double> cpu_percent;
      if (measures_cpu) {
        cpu_percent =
            attribution::CpuPercent(previous_, *reading, ticks_per_second_);
      }
      current_.readings.push_back(*reading);
      Add(*reading, cpu_percent, matches);
      for (const auto& one : matches) ++report.blocks[one.block].processes;
    } else if (reading.error().OutOfResources()) {
      return tl::unexpected(reading.error());
    } else if (reading.error().Gone()) {
      table_.Forget(pid);
    } else {
      for (const auto& one : matches) {
        report.blocks[one.block].problem = reading.error().Message();
      }
    }
  }

  // Attribute and report.
  Report(report);
  if (measures_cpu) std::swap(previous_, current_);
  return {};
}

// procfs may be mounted later than the daemon starts.
Result<void> Sampler::OpenProc() {
  if (proc_) return {};
  return procfs::Procfs::Open(config_.proc_path)
      .map([this](procfs::Procfs proc) { proc_ = std::move(proc); });
}

// Reads a process for the blocks that it belongs to. When it has ended the
// error says that it is gone, whoever has its PID now.
Result<Reading> Sampler::Read(procfs::WatchedProcess& process,
                              Matches matches) {
  if (auto read = table_.Read(process); !read) {
    return tl::unexpected(read.error());
  }
  auto reading =
      attribution::MakeReading(process.stat, process.status, process.monotonic);
  if (!reading) return Gone();
  if (process.stat.KernelThread()) {
    reading->proportional_bytes = 0;
  } else if (std::any_of(
                 matches.begin(), matches.end(),
                 [this](const auto& one) { return WantsPss(one.block); })) {
    if (auto added = AddPss(matches, *reading); !added) {
      return tl::unexpected(added.error());
    }
  }
  return *reading;
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
    if (WantsPss(one.block)) pss_refused_[one.block] = pss.error().Message();
  }
  return {};
}

void Sampler::Add(const Reading& reading, std::optional<double> cpu_percent,
                  Matches matches) {
  for (const auto& match : matches) {
    if (config_.blocks[match.block].per_process) {
      singles_.push_back({match, reading, cpu_percent});
    } else {
      sums_[match.instance].Add(reading, cpu_percent);
    }
  }
}

void Sampler::Report(PassReport& report) {
  for (size_t block = 0; block < report.blocks.size(); ++block) {
    BlockReport& one = report.blocks[block];
    if (one.problem.empty()) one.problem = discovery_.Problem(block);
    one.refused_by_instances = discovery_.Refused(block);
    one.pss_refused = pss_refused_[block];
    if (!one.pss_refused.empty()) {
      options_[block].memory_type = MemoryType::kRss;
    }
  }
  host_cpus_ = HostCpus(config_.cpu_percent_of);
  for (size_t index = 0; index < sums_.size(); ++index) {
    const auto& instance = discovery_.instances()[index];
    const auto values =
        sums_[index].Attribute(options_[instance.block], host_cpus_);
    if (values) {
      report.instances.push_back({instance.name, std::nullopt, *values});
    }
  }
  ReportSingles(report);
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
    if (reported > config_.blocks[block].max_processes) {
      report.blocks[block].exceeds_max_processes = true;
      continue;
    }
    attribution::BlockSum sum;
    sum.Add(single.reading, single.cpu_percent);
    const auto values = sum.Attribute(options_[block], host_cpus_);
    report.instances.push_back(
        {discovery_.instances()[single.match.instance].name, single.match.pid,
         *values});
  }
}

}  // namespace resource_attribution
