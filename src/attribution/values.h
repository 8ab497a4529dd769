#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "attribution/reading.h"

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

/// How a block's readings become values.
struct Options {
  MemoryType memory_type = MemoryType::kRss;
  PeakMemory peak_memory = PeakMemory::kVmPeak;
  double tracing_memory_percent = 1.5;  ///< of the memory
  double tracing_cpu_percent = 0.5;     ///< for each process
};

/// The five values of a block, named as their collectd types.
struct Values {
  double process_memory_bytes = 0;
  double process_memory_peak_bytes = 0;
  std::optional<double> process_cpu_percent{};  ///< none: not measured yet
  double tracing_memory_overhead_bytes = 0;
  double tracing_cpu_overhead_percent = 0;
};

/// Adds up the processes of one block in one pass.
class BlockSum {
 public:
  /// Adds a process. One without a CPU value counts for everything but CPU.
  void Add(const Reading& reading, std::optional<double> cpu_percent);

  size_t processes() const { return processes_; }

  /// The values of the block; none when it has no process. The memory is the
  /// resident set where a process has no proportional one: never a mixture.
  /// With `host_cpus` the measured CPU becomes a share of that many CPUs, 100
  /// at the most: counters move in whole ticks and may be one ahead of the
  /// clock.
  std::optional<Values> Attribute(const Options& options,
                                  std::optional<double> host_cpus) const;

 private:
  size_t processes_ = 0;
  uint64_t resident_bytes_ = 0;
  std::optional<uint64_t> proportional_bytes_ = 0;
  uint64_t peak_virtual_bytes_ = 0;
  uint64_t peak_resident_bytes_ = 0;
  std::optional<double> cpu_percent_;
};

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_VALUES_H_
