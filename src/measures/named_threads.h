#ifndef RESOURCE_ATTRIBUTION_MEASURES_NAMED_THREADS_H_
#define RESOURCE_ATTRIBUTION_MEASURES_NAMED_THREADS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "measures/measure.h"
#include "store/threads.h"

namespace resource_attribution::measures {

/// CPU of the threads of a service by their names: of the components, which are
/// reported, and of the threads that trace, where TracingOverhead is "Threads".
/// `service` has to outlive this.
class NamedThreads : public Measure {
 public:
  NamedThreads(const Service& service, size_t index);

  void Begin() override;
  procfs::Result<void> Read(const Pass& pass, store::Record& record) override;
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

  /// CPU of the threads that trace, in percent of one CPU. None: not known.
  std::optional<double> TracingCpuPercent(size_t series) {
    return tracing_cpu_[series];
  }

  static bool MeasuresTracing(const Service& service) {
    return service.tracing_overhead == TracingOverhead::kThreads &&
           !service.tracing_process;
  }

 private:
  // The threads that trace, and then the components.
  static constexpr size_t kTracing = 0;
  static size_t GroupOf(size_t component) { return component + 1; }

  store::ThreadGroups GroupsOf(std::string_view comm) const;
  store::Threads& ThreadsOf(store::Record& record) const;
  std::string WithoutThreads() const;

  const Service& service_;
  const size_t index_;
  const discovery::Expressions known_threads_;  // for want of TracingThread
  const discovery::Expressions& tracing_threads_;
  store::ThreadReader reader_;
  store::ThreadReader::GroupsOf groups_of_;
  store::ThreadGroups groups_seen_ = 0;  // to which a thread ever belonged
  BySeries<std::optional<double>> tracing_cpu_;
  std::vector<BySeries<std::optional<double>>> component_cpu_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_NAMED_THREADS_H_
