#ifndef RESOURCE_ATTRIBUTION_SAMPLER_H_
#define RESOURCE_ATTRIBUTION_SAMPLER_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attribution/reading.h"
#include "attribution/values.h"
#include "config.h"
#include "discovery/discovery.h"
#include "procfs/process_table.h"
#include "procfs/procfs.h"

namespace resource_attribution {

/// What one pass says of one block besides its values.
struct BlockReport {
  /// How many processes belong to it and could be read.
  size_t processes = 0;

  /// What may have kept processes out of the values, for people; empty when
  /// nothing did.
  std::string problem;

  /// Why its memory is Rss although Pss is configured; empty when it is not.
  /// Once refused, Pss is not asked for again.
  std::string pss_refused;

  /// Processes left out because the block has as many instances as it may.
  size_t refused_by_instances = 0;

  /// It has more processes than are reported one by one.
  bool exceeds_max_processes = false;
};

/// Values as they are reported: of the processes of an instance together, or of
/// one of them.
struct InstanceReport {
  std::string_view instance;  ///< valid until the next pass
  std::optional<pid_t> pid;   ///< of which process, where they are not a sum
  attribution::Values values;
};

/// What one pass says.
struct PassReport {
  std::vector<BlockReport> blocks;  ///< in the order of the configuration
  std::vector<InstanceReport> instances;
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

  /// Under which name a match is reported.
  std::string_view NameOf(const discovery::Match& match) const {
    return discovery_.instances()[match.instance].name;
  }

 private:
  using Matches = std::span<const discovery::Match>;  // of one process

  // A process of a block that reports its processes one by one.
  struct Single {
    discovery::Match match;
    attribution::Reading reading;
    std::optional<double> cpu_percent;
  };

  procfs::Result<void> OpenProc();
  procfs::Result<discovery::ProcessEvents> SubscribeToEvents();
  procfs::Result<attribution::Reading> Read(procfs::WatchedProcess& process,
                                            Matches matches);
  procfs::Result<void> AddPss(Matches matches, attribution::Reading& reading);
  bool WantsPss(size_t block) const;
  void Add(const attribution::Reading& reading,
           std::optional<double> cpu_percent, Matches matches);
  void Report(PassReport& report);
  void ReportSingles(PassReport& report);

  const Config config_;
  const procfs::Clock clock_;
  const double ticks_per_second_;
  const std::chrono::duration<double> shortest_measurement_;
  std::vector<attribution::Options> options_;  // of each block
  std::vector<std::string> pss_refused_;       // likewise
  discovery::Discovery discovery_;
  procfs::ProcessTable table_;
  std::optional<procfs::Procfs> proc_;
  attribution::Snapshot previous_;
  attribution::Snapshot current_;

  // Of this pass; kept for their memory.
  std::optional<double> host_cpus_;
  std::vector<attribution::BlockSum> sums_;  // of each instance
  std::vector<Single> singles_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_SAMPLER_H_
