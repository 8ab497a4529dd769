#ifndef RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKETS_H_
#define RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKETS_H_

#include <libmnl/libmnl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernel/tcp_socket.h"
#include "procfs/result.h"

namespace resource_attribution::kernel {

/// The connected TCP sockets, IPv4 and IPv6, of the daemon's network namespace
/// whose remote port is in a set. They come from the kernel's socket
/// diagnostics, sock_diag(7), CONFIG_INET_DIAG, which need no privilege.
///
/// The kernel selects the sockets and sends only these. It walks once over its
/// whole table of connections.
///
/// Not thread-safe.
class TcpSockets {
 public:
  /// A set of more than 5,461 ports does not fit into a request. Port 0 stands
  /// for the sockets that listen, which have no remote port.
  explicit TcpSockets(const std::vector<uint16_t>& remote_ports);

  /// Fills `sockets`, sorted by cookie, each once. Sockets of which the kernel
  /// keeps only a remainder (TIME_WAIT) are not there. If other sockets are
  /// opened or closed meanwhile, a dump may miss a socket.
  ///
  /// Needs Linux 4.19, which counts the bytes sent, or a kernel with that
  /// change.
  procfs::Result<void> List(std::vector<TcpSocket>& sockets);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  procfs::Result<void> Open();
  procfs::Result<void> DumpWhole(std::vector<TcpSocket>& sockets);
  procfs::Result<bool> Dump(std::vector<TcpSocket>& sockets);

  bool is_empty_;              // the set
  std::vector<char> request_;  // a netlink message
  std::vector<char> answer_;   // a datagram
  uint32_t sequence_ = 0;

  // Kept open. Closed if a dump fails, because more of its answer may follow.
  std::unique_ptr<mnl_socket, Close> socket_;
};

/// What one datagram of a dump says besides its sockets.
struct DumpPart {
  bool is_last = false;
  bool is_interrupted =
      false;  ///< the dump is not of one moment: NLM_F_DUMP_INTR
};

/// Adds the sockets in one datagram; see TcpSockets::List. The datagram is
/// aligned as a netlink header and answers the request of that sequence number.
procfs::Result<DumpPart> AddSockets(std::span<const char> datagram,
                                    uint32_t sequence,
                                    std::vector<TcpSocket>& sockets);

/// Adds the sockets in one datagram of EndedSockets, with inode 0. The datagram
/// is aligned as a netlink header. A socket without byte counts is left out.
///
/// The kernel does not say whether a socket that ended has received a FIN,
/// which it counts as a byte received. `bytes_received` may be one too many.
void AddEndedSockets(std::span<const char> datagram,
                     std::vector<TcpSocket>& sockets);

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKETS_H_
