#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_OBSERVED_SERVICE_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_OBSERVED_SERVICE_H_

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "measures/measures_of.h"
#include "procfs/procfs.h"
#include "store/record.h"

namespace resource_attribution {

/// The measures of one service, in passes one second apart over records that a
/// test makes. No file is read.
class ObservedService {
 public:
  explicit ObservedService(Service service)
      : service_(std::move(service)),
        measures_(measures::MeasuresOf(service_, 0, nullptr, nullptr)) {}

  ObservedService(const ObservedService&) = delete;
  ObservedService& operator=(const ObservedService&) = delete;

  /// A process that was read a second after its baseline, or first read now
  /// where `cpu_percent` is none.
  static store::Record Process(const procfs::Status& status,
                               std::optional<double> cpu_percent) {
    store::Record record{.id = {5, 0}, .pass = 2};
    record.status = status;
    record.stat_read = {At(1), At(1)};
    if (cpu_percent) {
      record.stat.utime = static_cast<uint64_t>(*cpu_percent * 10);
      record.baseline = {.ticks = 0, .read_begun = At(0)};
    }
    return record;
  }

  void Add(store::Record record,
           measures::TracingState tracing = measures::TracingState::kUnknown) {
    processes_.emplace_back(std::move(record), tracing);
  }

  /// One pass over the processes that were added: the values of their series.
  Values Pass(std::optional<double> host_cpus = std::nullopt) {
    const measures::Pass pass{
        .proc = *proc_,
        .clock = clock_,
        .begun = {At(1), std::chrono::seconds(1001)},
        .measured_from = {{At(0), std::chrono::seconds(1000)}},
        .ticks_per_second = 1000,
        .host_cpus = host_cpus};
    report_.Clear(1);
    std::vector<SeriesReport> series(1);
    for (const auto& measure : measures_) measure->Begin();
    for (const auto& [record, tracing] : processes_) {
      for (const auto& measure : measures_) {
        measure->Observe(pass, {.record = record, .tracing = tracing});
      }
    }
    for (const auto& measure : measures_) {
      measure->Finish(pass, series, report_);
    }
    return series.front().values;
  }

  const PassReport& report() const { return report_; }

 private:
  static std::chrono::steady_clock::time_point At(int second) {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(second));
  }

  const std::string proc_path_ = "/proc";
  const procfs::Result<procfs::Procfs> proc_ = procfs::Procfs::Open(proc_path_);
  const procfs::Clock clock_ = [] { return procfs::Instant{}; };
  const Service service_;
  const measures::Measures measures_;
  std::list<std::pair<store::Record, measures::TracingState>> processes_;
  PassReport report_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_OBSERVED_SERVICE_H_
