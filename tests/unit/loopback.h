#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_LOOPBACK_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_LOOPBACK_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "procfs/file.h"

/// Whether the kernel lists sockets: an emulator or a sandbox may not.
bool HasSocketDiagnostics();

/// The addresses of a connection over loopback.
enum class Addresses { kIpv4, kIpv6, kIpv4OfIpv6 };

/// Listens on a port that the kernel chooses.
class Listener {
 public:
  explicit Listener(Addresses addresses = Addresses::kIpv4);

  uint16_t port() const { return port_; }

  /// Connects to it. The result has the port of this listener as remote port.
  resource_attribution::procfs::FileDescriptor Connect() const;

  /// The other end of the connection that was made first.
  resource_attribution::procfs::FileDescriptor Accept() const;

 private:
  Addresses addresses_;
  resource_attribution::procfs::FileDescriptor socket_;
  uint16_t port_;
};

/// Both ends of a connection to a listener.
struct Connection {
  explicit Connection(const Listener& listener)
      : local(listener.Connect()), remote(listener.Accept()) {}

  resource_attribution::procfs::FileDescriptor local;
  resource_attribution::procfs::FileDescriptor remote;
};

/// Sends bytes from one socket and receives them on the other.
void Transfer(const resource_attribution::procfs::FileDescriptor& from,
              const resource_attribution::procfs::FileDescriptor& to,
              size_t bytes);

/// The inode of the file or socket behind the descriptor.
ino_t InodeOf(const resource_attribution::procfs::FileDescriptor& descriptor);

/// The number that socket diagnostics give the socket, SO_COOKIE of socket(7).
uint64_t CookieOf(
    const resource_attribution::procfs::FileDescriptor& descriptor);

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_LOOPBACK_H_
