#include "loopback.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

using resource_attribution::procfs::FileDescriptor;

namespace {

void Require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

struct Address {
  Address(Addresses addresses, uint16_t port) {
    if (addresses == Addresses::kIpv4) {
      auto* ipv4 = reinterpret_cast<sockaddr_in*>(&storage);
      ipv4->sin_family = AF_INET;
      ipv4->sin_port = htons(port);
      ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      size = sizeof(sockaddr_in);
    } else {
      auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&storage);
      ipv6->sin6_family = AF_INET6;
      ipv6->sin6_port = htons(port);
      inet_pton(AF_INET6,
                addresses == Addresses::kIpv6 ? "::1" : "::ffff:127.0.0.1",
                &ipv6->sin6_addr);
      size = sizeof(sockaddr_in6);
    }
  }

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t size = 0;
};

FileDescriptor TcpSocket(Addresses addresses) {
  FileDescriptor created(
      socket(addresses == Addresses::kIpv4 ? AF_INET : AF_INET6,
             SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(created.get() >= 0, "socket");
  return created;
}

}  // namespace

bool HasSocketDiagnostics() {
  const FileDescriptor diagnostics(
      socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  return diagnostics.get() >= 0;
}

Listener::Listener(Addresses addresses)
    : addresses_(addresses), socket_(TcpSocket(addresses)) {
  Address address(addresses, 0);
  Require(bind(socket_.get(), address.get(), address.size) == 0, "bind");
  Require(listen(socket_.get(), SOMAXCONN) == 0, "listen");
  socklen_t size = sizeof(address.storage);
  getsockname(socket_.get(), address.get(), &size);
  port_ = ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
}

FileDescriptor Listener::Connect() const {
  FileDescriptor connected = TcpSocket(addresses_);
  Address address(addresses_, port_);
  Require(connect(connected.get(), address.get(), address.size) == 0,
          "connect");
  return connected;
}

FileDescriptor Listener::Accept() const {
  FileDescriptor accepted(
      accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Require(accepted.get() >= 0, "accept4");
  return accepted;
}

void Transfer(const FileDescriptor& from, const FileDescriptor& to,
              size_t bytes) {
  std::vector<char> buffer(std::min<size_t>(bytes, 64 << 10));
  size_t sent = 0;
  size_t received = 0;
  while (received < bytes) {
    if (sent < bytes) {
      const ssize_t size =
          send(from.get(), buffer.data(), std::min(buffer.size(), bytes - sent),
               MSG_DONTWAIT);
      Require(size > 0 || errno == EAGAIN, "send");
      sent += static_cast<size_t>(std::max<ssize_t>(size, 0));
    }
    pollfd ready{.fd = to.get(), .events = POLLIN, .revents = 0};
    Require(poll(&ready, 1, 10000) == 1, "poll");
    const ssize_t size = recv(to.get(), buffer.data(), buffer.size(), 0);
    Require(size > 0, "recv");
    received += static_cast<size_t>(size);
  }
}

ino_t InodeOf(const FileDescriptor& descriptor) {
  struct stat status {};
  Require(fstat(descriptor.get(), &status) == 0, "fstat");
  return status.st_ino;
}

uint64_t CookieOf(const FileDescriptor& descriptor) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  Require(
      getsockopt(descriptor.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0,
      "SO_COOKIE");
  return cookie;
}
