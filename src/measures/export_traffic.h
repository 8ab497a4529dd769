#ifndef RESOURCE_ATTRIBUTION_MEASURES_EXPORT_TRAFFIC_H_
#define RESOURCE_ATTRIBUTION_MEASURES_EXPORT_TRAFFIC_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/connect_events.h"
#include "kernel/ended_sockets.h"
#include "kernel/tcp_sockets.h"
#include "measures/measure.h"
#include "measures/traffic_account.h"
#include "procfs/problem.h"
#include "procfs/procfs.h"
#include "procfs/result.h"

namespace resource_attribution::measures {

/// What the processes of each service send and receive over TCP connections to
/// the service's ports, pass by pass; see TrafficAccount for what is counted.
///
/// A pass costs one listing of the sockets to any of the ports. The descriptors
/// of a process are listed when it is new, and those of all when there is a new
/// socket, by whichever process: only they tell whose a socket is. The kernel
/// tells of sockets that end, if it was asked to.
///
/// Not thread-safe.
class ExportTraffic {
 public:
  /// Services without ports have no traffic.
  explicit ExportTraffic(std::vector<std::vector<uint16_t>> ports_by_service);

  /// Asks the kernel to tell of sockets that end, and of processes that
  /// connect. `tracefs` as for ConnectEvents. Before the first pass, and before
  /// the process gives up privileges.
  ///
  /// Returns what is counted, for people; empty if ShortConnections says it.
  std::string Watch();
  std::string Watch(const std::vector<std::string>& tracefs);

  /// Begins a pass, to which no process was added yet.
  void Begin() { members_.clear(); }

  /// Adds a process that belongs to a service with ports.
  void Add(const Member& member) {
    if (!ports_by_service_[member.service].empty()) members_.push_back(member);
  }

  /// Ends the pass: counts for the processes that were added. It fails if the
  /// daemon is out of descriptors or memory, or if the kernel does not list the
  /// sockets. Then nothing changes but the problems, and the next pass goes on
  /// from the last one that did not fail. A process that cannot be read is left
  /// out, and its services have a problem.
  procfs::Result<void> Count(const Pass& pass);

  /// Bytes since the series was first seen. They stay while its processes come
  /// and go. None when the pass failed, when no connection of the series is
  /// known and some may have been missed, and when it has processes and the
  /// sockets of none can be seen.
  std::optional<Traffic> Of(size_t series) const;

  /// Has to be called before the number is given to another series.
  void Forget(size_t series) { account_.Forget(series); }

  /// Which connections are not counted, and why, for people; empty if all are.
  const std::string& ShortConnections() const { return short_connections_; }

  /// The ports of the service to which connections have ended whose process is
  /// unknown, for people; empty if there are none.
  std::string UnknownPorts(size_t service) const;

  /// The bytes of these connections until now.
  uint64_t UnknownBytes(size_t service) const;

  /// What keeps traffic out of the totals of a service.
  const procfs::Problem& Problem(size_t service) const {
    return problems_[service];
  }

 private:
  // Whether the sockets of a process can be seen.
  enum class Sight { kSeen, kDenied, kElsewhere, kUnread };

  struct Unseen {
    procfs::ProcessId process{};
    Sight sight = Sight::kDenied;
    procfs::Error error{};  // why it was not read
  };

  using Members = std::span<const Member>;  // of one process

  void TakeEnded();
  void TakeConnects(const procfs::Procfs& proc);
  void StopConnects(const procfs::Error& why);
  std::optional<procfs::ProcessId> OpenedBy(uint64_t cookie, const Pass& pass);
  std::optional<uint64_t> StartTimeOf(pid_t pid, const procfs::Procfs& proc);
  void Add(const Pass& pass);
  procfs::Result<void> LookAtMembers(const procfs::Procfs& proc);
  procfs::Result<Sight> SightOf(const procfs::Procfs& proc, Members members,
                                bool look_at_all);
  procfs::Result<Sight> LookAt(const procfs::Procfs& proc,
                               const procfs::ProcessId& id);
  procfs::Result<Sight> SightOf(const procfs::Process& process) const;
  procfs::Result<void> FindOwnNamespace(const procfs::Procfs& proc);
  void Fail(const procfs::Error& error);
  void TellProblems();
  static std::string ProblemOf(const Unseen& unseen);

  const std::vector<std::vector<uint16_t>> ports_by_service_;
  kernel::TcpSockets tcp_sockets_;
  std::optional<kernel::EndedSockets> ended_sockets_;
  std::optional<kernel::ConnectEvents> connects_;
  std::string short_connections_;
  TrafficAccount account_;
  std::optional<ino_t> own_namespace_;     // the network namespace
  std::vector<procfs::Problem> problems_;  // of each service

  bool failed_ = false;

  // Sockets that ended since the last pass that did not fail.
  std::vector<kernel::TcpSocket> ended_;
  bool has_all_ended_ = false;
  bool lost_ended_ = false;  // in any pass

  // The last pass.
  std::vector<Unseen> unseen_;         // sorted by process
  std::vector<size_t> seen_series_;    // that have a member in sight, sorted
  std::vector<size_t> unseen_series_;  // that have one out of sight, sorted

  // This pass; kept for their memory.
  std::vector<Member> members_;  // those of services with ports, sorted
  std::vector<Member> seen_;     // those in sight, sorted
  std::vector<kernel::TcpSocket> sockets_;
  std::vector<Holding> holdings_;
  std::vector<TrafficAccount::Ended> ended_by_cookie_;
  std::vector<std::pair<pid_t, std::optional<uint64_t>>> strangers_;
  std::vector<Unseen> next_unseen_;
  std::vector<ino_t> inodes_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_EXPORT_TRAFFIC_H_
