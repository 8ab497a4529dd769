#ifndef RESOURCE_ATTRIBUTION_SAMPLER_H_
#define RESOURCE_ATTRIBUTION_SAMPLER_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attribution/reading.h"
#include "attribution/values.h"
#include "block_tracing.h"
#include "config/config.h"
#include "discovery/discovery.h"
#include "export_traffic.h"
#include "notice.h"
#include "procfs/process_table.h"
#include "procfs/procfs.h"
#include "tracing_detector.h"

namespace resource_attribution {

/// Values as they are reported: of the processes of an instance together, or of
/// one of them.
struct InstanceReport {
  std::string_view instance;  ///< valid until the next pass
  std::optional<pid_t> pid;   ///< of which process, where they are not a sum
  attribution::Values values;
};

/// CPU of a component of an instance.
struct ComponentReport {
  std::string_view instance;   ///< valid until the next pass
  std::string_view component;  ///< likewise
  double cpu_percent = 0;
};

/// What one pass says.
struct PassReport {
  /// How many processes belong to each service and could be read.
  std::vector<size_t> processes;
  std::vector<Notice> notices;
  std::vector<InstanceReport> instances;
  std::vector<ComponentReport> components;

  /// The notice of that kind; null where there is none.
  const Notice* Find(size_t service, Notice::Kind kind) const;

  /// Adds a notice, unless the service has one of that kind.
  void Add(Notice notice);
};

/// Reads the clocks.
procfs::Instant Now();

/// Samples the processes of all configured blocks, pass by pass.
///
/// Not thread-safe: collectd never runs a read callback twice at once.
class Sampler {
 public:
  /// `clock` is read at the beginning of a pass and for each process.
  explicit Sampler(Config config, procfs::Clock clock = Now);

  // Discovery refers to the selectors in config_.
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  const Config& config() const { return config_; }

  /// Decides once, before the first pass, how processes are searched. Returns
  /// how and why, for people. Fails where events are demanded and impossible.
  procfs::Result<std::string> ChooseDiscovery();

  /// The PID of a process and its command name, which may hold any bytes.
  std::string DescribeProcess(pid_t pid);

  /// Whether procfs hides the processes of other users from the daemon. False
  /// while it is not mounted.
  bool HidesProcesses();

  /// One pass: finds the processes of every block, reads each once, adds up and
  /// fills the report. When it fails, nothing has values and the next pass goes
  /// on from the last one that did not.
  procfs::Result<void> Pass(PassReport& report);

  /// Who was found in the last pass, sorted by PID and then by block.
  const std::vector<discovery::Match>& matches() const {
    return discovery_.matches();
  }

  /// Whether it was seen in the last pass that a process is traced; null where
  /// nobody asked.
  const TracingDetector::Seen* TracingOf(pid_t pid) const {
    return detector_.Find(pid);
  }

  /// Whether `<Untraced>` of a block selects the process.
  bool IsSelectedAsUntraced(pid_t pid, size_t block) const;

  /// Under which name a match is reported.
  std::string_view NameOf(const discovery::Match& match) const {
    return discovery_.instances()[match.instance].name;
  }

 private:
  using Matches = std::span<const discovery::Match>;  // of one process
  using NextMatch = std::vector<discovery::Match>::const_iterator;

  // A process of a block that reports its processes one by one.
  struct Single {
    discovery::Match match;
    attribution::Reading reading;
    std::optional<double> cpu_percent;
    attribution::ProcessTracing tracing;
  };

  procfs::Result<void> OpenProc();
  procfs::Result<discovery::ProcessEvents> SubscribeToEvents();
  std::pair<Matches, Matches> TakeMatches(pid_t pid, NextMatch& next) const;
  procfs::Result<attribution::Reading> Read(procfs::WatchedProcess& process,
                                            Matches matches);
  procfs::Result<void> AddPss(Matches matches, attribution::Reading& reading);
  bool WantsPss(size_t block) const;
  procfs::Result<void> MeasureTracing(const BlockTracing::Pass& pass,
                                      const procfs::WatchedProcess& process,
                                      Matches matches, Matches untraced,
                                      PassReport& report);
  procfs::Result<attribution::TracingState> StateOf(
      const procfs::WatchedProcess& process, size_t block, Matches untraced,
      PassReport& report);
  void Add(const BlockTracing::Pass& pass, const attribution::Reading& reading,
           std::optional<double> cpu_percent, Matches matches);
  void AddComponents(const BlockTracing::Pass& pass,
                     const discovery::Match& match);
  void ForgetTraffic();
  bool MeasureTraffic();
  void Report(PassReport& report, bool has_traffic);
  void ReportSums(PassReport& report, bool has_traffic);
  void ReportValues(size_t instance, std::optional<pid_t> pid,
                    const attribution::Values& values, PassReport& report);
  void ReportSingles(PassReport& report);
  void ReportComponents(PassReport& report);
  void AddNotices(size_t service, PassReport& report) const;
  void AddMeasuringNotices(size_t service, PassReport& report) const;
  void FallBackToRss(size_t service);

  const Config config_;
  const procfs::Clock clock_;
  const double ticks_per_second_;
  const std::chrono::duration<double> shortest_measurement_;
  std::vector<attribution::Options> options_;  // of each block
  std::vector<std::string> pss_refused_;       // likewise
  std::vector<pid_t> pss_refused_process_;     // likewise
  std::vector<BlockTracing> block_tracing_;    // likewise
  // Of the blocks whose untraced processes have selectors of their own. These
  // stand in this order behind the blocks among the targets of discovery.
  std::vector<size_t> blocks_with_untraced_;
  const size_t most_components_;                 // of a block
  std::optional<ExportTraffic> export_traffic_;  // where a block asks for it
  discovery::Discovery discovery_;
  TracingDetector detector_;
  procfs::ProcessTable table_;
  std::optional<procfs::Procfs> proc_;
  attribution::Snapshot previous_;
  attribution::Snapshot current_;

  // Of this pass; kept for their memory.
  std::optional<double> host_cpus_;
  std::vector<attribution::BlockSum> sums_;  // of each instance
  std::vector<Single> singles_;
  std::vector<attribution::ProcessTracing> tracing_;  // of each match
  // Of each component of each instance, these side by side.
  std::vector<std::optional<double>> component_cpu_;
  std::vector<attribution::Member> members_;  // of blocks with export ports
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_SAMPLER_H_
