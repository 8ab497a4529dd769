#ifndef RESOURCE_ATTRIBUTION_KERNEL_ENDED_SOCKETS_H_
#define RESOURCE_ATTRIBUTION_KERNEL_ENDED_SOCKETS_H_

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel/tcp_socket.h"
#include "procfs/result.h"

namespace resource_attribution::kernel {

/// A subscription to the TCP sockets that end in the daemon's network namespace
/// and whose remote port is in a set: the multicast groups
/// SKNLGRP_INET_TCP_DESTROY and SKNLGRP_INET6_TCP_DESTROY of sock_diag(7),
/// Linux 4.3.
///
/// A filter in the kernel passes only sockets to these ports. The kernel names
/// neither the process nor the inode of a socket that ends. Not thread-safe.
class EndedSockets {
 public:
  /// Holds some 6,000 sockets, of at most 1.5 KiB of kernel memory each. It
  /// takes memory only while it holds them.
  static constexpr int kReceiveBuffer = 4 << 20;

  /// More ports do not fit into the filter.
  static constexpr size_t kPortsMax = 2000;

  static procfs::Result<EndedSockets> Subscribe(
      const std::vector<uint16_t>& remote_ports,
      int receive_buffer = kReceiveBuffer);

  /// How many sockets one call takes: any user can open and close connections
  /// faster than they are read.
  static constexpr size_t kEndedMax = 16'384;

  /// Adds the sockets that ended since the last call, in no particular order.
  /// False when some may be missing: the receive buffer was full, or there were
  /// more than kEndedMax.
  bool Drain(std::vector<TcpSocket>& sockets);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };

  explicit EndedSockets(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Close> socket_;
};

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_ENDED_SOCKETS_H_
