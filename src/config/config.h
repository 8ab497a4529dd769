#ifndef RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_
#define RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attribution/values.h"
#include "discovery/selectors.h"

namespace resource_attribution {

/// What 100 percent of CPU is.
enum class CpuPercentOf {
  kCore,  ///< one CPU
  kHost,  ///< all online CPUs
};

/// How processes are searched.
enum class DiscoveryMode {
  kAuto,    ///< by events where the kernel allows it
  kEvents,  ///< by events or not at all
  kScan,    ///< by scanning /proc in each pass
};

/// A part of a process: its threads whose names one of the expressions is found
/// in.
struct Component {
  std::string name;
  discovery::Expressions threads;
};

/// A `<Process>` block: which processes, reported under which name.
struct Service {
  std::string name;  ///< may hold placeholders, see discovery::NameTemplate
  discovery::Selectors selectors;

  /// How many names a name with placeholders may become.
  size_t max_instances = 256;

  /// Reported one by one rather than as a sum: the `max_processes` with the
  /// most resident memory.
  bool per_process = false;
  size_t max_processes = 64;

  /// Where set, instead of the defaults of the configuration.
  std::optional<attribution::MemoryType> memory_type;
  std::optional<attribution::PeakMemory> peak_memory;
  std::optional<double> tracing_memory_percent;
  std::optional<double> tracing_cpu_percent;
  std::optional<attribution::TracingOverhead> tracing_overhead;
  std::optional<bool> tracing_detect;
  std::optional<size_t> compare_window;

  /// Its processes are there for tracing only.
  bool tracing_process = false;

  /// Which of its processes are not traced, where the administrator says so.
  std::optional<discovery::Selectors> untraced;

  /// Names of the threads that trace; none: those that are known.
  discovery::Expressions tracing_threads;

  /// Remote TCP ports to which traces are exported.
  std::vector<uint16_t> tracing_export_ports;

  std::vector<Component> components;

  /// Whether somebody has to look if its processes are traced.
  bool DetectsTracing(bool by_default) const {
    return tracing_detect.value_or(by_default) ||
           (tracing_overhead == attribution::TracingOverhead::kCompared &&
            !untraced);
  }
};

/// The `<Plugin resource_attribution>` blocks of all files together, validated.
struct Config {
  bool enabled = true;
  std::optional<double> interval_seconds;  ///< between two passes
  std::string proc_path = "/proc";
  DiscoveryMode discovery = DiscoveryMode::kAuto;
  /// Descriptors that may be kept; none: half of what the daemon may have.
  std::optional<size_t> max_open_files;
  CpuPercentOf cpu_percent_of = CpuPercentOf::kCore;
  attribution::Options defaults;
  bool tracing_detect = false;
  size_t compare_window = 10;  ///< passes that a comparison averages over
  std::vector<Service> services;
};

/// The options of a block: its own where it has them, else the defaults.
inline attribution::Options OptionsOf(const Config& config,
                                      const Service& block) {
  const attribution::Options& defaults = config.defaults;
  return {
      .memory_type = block.memory_type.value_or(defaults.memory_type),
      .peak_memory = block.peak_memory.value_or(defaults.peak_memory),
      .tracing_memory_percent = block.tracing_memory_percent.value_or(
          defaults.tracing_memory_percent),
      .tracing_cpu_percent =
          block.tracing_cpu_percent.value_or(defaults.tracing_cpu_percent),
      .tracing_overhead =
          block.tracing_overhead.value_or(defaults.tracing_overhead),
      .tracing_process = block.tracing_process,
  };
}

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_
