#ifndef RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_
#define RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "discovery/selectors.h"
#include "procfs/procfs.h"

namespace resource_attribution {

// The initial values of the fields are the defaults of the options;
// config/option_table.cc says which values are valid.

/// What 100 percent of CPU means.
enum class CpuPercentOf {
  kCore,  ///< one CPU
  kHost,  ///< all online CPUs
};

/// How the plugin finds processes.
enum class DiscoveryMode {
  kAuto,    ///< by events where the kernel allows it
  kEvents,  ///< by events or not at all
  kScan,    ///< by scanning /proc in each pass
};

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
  kThreads,   ///< CPU: the threads that trace; memory: the constant
  kCompared,  ///< the traced processes less the untraced ones
};

/// A part of a process: the threads whose name matches any of the expressions.
struct Component {
  std::string name;
  discovery::Expressions threads;
};

/// The least and the greatest of the ratios of traces that are sampled.
struct SamplingRatios {
  double least = 0;
  double greatest = 0;  ///< also the one to return to
};

/// How the plugin controls the sampling of a service: its `<Sampling>` block.
struct Sampling {
  std::string service;  ///< `service.name` of its traces; empty: the block's
  double max_cpu_share = 0;  ///< percent of the CPU that tracing may take
  SamplingRatios ratios;

  /// The shortest time between two changes of the ratio. SDKs ask once a
  /// minute.
  double step_seconds = 180;
};

/// What the plugin does about sampling.
enum class SamplingMode {
  kObserve,  ///< says what it would do
  kAct,      ///< writes the files
};

/// Where the plugin writes sampling ratios.
struct SamplingFiles {
  std::string strategies;  ///< empty: no such file
  std::string answers;     ///< a directory; empty: no answers
  /// What the strategies say of other services. Jaeger's default.
  double other_ratio = 0.001;
};

/// A service, as a `<Process>` block describes it: its processes, and the name
/// under which they are reported. It includes the options that the block
/// inherits from the plugin.
struct Service {
  std::string name;  ///< may hold placeholders, see discovery::NameTemplate
  discovery::Selectors selectors;

  MemoryType memory_type = MemoryType::kRss;
  PeakMemory peak_memory = PeakMemory::kVmPeak;
  double tracing_memory_percent = 1.5;  ///< of the memory
  double tracing_cpu_percent = 0.5;     ///< for each process
  TracingOverhead tracing_overhead = TracingOverhead::kEstimate;

  /// Its processes are there for tracing only: all that they use is overhead.
  bool tracing_process = false;

  size_t max_instances = 256;  ///< names that placeholders may produce

  /// Reports processes one by one instead of as a sum: the `max_processes` with
  /// the most resident memory.
  bool per_process = false;
  size_t max_processes = 64;

  bool tracing_detect = false;  ///< whether its processes are traced

  /// Passes that a comparison and <Sampling> average over.
  size_t compare_window = 10;

  /// Which of its processes are not traced, if the administrator says so.
  std::optional<discovery::Selectors> untraced;

  /// Names of the threads that trace; empty: the known names.
  discovery::Expressions tracing_threads;

  /// Remote TCP ports to which the processes export traces.
  std::vector<uint16_t> tracing_export_ports;

  std::vector<Component> components;
  std::optional<Sampling> sampling;

  /// A comparison without `untraced` needs to detect which processes are
  /// traced.
  bool DetectsTracing() const {
    return tracing_detect ||
           (tracing_overhead == TracingOverhead::kCompared && !untraced);
  }
};

/// All `<Plugin resource_attribution>` blocks together, validated.
struct Config {
  bool enabled = true;
  /// Seconds between two passes; none: those of the <LoadPlugin> block if they
  /// are not collectd's global ones, or else the default.
  std::optional<double> interval_seconds;
  static constexpr double kDefaultIntervalSeconds = 60;
  std::string proc_path = "/proc";
  /// Which process the collectd daemon is, seen from the one with the passes.
  procfs::Daemon daemon = procfs::Daemon::kThisProcess;
  DiscoveryMode discovery = DiscoveryMode::kAuto;
  /// How many descriptors may be kept, if RLIMIT_NOFILE allows.
  size_t max_open_files = 16384;
  CpuPercentOf cpu_percent_of = CpuPercentOf::kCore;
  SamplingMode sampling_mode = SamplingMode::kObserve;
  SamplingFiles sampling_files;
  std::vector<Service> services;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_CONFIG_CONFIG_H_
