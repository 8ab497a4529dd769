#include "sampler.h"

#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "attribution/cpu_percent.h"

namespace resource_attribution {
namespace {

using attribution::Instant;
using attribution::Reading;
using procfs::Result;

std::vector<const discovery::Selectors*> SelectorsOf(const Config& config) {
  std::vector<const discovery::Selectors*> selectors;
  for (const Block& block : config.blocks) {
    selectors.push_back(&block.selectors);
  }
  return selectors;
}

// The CPUs that the measured CPU is a share of; none: it is in percent of one.
// They come and go while the host runs.
std::optional<double> HostCpus(CpuPercentOf cpu_percent_of) {
  if (cpu_percent_of == CpuPercentOf::kCore) return std::nullopt;
  const auto online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<double>(online) : 1;
}

}  // namespace

Instant Now() {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.monotonic = std::chrono::steady_clock::now(),
          .since_boot = std::chrono::seconds(boot.tv_sec) +
                        std::chrono::nanoseconds(boot.tv_nsec)};
}

Sampler::Sampler(Config config, std::function<Instant()> clock)
    : config_(std::move(config)),
      clock_(std::move(clock)),
      ticks_per_second_(static_cast<double>(sysconf(_SC_CLK_TCK))),
      shortest_measurement_(config_.interval_seconds.value_or(0) / 2),
      discovery_(SelectorsOf(config_)) {}

Result<void> Sampler::Pass(std::vector<BlockReport>& reports) {
  reports.assign(config_.blocks.size(), {});
  if (auto open = OpenProc(); !open) return open;

  // Who is watched?
  current_.begun = clock_();
  current_.readings.clear();
  if (auto found = discovery_.Find(*proc_, current_.begun->monotonic, matches_);
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
  sums_.assign(config_.blocks.size(), {});
  for (auto match = matches_.begin(); match != matches_.end();) {
    const procfs::ProcessId process = match->process;
    const auto reading = Read(process);
    std::optional<double> cpu_percent;
    if (reading) {
      if (measures_cpu) {
        cpu_percent =
            attribution::CpuPercent(previous_, *reading, ticks_per_second_);
      }
      current_.readings.push_back(*reading);
    } else if (reading.error().OutOfResources()) {
      return tl::unexpected(reading.error());
    }
    for (; match != matches_.end() && match->process == process; ++match) {
      if (reading) {
        sums_[match->block].Add(*reading, cpu_percent);
      } else if (!reading.error().Gone()) {
        reports[match->block].problem = reading.error().Message();
      }
    }
  }

  // Attribute and report.
  const auto host_cpus = HostCpus(config_.cpu_percent_of);
  for (size_t block = 0; block < reports.size(); ++block) {
    const auto options = OptionsOf(config_, config_.blocks[block]);
    reports[block].processes = sums_[block].processes();
    reports[block].values = sums_[block].Attribute(options, host_cpus);
    if (reports[block].problem.empty()) {
      reports[block].problem = discovery_.Problem(block);
    }
  }
  if (measures_cpu) std::swap(previous_, current_);
  return {};
}

// procfs may be mounted later than the daemon starts.
Result<void> Sampler::OpenProc() {
  if (proc_) return {};
  return procfs::Procfs::Open(config_.proc_path)
      .map([this](procfs::Procfs proc) { proc_ = std::move(proc); });
}

// Reads the process `id`. When it has ended the error says that it is gone,
// whoever has its PID now.
Result<Reading> Sampler::Read(const procfs::ProcessId& id) {
  const tl::unexpected gone(
      procfs::Error{.file = "/proc/PID", .system_error = ESRCH});
  const auto process = proc_->OpenProcess(id.pid);
  if (!process) return tl::unexpected(process.error());
  const auto stat = process->ReadStat(content_);
  if (!stat) return tl::unexpected(stat.error());
  if (stat->start_time != id.start_time) return gone;
  const auto monotonic = clock_().monotonic;
  const auto status = process->ReadStatus(content_);
  if (!status) return tl::unexpected(status.error());
  const auto reading = attribution::MakeReading(*stat, *status, monotonic);
  if (!reading) return gone;
  return *reading;
}

}  // namespace resource_attribution
