#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "attribution/comparison.h"
#include "attribution/reading.h"
#include "attribution/traffic_account.h"

namespace resource_attribution::attribution {

/// Which memory `process_memory_bytes` is.
enum class MemoryType {
  kRss,  ///< resident set size
  kPss,  ///< proportional set size: shared pages count once among all
};

/// Which peak `process_memory_peak_bytes` is.
enum class PeakMemory {
  kVmPeak,  ///< of the virtual memory size
  kVmHwm,   ///< of the resident set
};

/// Where the two values of tracing come from.
enum class TracingOverhead {
  kEstimate,  ///< constants
  kThreads,   ///< CPU: of the threads that trace; memory: the constant
  kCompared,  ///< the traced processes less the untraced ones
};

/// How a block's readings become values.
struct Options {
  MemoryType memory_type = MemoryType::kRss;
  PeakMemory peak_memory = PeakMemory::kVmPeak;
  double tracing_memory_percent = 1.5;  ///< of the memory
  double tracing_cpu_percent = 0.5;     ///< for each process
  TracingOverhead tracing_overhead = TracingOverhead::kEstimate;

  /// Its processes are there for tracing only: all that they use is overhead.
  bool tracing_process = false;
};

/// The values of a block, named as their collectd types. None: not measured,
/// not yet, or not asked for.
struct Values {
  std::optional<double> process_memory_bytes{};
  std::optional<double> process_memory_peak_bytes{};
  std::optional<double> process_cpu_percent{};
  std::optional<double> tracing_memory_overhead_bytes{};
  std::optional<double> tracing_cpu_overhead_percent{};
  std::optional<Traffic> tracing_network_bytes{};
};

/// Whether a process is traced.
enum class TracingState {
  kUnknown,  ///< nobody looked, or it cannot be told: the estimate stands
  kTraced,
  kUntraced,  ///< tracing is off or absent: it has no overhead
};

/// What is known of tracing in one process, besides its reading.
struct ProcessTracing {
  TracingState state = TracingState::kUnknown;

  /// CPU of its threads that trace; none: not measured, or not asked for.
  std::optional<double> thread_cpu_percent{};
};

/// Adds up the processes of one block in one pass.
class BlockSum {
 public:
  /// Adds a process. One without a CPU value counts for everything but CPU.
  void Add(const Reading& reading, std::optional<double> cpu_percent,
           const ProcessTracing& tracing = {});

  size_t processes() const { return processes_; }

  /// The values of the block; none when it has no process. The memory is the
  /// resident set where a process has no proportional one: never a mixture. A
  /// size that one of the processes does not have is absent: never a part of
  /// the sum. With `host_cpus` the measured CPU becomes a share of that many
  /// CPUs, 100 at the most: counters move in whole ticks and may be one ahead
  /// of the clock. `difference` is what a comparison says of one process, where
  /// overhead is by comparison.
  std::optional<Values> Attribute(
      const Options& options, std::optional<double> host_cpus,
      const std::optional<Comparison::Difference>& difference = {}) const;

 private:
  // Of some processes together; none where one of them has none.
  using Sum = std::optional<uint64_t>;

  struct Memory {
    Sum resident_bytes = 0;
    Sum proportional_bytes = 0;

    void Add(const Reading& reading);
  };

  static void AddTo(Sum& sum, const std::optional<uint64_t>& bytes);

  size_t processes_ = 0;
  size_t traced_ = 0;
  size_t untraced_ = 0;
  Memory memory_;
  Memory memory_of_untraced_;
  Sum peak_virtual_bytes_ = 0;
  Sum peak_resident_bytes_ = 0;
  std::optional<double> cpu_percent_;
  std::optional<double> thread_cpu_percent_;
};

/// CPU that was measured, in percent of one CPU or, with `host_cpus`, of that
/// many, 100 at the most.
std::optional<double> ShareOf(std::optional<double> host_cpus,
                              std::optional<double> cpu_percent);

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_
