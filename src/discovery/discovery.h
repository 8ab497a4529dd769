#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_

#include <chrono>
#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/candidate.h"
#include "discovery/instances.h"
#include "discovery/listing.h"
#include "discovery/name_template.h"
#include "discovery/process_events.h"
#include "discovery/selectors.h"
#include "discovery/users.h"
#include "procfs/process_table.h"
#include "procfs/procfs.h"

namespace resource_attribution::discovery {

/// What discovery has to know of a block.
struct Target {
  std::string name;  ///< may hold placeholders
  const Selectors* selectors = nullptr;
  size_t max_instances = 0;
};

/// A process belongs to a block.
struct Match {
  pid_t pid = 0;
  size_t block = 0;     ///< index into the targets
  size_t instance = 0;  ///< under which it is reported, index into instances()
  bool inherited = false;  ///< only because its parent does

  auto operator<=>(const Match&) const = default;
};

/// Finds the processes of all blocks in each pass. Not thread-safe.
///
/// Blocks whose candidates are listed (Self, PIDFile, Cgroup, SystemdUnit) look
/// at these and no others. For the rest, and for descendants, either all of
/// /proc is scanned in each pass, or process events tell which processes could
/// have changed and only these are looked at.
///
/// Two things are not told by events: that a process rewrites its command line
/// in place, and that it is moved to another cgroup. Processes do so soon after
/// they start. Therefore a process that an event names is looked at again, each
/// time when twice as long has gone by since, for a minute; and once an hour
/// all processes are looked at. Where no block asks for these two, that is done
/// every six hours.
class Discovery {
 public:
  /// The selectors have to outlive this. `mounts` is as for Cgroups.
  Discovery(const std::vector<Target>& targets, std::string mounts);

  /// Whether there is a block for which processes have to be searched.
  bool Searches() const {
    return !searching_blocks_.empty() || !family_blocks_.empty();
  }

  /// From now on reads from each process in which cgroup it is, rather than
  /// from the kernel's lists of processes. For a procfs that is not of the
  /// daemon's own PID namespace, of which these lists have the PIDs.
  void SearchCgroups();

  /// From now on, goes by events where it would scan.
  void UseEvents(ProcessEvents events) { events_.emplace(std::move(events)); }

  /// Brings `table` and the matches up to date: exactly the processes that
  /// match something are watched. Fails only where the pass cannot tell who is
  /// running: /proc cannot be listed, or the daemon is out of descriptors or
  /// memory; then the next one scans everything.
  procfs::Result<void> Find(const procfs::Procfs& proc,
                            std::chrono::steady_clock::time_point now,
                            procfs::ProcessTable& table);

  /// Sorted by PID and then by block, each pair once.
  const std::vector<Match>& matches() const { return matches_; }

  const Instances& instances() const { return instances_; }

  /// What may keep processes from being found for `block`, for people; empty
  /// when nothing does. Holds no PID, so that a lasting problem reads the same
  /// in every pass.
  const std::string& Problem(size_t block) const {
    const Block& one = blocks_[block];
    return one.listing_problem.empty() ? one.problem : one.listing_problem;
  }

  /// A process that has this problem; 0 where it is not of a process.
  pid_t ProblemProcess(size_t block) const {
    const Block& one = blocks_[block];
    return one.listing_problem.empty() ? one.problem_process : 0;
  }

  /// How many processes of `block` were left out, since all were looked at
  /// last, because it has as many instances as it may.
  size_t Refused(size_t block) const { return blocks_[block].refused; }

 private:
  struct Block {
    const Selectors* selectors = nullptr;
    NameTemplate name;
    std::optional<size_t> instance;  // where the name has no placeholders
    size_t max_instances = 0;
    bool is_listed = false;       // its candidates are
    std::string problem;          // of its processes, since all were looked at
    pid_t problem_process = 0;    // one of those that have it
    std::string listing_problem;  // of its lists, this pass
    size_t refused = 0;           // since all were looked at
  };
  struct Child {
    pid_t parent = 0;
    pid_t pid = 0;
  };
  using TimePoint = std::chrono::steady_clock::time_point;
  // A process that may still change without an event.
  struct Recent {
    pid_t pid = 0;
    TimePoint named;     // by an event
    TimePoint look_due;  // at which it is looked at again
  };
  // Of one Find.
  struct Pass {
    const procfs::Procfs& proc;
    procfs::ProcessTable& table;
    bool everything;  // is looked at, or else what events name
  };

  void ChooseCandidates();
  bool HasToLookAtEverything(TimePoint now);
  void NameWhoMayHaveChanged(TimePoint now);
  procfs::Result<void> MatchAll(Pass& pass);
  void KeepMatches(Pass& pass);
  procfs::Result<void> MatchListed(Pass& pass);
  procfs::Result<void> Search(Pass& pass);
  procfs::Result<void> LookAt(Pass& pass, pid_t pid,
                              std::span<const size_t> blocks,
                              std::string_view cgroup);
  procfs::Result<procfs::WatchedProcess*> ReadWatched(Pass& pass, pid_t pid);
  procfs::Result<void> Evaluate(Candidate& candidate,
                                std::span<const size_t> blocks);
  procfs::Result<bool> Watch(Pass& pass, const procfs::Process& process,
                             pid_t again, bool is_in_file);
  procfs::Result<void> AddMatches(Candidate& candidate);
  procfs::Result<void> NoteOrFail(const procfs::Error& error, pid_t pid,
                                  std::span<const size_t> blocks);
  procfs::Result<void> NoteOrFail(const procfs::Error& error, pid_t pid,
                                  std::span<const size_t> blocks, pid_t again);
  bool MissesDescendants(Pass& pass) const;
  procfs::Result<void> AddDescendants(Pass& pass);
  procfs::Result<bool> WatchChild(Pass& pass, const Child& child,
                                  const size_t& block);
  void EndPass(procfs::ProcessTable& table);

  std::vector<Block> blocks_;
  std::vector<size_t> listing_blocks_;
  std::vector<size_t> searching_blocks_;
  std::vector<size_t> family_blocks_;  // those that include children
  // Some block asks for what changes without an event.
  bool needs_hourly_scan_ = false;
  bool lists_cgroups_ = true;
  Instances instances_;
  Users users_;
  Listing listing_;
  std::optional<ProcessEvents> events_;

  // Whether what is known is right but for the events since.
  bool up_to_date_ = false;
  bool refused_one_ = false;  // an instance, since all were looked at
  std::optional<std::chrono::steady_clock::time_point> all_looked_at_;
  std::vector<Match> matches_;

  // The processes that may have changed, sorted.
  std::vector<pid_t> named_;
  std::vector<pid_t> again_;  // those that could not be read in this pass
  std::vector<Recent> recent_;
  std::vector<pid_t> gone_;  // those that had ended when they were looked at

  // Of this pass; kept for their memory.
  std::vector<Match> next_matches_;
  std::vector<Child> children_;
  std::vector<pid_t> pids_;
  std::vector<pid_t> drained_;
  std::vector<CgroupMember> members_;
  std::vector<size_t> matching_;
  std::vector<bool> used_;
  std::string name_;
  Candidate::Buffers buffers_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_DISCOVERY_H_
