#ifndef RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKET_H_
#define RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKET_H_

#include <sys/types.h>

#include <cstdint>

namespace resource_attribution::kernel {

/// What the kernel says about a TCP socket at one moment, nothing derived.
struct TcpSocket {
  /// Identifies the socket while the host runs; never reused.
  uint64_t cookie = 0;

  /// As in the links of /proc/PID/fd; reused. 0 if no process holds the socket:
  /// it is not accepted yet, or it is closed and still has something to send or
  /// to wait for.
  ino_t inode = 0;

  uint16_t local_port = 0;
  uint16_t remote_port = 0;  ///< 0 if the socket listens

  /// Bytes of the stream: without headers, retransmissions, SYN and FIN.
  uint64_t bytes_sent = 0;      ///< given to the network once at least
  uint64_t bytes_received = 0;  ///< in sequence, read by the process or not
};

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_TCP_SOCKET_H_
