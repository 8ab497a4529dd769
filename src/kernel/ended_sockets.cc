#include "kernel/ended_sockets.h"

#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

#include "kernel/netlink_messages.h"
#include "kernel/tcp_sockets.h"

namespace resource_attribution::kernel {
namespace {

using procfs::Failed;
using procfs::Result;

constexpr const char* kSource = "ended sockets";

// Passes the sockets to these ports. BPF reads a port as big-endian, as the
// network has it.
std::vector<sock_filter> Filter(const std::vector<uint16_t>& ports) {
  constexpr size_t kPort =
      NLMSG_HDRLEN + offsetof(inet_diag_msg, id.idiag_dport);
  std::vector<sock_filter> filter{
      Statement(BPF_LD | BPF_H | BPF_ABS, static_cast<uint32_t>(kPort))};
  for (const uint16_t port : ports) {
    filter.push_back(
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = port});
    filter.push_back(Statement(BPF_RET | BPF_K, UINT32_MAX));
  }
  filter.push_back(Statement(BPF_RET | BPF_K, 0));
  return filter;
}

// How many datagrams one system call takes. One is 380 bytes on Linux 6.18;
// tcp_info grows.
constexpr size_t kBatch = 32;
constexpr size_t kDatagramMax = 1024;

constexpr unsigned int Group(sknetlink_groups group) {
  return 1U << (group - 1);
}

}  // namespace

Result<EndedSockets> EndedSockets::Subscribe(
    const std::vector<uint16_t>& remote_ports, int receive_buffer) {
  if (remote_ports.size() > kPortsMax) {
    return procfs::Invalid(kSource, "no more than 2,000 ports");
  }
  mnl_socket* socket =
      mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket == nullptr) return Failed(kSource);
  EndedSockets ended(socket);
  auto filter = Filter(remote_ports);
  if (!SetUp(socket, filter, receive_buffer) ||
      mnl_socket_bind(
          socket,
          Group(SKNLGRP_INET_TCP_DESTROY) | Group(SKNLGRP_INET6_TCP_DESTROY),
          MNL_SOCKET_AUTOPID) != 0) {
    return Failed(kSource);
  }
  return ended;
}

// After a loss the sockets that wait are taken nevertheless: they are as good
// as others, and the kernel tells of further losses only when the buffer was
// empty in between (netlink_overrun in af_netlink.c).
bool EndedSockets::Drain(std::vector<TcpSocket>& sockets) {
  bool complete = true;
  for (size_t taken = 0; taken < kEndedMax;) {
    const auto received = ReceiveBatch<kBatch, kDatagramMax>(
        socket_.get(), kSource,
        [&](auto datagram) { AddEndedSockets(datagram, sockets); });
    if (received && *received == 0) return complete;
    if (received) {
      taken += *received;
      continue;
    }
    if (received.error().system_error != EINTR) complete = false;
    ++taken;
  }
  return false;
}

}  // namespace resource_attribution::kernel
