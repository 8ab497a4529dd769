#ifndef RESOURCE_ATTRIBUTION_EXPORT_TRAFFIC_H_
#define RESOURCE_ATTRIBUTION_EXPORT_TRAFFIC_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attribution/traffic_account.h"
#include "procfs/instant.h"
#include "procfs/procfs.h"
#include "procfs/result.h"
#include "sockets/tcp_sockets.h"

namespace resource_attribution {

/// What the processes of each block send and receive over TCP connections to
/// the block's ports, pass by pass; see attribution::TrafficAccount for what is
/// counted.
///
/// A pass costs one listing of the sockets to any of the ports. The descriptors
/// of a process are listed when it is new, and those of all when there is a new
/// socket, whoever opened it: only they tell whose a socket is.
///
/// Not thread-safe.
class ExportTraffic {
 public:
  using Member = attribution::Member;
  using Totals = attribution::Traffic;

  /// Blocks without ports have no traffic.
  explicit ExportTraffic(std::vector<std::vector<uint16_t>> ports_by_block);

  /// One pass over those who belong to the blocks now, in any order; members of
  /// blocks without ports are passed over. `begun` is when the pass began,
  /// before it looked who is running. `ticks_per_second` is
  /// sysconf(_SC_CLK_TCK).
  ///
  /// It fails if the daemon is out of descriptors or memory, or if the kernel
  /// does not list the sockets. Then nothing changes but the problems, and the
  /// next pass goes on from the last one that did not fail. A process that
  /// cannot be read is left out, and its blocks have a problem.
  procfs::Result<void> Pass(const procfs::Procfs& proc,
                            std::span<const Member> members,
                            const procfs::Instant& begun,
                            double ticks_per_second);

  /// Bytes since the instance was first seen. They stay while its processes
  /// come and go. None when it never had a process whose sockets can be seen,
  /// or has some and can see those of none.
  std::optional<Totals> Of(size_t instance) const;

  /// Has to be called before the number is given to another instance.
  void Forget(size_t instance) { account_.Forget(instance); }

  /// What keeps traffic out of the totals of a block, for people; empty when
  /// nothing does.
  const std::string& Problem(size_t block) const { return problems_[block]; }

  /// A process of the block that has this problem; 0 where it is not of one.
  pid_t ProblemProcess(size_t block) const { return problem_processes_[block]; }

 private:
  // Whether the sockets of a process can be seen.
  enum class Sight { kSeen, kDenied, kElsewhere, kUnread };

  struct Unseen {
    procfs::ProcessId process{};
    Sight sight = Sight::kDenied;
    procfs::Error error{};  // why it was not read
  };

  using Members = std::span<const Member>;  // of one process

  void TakeMembers(std::span<const Member> members);
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

  const std::vector<std::vector<uint16_t>> ports_by_block_;
  sockets::TcpSockets tcp_sockets_;
  attribution::TrafficAccount account_;
  std::optional<ino_t> own_namespace_;    // the network namespace
  std::vector<std::string> problems_;     // of each block
  std::vector<pid_t> problem_processes_;  // likewise

  // Of the last pass.
  std::vector<Unseen> unseen_;            // sorted by process
  std::vector<size_t> seen_instances_;    // that have a member in sight, sorted
  std::vector<size_t> unseen_instances_;  // that have one out of sight, sorted

  // Of this pass; kept for their memory.
  std::vector<Member> members_;  // sorted
  std::vector<Member> seen_;     // those in sight, sorted
  std::vector<sockets::TcpSocket> sockets_;
  std::vector<attribution::Holding> holdings_;
  std::vector<Unseen> next_unseen_;
  std::vector<ino_t> inodes_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_EXPORT_TRAFFIC_H_
