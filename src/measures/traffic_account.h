#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_ACCOUNT_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_ACCOUNT_H_

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kernel/tcp_socket.h"
#include "measures/report.h"
#include "procfs/instant.h"
#include "procfs/process.h"

namespace resource_attribution::measures {

/// A process that belongs to a series of a service.
struct Member {
  procfs::ProcessId process{};
  size_t service = 0;
  size_t series = 0;

  auto operator<=>(const Member&) const = default;
};

/// A process that holds a socket.
struct Holding {
  ino_t inode = 0;  ///< of the socket
  procfs::ProcessId process{};

  auto operator<=>(const Holding&) const = default;
};

/// What the processes of each series sent and received over their sockets to
/// the ports of its service, since it was first seen.
///
/// A socket that was opened since the previous pass counts from zero, if a
/// process holds it that was a member then or has started since. Any other
/// counts from when it was found with the series. It counts once, by however
/// many processes it is held, and goes on to count when it is closed and still
/// sends, until it ends.
///
/// A socket that ends before a pass sees it counts if the process that opened
/// it is known. Otherwise its bytes belong to no series. The same holds for one
/// that a pass saw, but that may have been closed before the pass looked who
/// holds it.
///
/// Pure arithmetic over what was listed. Not thread-safe.
class TrafficAccount {
 public:
  explicit TrafficAccount(std::vector<std::vector<uint16_t>> ports_by_service);

  /// Whether there is a socket whose holders are not known yet. If so,
  /// the holdings of all members are needed to add the pass, otherwise those of
  /// new members. `sockets` are by cookie, ascending, each once.
  bool HasUnknown(std::span<const kernel::TcpSocket> sockets) const;

  /// Whether this was a member in the pass that was added last.
  bool WasMember(const Member& member) const;

  /// A socket that ended, with its last figures.
  struct Ended {
    kernel::TcpSocket socket{};
    std::optional<procfs::ProcessId> opened_by{};  ///< none: unknown
  };

  /// What was listed in one pass.
  struct Pass {
    procfs::Instant begun;  ///< before it looked who is running
    std::span<const kernel::TcpSocket> sockets;  ///< as for HasUnknown
    std::span<const Member> members;             ///< sorted, each once
    std::span<const Holding> holdings;           ///< sorted

    /// The sockets that ended since the previous pass, or while the others were
    /// listed: by cookie, ascending, each once.
    std::span<const Ended> ended{};
    bool has_all_ended = false;  ///< all of them are there
  };

  /// Adds a pass. `ticks_per_second` is sysconf(_SC_CLK_TCK). Unless memory ran
  /// out it is added whole, and then not at all.
  void Add(const Pass& pass, double ticks_per_second);

  /// Whether a pass without members has nothing to add.
  bool IsIdle() const { return members_.empty() && claims_.empty(); }

  /// Takes note of a pass without members while idle; no socket was listed.
  void AddIdle(const procfs::Instant& begun, bool has_all_ended);

  /// None while no pass knows a connection of the series and others may have
  /// come and gone.
  std::optional<Traffic> Of(size_t series) const;

  /// Bytes in both directions, by port, of sockets that ended before a pass saw
  /// them and that an unknown process had opened. Has all ports.
  const std::map<uint16_t, uint64_t>& unknown() const { return unknown_; }

  /// Forgets a series. The number may be that of another one then.
  void Forget(size_t series);

 private:
  using Socket = kernel::TcpSocket;

  // A socket as it was seen last.
  struct Known {
    uint64_t cookie = 0;
    Traffic traffic{};
    bool missed = false;  // not listed in the last pass

    // It may have been closed before a pass looked who holds it: how many
    // passes ago it was found. None: no member held it while it was open, or
    // one was found.
    std::optional<int> unheld_since{};
  };

  // A member that holds a socket.
  struct Claim {
    uint64_t cookie = 0;
    size_t series = 0;
    Member member{};

    auto operator<=>(const Claim&) const = default;
  };
  using Claims = std::span<const Claim>;  // of one socket

  struct Total {
    size_t service = 0;
    Traffic traffic{};
    bool has_connection = false;  // or had
  };

  // What a pass adds to a series.
  struct Addition {
    size_t series = 0;
    Traffic traffic{};
  };

  // What Add does with each socket.
  void Begin(const Socket& socket, const Pass& pass, double ticks_per_second);
  void Continue(const Socket& socket, const Known& known, Claims claims,
                const Pass& pass);
  void CarryOver(const Known& known, Claims claims);
  void End(const Ended& ended, const Pass& pass, double ticks_per_second);
  void EndUnheld(const Ended& ended, int passes, const Pass& pass,
                 double ticks_per_second);
  void ForgetEnded(std::span<const Ended> ended);
  void NoteLoss(bool has_all_ended);
  bool MayHaveMissed(size_t service) const;

  // Takes the claims of one socket off the front of those of the last pass.
  static Claims TakeClaims(Claims& claims, uint64_t cookie);

  Claims ClaimByHoldings(const Socket& socket, const Pass& pass, size_t first);
  bool HasPort(const Member& member, const Socket& socket) const;
  bool HasOpened(const Member& member, double ticks_per_second) const;

  // Calls `take` with the claims of each series, of claims to one socket.
  static void ForEachSeries(Claims claims, auto take);

  std::vector<std::vector<uint16_t>> ports_by_service_;  // each sorted
  std::map<size_t, Total> totals_;                       // by series
  std::map<uint16_t, uint64_t> unknown_;                 // by port

  // Whether sockets may have ended without notice, since the beginning; and for
  // how many passes more the account may have sockets that are gone.
  bool lost_some_ = false;
  int doubtful_passes_ = 0;

  // The last pass: sockets by cookie, the claims to them, sorted, and members.
  std::optional<procfs::Instant> begun_;
  std::vector<Known> known_;
  std::vector<Claim> claims_;
  std::vector<Member> members_;
  std::vector<Member>
      newcomers_;  // members that are older than the pass before

  // The same of the pass that is being added; kept for their memory.
  std::vector<Known> next_known_;
  std::vector<Claim> next_claims_;
  std::vector<Member> next_members_;
  std::vector<Member> next_newcomers_;
  std::vector<Addition> additions_;
  std::vector<std::pair<uint16_t, uint64_t>> unknown_additions_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRAFFIC_ACCOUNT_H_
