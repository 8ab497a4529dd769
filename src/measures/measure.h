#ifndef RESOURCE_ATTRIBUTION_MEASURES_MEASURE_H_
#define RESOURCE_ATTRIBUTION_MEASURES_MEASURE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "measures/report.h"
#include "procfs/instant.h"
#include "procfs/procfs.h"
#include "procfs/result.h"
#include "store/record.h"

namespace resource_attribution::measures {

/// The pass that is going on.
struct Pass {
  const procfs::Procfs& proc;
  const procfs::Clock& clock;
  procfs::Instant begun;  ///< before discovery looked which processes run

  /// False in a pass that follows another one at once: clock ticks cannot
  /// measure so short a time.
  bool measures_cpu = true;

  /// When the pass began that CPU is measured from. None: there was none yet.
  std::optional<procfs::Instant> measured_from{};

  double ticks_per_second = 100;  ///< sysconf(_SC_CLK_TCK)

  /// The CPUs that measured CPU is a share of; none: it is in percent of one.
  std::optional<double> host_cpus{};
};

using store::TracingState;

/// A process in a series of a service.
struct Observed {
  const store::Record& record;
  TracingState tracing = TracingState::kUnknown;
  size_t series = 0;     ///< index into the series of the service in this pass
  size_t series_id = 0;  ///< the same for as long as there is the series
};

/// Something that is reported of a service: each service has a measure of its
/// own for what it asks for, and none for the rest.
///
/// In each pass: Begin, then Read of every process of the service, then Observe
/// of every process that could be read, then Finish. Between passes a measure
/// keeps what belongs to the service; what belongs to a process is in its
/// record. Not thread-safe.
class Measure {
 public:
  Measure() = default;
  Measure(const Measure&) = delete;
  Measure& operator=(const Measure&) = delete;
  virtual ~Measure() = default;

  /// Forgets the sums of the last pass.
  virtual void Begin() = 0;

  /// Reads into the record what the measure needs besides `stat` and `status`.
  /// An error that is Gone() when the process has ended: then it belongs to no
  /// series of this pass.
  virtual procfs::Result<void> Read(const Pass& /*pass*/,
                                    store::Record& /*record*/) {
    return {};
  }

  /// Adds a process to its series.
  virtual void Observe(const Pass& pass, const Observed& observed) = 0;

  /// Fills in the values of `series`, all series of the service, and adds
  /// notices.
  virtual void Finish(const Pass& pass, std::span<SeriesReport> series,
                      PassReport& report) = 0;
};

/// A sum for each series of a service.
template <typename Sum>
class BySeries {
 public:
  void Clear() { sums_.clear(); }

  Sum& operator[](size_t series) {
    if (series >= sums_.size()) sums_.resize(series + 1);
    return sums_[series];
  }

 private:
  std::vector<Sum> sums_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_MEASURE_H_
