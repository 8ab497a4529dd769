#ifndef RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_
#define RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_

#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "procfs/result.h"

namespace resource_attribution::kernel {

/// Whether all of `message` is within the last `left` bytes of its datagram.
///
/// mnl_nlmsg_ok is not enough: it takes sizes above INT_MAX for negative and
/// accepts them (libmnl 1.0.4).
inline bool IsWhole(const nlmsghdr* message, int left) {
  return mnl_nlmsg_ok(message, left) &&
         message->nlmsg_len <= static_cast<uint32_t>(left);
}

/// Calls `take` with each whole message of a datagram; netlink(7). The datagram
/// is aligned as a netlink header.
void ForEachMessage(std::span<const char> datagram, auto take) {
  int left = static_cast<int>(datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (; IsWhole(message, left); message = mnl_nlmsg_next(message, &left)) {
    take(*message);
  }
}

/// Calls `take` with each of the next datagrams, at most kBatch, by one system
/// call. Returns how many there were: 0 when none is waiting. Fails if one is
/// larger than kDatagramMax: unknown what it says. `source` is for the error.
template <size_t kBatch, size_t kDatagramMax>
procfs::Result<size_t> ReceiveBatch(const mnl_socket* socket,
                                    const char* source, auto take) {
  struct alignas(nlmsghdr) Datagram {
    std::array<char, kDatagramMax> bytes;
  };
  std::array<Datagram, kBatch> datagrams;
  std::array<iovec, kBatch> buffers{};
  std::array<mmsghdr, kBatch> headers{};
  for (size_t i = 0; i < kBatch; ++i) {
    buffers[i] = {.iov_base = &datagrams[i], .iov_len = kDatagramMax};
    headers[i].msg_hdr.msg_iov = &buffers[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = recvmmsg(mnl_socket_get_fd(socket), headers.data(), kBatch,
                             MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (errno == EAGAIN) return 0;
    return procfs::Failed(source);
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    if ((headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
      return procfs::Failed(source, ENOSPC);
    }
    take(std::span<const char>(datagrams[i].bytes.data(), headers[i].msg_len));
  }
  return static_cast<size_t>(count);
}

/// A statement of a filter that does not jump.
inline sock_filter Statement(int code, uint32_t value) {
  return {.code = static_cast<uint16_t>(code), .jt = 0, .jf = 0, .k = value};
}

/// Makes the socket of a subscription receive only what the filter passes, into
/// a buffer of this size. Returns false, with errno set, if the kernel refuses
/// the filter.
inline bool SetUp(const mnl_socket* socket, std::span<sock_filter> statements,
                  int receive_buffer) {
  const int fd = mnl_socket_get_fd(socket);
  const sock_fprog filter{.len = static_cast<uint16_t>(statements.size()),
                          .filter = statements.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) !=
      0) {
    return false;
  }
  // Only CAP_NET_ADMIN allows more than the limit of the host
  // (net.core.rmem_max).
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer,
                 sizeof(receive_buffer)) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
               sizeof(receive_buffer));
  }
  return true;
}

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_
