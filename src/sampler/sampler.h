#ifndef RESOURCE_ATTRIBUTION_SAMPLER_SAMPLER_H_
#define RESOURCE_ATTRIBUTION_SAMPLER_SAMPLER_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "discovery/discovery.h"
#include "measures/export_traffic.h"
#include "measures/measure.h"
#include "measures/measures_of.h"
#include "measures/report.h"
#include "procfs/procfs.h"
#include "store/process_store.h"

namespace resource_attribution {

/// Reads the clocks.
procfs::Instant Now();

/// Samples the processes of all services, pass by pass.
///
/// Not thread-safe: it runs in the sampler process, which has one thread.
class Sampler {
 public:
  /// `clock` is read at the beginning of a pass and for each process.
  explicit Sampler(Config config, procfs::Clock clock = Now);

  // Discovery and measures refer to config_.
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  const Config& config() const { return config_; }

  /// Decides once, before the first pass, how processes are searched. Returns
  /// how and why, for people. Fails where events are demanded and impossible.
  procfs::Result<std::string> ChooseDiscovery();

  /// Asks the kernel to tell of connections that end, if a service counts its
  /// export traffic. Needs more privileges than passes do. Returns what is
  /// counted, for people; empty if a notice of each pass says it.
  std::string WatchConnections() { return traffic_ ? traffic_->Watch() : ""; }

  /// Reads nothing of these from the next pass on.
  void PassOver(procfs::PassedOver passed_over);

  /// The PID of a process and its command name, which may hold any bytes.
  std::string DescribeProcess(pid_t pid);

  /// Whether procfs hides the processes of other users from the daemon. False
  /// while it is not mounted.
  bool HidesProcesses();

  /// One pass: finds the processes of every service, reads each once, measures
  /// and fills the report. When it fails, nothing has values and the next pass
  /// goes on from the last one that did not.
  procfs::Result<void> Pass(PassReport& report);

  /// The procfs that passes read; null while none is mounted.
  const procfs::Procfs* proc() const { return proc_ ? &*proc_ : nullptr; }

  /// The matches of the last pass, sorted by PID and then by service.
  const std::vector<discovery::Match>& matches() const {
    return discovery_.matches();
  }

  /// What is known of a process that matched in the last pass; null when it did
  /// not.
  const store::Record* Find(pid_t pid) const { return store_.Find(pid); }

  /// Under which name a match is reported.
  std::string_view NameOf(const discovery::Match& match) const {
    return discovery_.series()[match.series].name;
  }

 private:
  using Matches = std::span<const discovery::Match>;  // of one process

  // A service, what is measured of it, and its series in this pass.
  struct ServiceState {
    const Service& options;
    measures::Measures measures;
    std::vector<SeriesReport> series;
  };

  // A process of this pass that was read whole.
  struct Member {
    const store::Record* record;
    Matches matches;
  };

  procfs::Result<void> OpenProc();
  procfs::Result<kernel::ProcessEvents> SubscribeToEvents();
  measures::Pass BeginPass();
  void Find(const measures::Pass& pass);
  void Read(const measures::Pass& pass, PassReport& report);
  procfs::Result<void> Read(const measures::Pass& pass, store::Record& record,
                            Matches matches);
  void Measure(const measures::Pass& pass, PassReport& report);
  size_t SeriesOf(const discovery::Match& match, ServiceState& state);
  void Report(const measures::Pass& pass, PassReport& report);
  void AddDiscoveryNotices(size_t service, PassReport& report) const;
  void AddRefusedNotice(size_t service, PassReport& report) const;
  void KeepLargest(size_t service, PassReport& report);

  const Config config_;
  const procfs::Clock clock_;
  const double ticks_per_second_;
  const std::chrono::duration<double> shortest_measurement_;
  procfs::PassedOver passed_over_;
  std::optional<procfs::Procfs> proc_;
  discovery::Discovery discovery_;
  store::ProcessStore store_;
  std::optional<measures::ExportTraffic> traffic_;       // where a service asks
  std::optional<measures::TracingDetection> detection_;  // likewise
  std::vector<ServiceState> services_;

  // This pass; kept for their memory.
  std::vector<Member> members_;
  std::vector<size_t> series_by_name_;  // in its service; kNone: none yet
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_SAMPLER_SAMPLER_H_
