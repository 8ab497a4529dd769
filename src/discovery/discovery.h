#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/candidate.h"
#include "discovery/change_feed.h"
#include "discovery/descendants.h"
#include "discovery/listing.h"
#include "discovery/match.h"
#include "discovery/name_template.h"
#include "discovery/selectors.h"
#include "discovery/series_table.h"
#include "discovery/users.h"
#include "procfs/problem.h"
#include "procfs/procfs.h"
#include "store/process_store.h"

namespace resource_attribution::discovery {

/// What discovery has to know of a service.
struct Target {
  std::string name;  ///< may hold placeholders
  const Selectors* selectors = nullptr;
  size_t max_instances = 0;
  /// Which of the processes that match are not traced; null: not said.
  const Selectors* untraced = nullptr;
};

/// Finds the processes of all services in each pass. Not thread-safe.
///
/// Services whose candidates are listed (Self, PIDFile, Cgroup, SystemdUnit)
/// look at these and no others. For the rest, and for descendants, either all
/// of /proc is scanned in each pass, or process events tell which processes
/// could have changed and only these are looked at; see ChangeFeed.
class Discovery {
 public:
  /// The selectors have to outlive this. `mounts` is as for Cgroups.
  Discovery(const std::vector<Target>& targets, std::string mounts);

  /// Whether there is a service for which processes have to be searched.
  bool Searches() const {
    return !searching_services_.empty() || !family_services_.empty();
  }

  /// From now on reads from each process in which cgroup it is, rather than
  /// from the kernel's lists of processes. For a procfs that is not of the
  /// daemon's own PID namespace, of which these lists have the PIDs.
  void SearchCgroups();

  /// From now on, goes by events where it would scan.
  void UseEvents(kernel::ProcessEvents events) {
    changes_.UseEvents(std::move(events));
  }

  /// Brings `table` and the matches up to date: exactly the processes that
  /// match something are watched. Throws procfs::PassFailed; the next pass
  /// scans everything then.
  void Find(const procfs::Procfs& proc,
            std::chrono::steady_clock::time_point now,
            store::ProcessStore& table);

  /// Sorted by PID and then by service, each pair once.
  const std::vector<Match>& matches() const { return matches_; }

  const SeriesTable& series() const { return series_; }

  /// What may keep processes from being found for `service`.
  const procfs::Problem& Problem(size_t service) const;

  /// What keeps untraced processes of `service` from being found, which then
  /// count as traced.
  const procfs::Problem& UntracedProblem(size_t service) const {
    return services_[service].untraced_problem;
  }

  /// How many processes of `service` were left out, since all were looked at
  /// last, because it has as many series as it may.
  size_t Refused(size_t service) const { return services_[service].refused; }

  /// The same, because it made as many new series as it may in this hour.
  size_t RefusedNew(size_t service) const {
    return services_[service].refused_new;
  }

 private:
  struct ServiceState {
    const Selectors* selectors = nullptr;
    NameTemplate name;
    std::optional<size_t> series;    // where the name has no placeholders
    Claim claim = Claim::kSearched;  // of its names where it has
    size_t max_instances = 0;
    bool is_listed = false;   // its candidates are
    procfs::Problem problem;  // of its processes, since all were looked at
    procfs::Problem listing_problem;  // of its lists, this pass
    procfs::Problem name_problem;  // a name that another service has, this pass
    std::optional<size_t> refused_series;  // the series of that name
    const Selectors* untraced = nullptr;
    std::vector<CgroupMember> untraced_list;  // on its lists, this pass
    procfs::Problem untraced_problem;
    size_t refused = 0;      // since all were looked at
    size_t refused_new = 0;  // likewise
  };
  // What one call of Find works on.
  struct Pass {
    const procfs::Procfs& proc;
    store::ProcessStore& table;
    ChangeFeed::Plan& plan;
  };
  using Services = std::span<const size_t>;  // indices, ascending

  void ChooseCandidates();
  void MatchAll(const Pass& pass);
  void KeepMatches(const Pass& pass);
  void MatchListed(const Pass& pass);
  void Search(const Pass& pass);
  bool IsProcess(const Pass& pass, pid_t pid);
  void LookAt(const Pass& pass, pid_t pid, Services services,
              std::string_view cgroup);
  store::Record* ReadWatched(const Pass& pass, pid_t pid);
  void NoteParent(Candidate& candidate);
  Services ServicesThatMatch(Candidate& candidate, Services services);
  bool Watch(const Pass& pass, const procfs::Process& process,
             Services services);
  void AddMatches(Candidate& candidate, Services services);
  std::optional<size_t> SeriesOf(Candidate& candidate, size_t index);
  void SettleClaims();
  std::string ProblemOfName(size_t rival, const std::string& name,
                            Claim claim) const;
  static bool TakeNote(const procfs::Error& error, pid_t pid,
                       procfs::Problem& problem);
  bool TakeNote(const procfs::Error& error, pid_t pid, Services services);
  void LeaveOut(const procfs::Error& error, pid_t pid, Services services);
  bool MissesDescendants(const Pass& pass) const;
  void NoteParents(const Pass& pass);
  void AddDescendants(const Pass& pass);
  bool WatchDescendant(const Pass& pass, const Descendant& one);
  void MarkUntraced(const Pass& pass);
  bool ListsUntraced(const ServiceState& service) const;
  void ListUntraced(const Pass& pass, ServiceState& service);
  bool IsUntraced(const Pass& pass, const Match& match);
  void EndPass(const Pass& pass, std::chrono::steady_clock::time_point now);

  std::vector<ServiceState> services_;
  std::vector<size_t> listing_services_;
  std::vector<size_t> searching_services_;
  std::vector<size_t> family_services_;  // those that include children
  bool lists_cgroups_ = true;
  SeriesTable series_;
  Users users_;
  Listing listing_;
  ChangeFeed changes_;
  bool refused_one_ = false;  // a series, since all were looked at
  std::vector<Match> matches_;

  // This pass; kept for their memory.
  std::vector<Match> next_matches_;
  std::vector<Parenthood> parents_;
  std::vector<Match> ancestors_;
  std::vector<Descendant> descendants_;
  std::vector<CgroupMember> members_;
  std::vector<size_t> matching_;
  std::vector<bool> used_;
  std::vector<size_t> refused_;  // series whose name another service has
  std::string name_;
  Candidate::Buffers buffers_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
