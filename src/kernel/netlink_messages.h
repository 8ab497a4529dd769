#ifndef RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_
#define RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <cstdint>
#include <span>

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

}  // namespace resource_attribution::kernel

#endif  // RESOURCE_ATTRIBUTION_KERNEL_NETLINK_MESSAGES_H_
