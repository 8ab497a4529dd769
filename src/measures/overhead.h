#ifndef RESOURCE_ATTRIBUTION_MEASURES_OVERHEAD_H_
#define RESOURCE_ATTRIBUTION_MEASURES_OVERHEAD_H_

#include <cstddef>
#include <optional>
#include <span>

#include "config/config.h"
#include "measures/measure.h"
#include "measures/memory.h"
#include "measures/named_threads.h"

namespace resource_attribution::measures {

/// `tracing_memory_overhead_bytes` and `tracing_cpu_overhead_percent` of a
/// service whose TracingOverhead is not "Compared": the estimates, the CPU of
/// the threads that trace, or with TracingProcess all that the processes use.
///
/// What is passed in has to outlive this. It finishes a pass after `memory`,
/// Cpu, and `threads`, which is null unless TracingOverhead is "Threads".
class Overhead : public Measure {
 public:
  Overhead(const Service& service, size_t index, Memory& memory,
           NamedThreads* threads)
      : service_(service), index_(index), memory_(memory), threads_(threads) {}

  void Begin() override { sums_.Clear(); }
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

 private:
  // The processes that are traced, as far as is known.
  struct Sum {
    size_t processes = 0;
    MemoryBytes memory;
    std::optional<double> cpu_percent;  // where sampling depends on it
  };

  const Service& service_;
  const size_t index_;
  Memory& memory_;
  NamedThreads* const threads_;
  BySeries<Sum> sums_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_OVERHEAD_H_
