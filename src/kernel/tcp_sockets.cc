#include "kernel/tcp_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

#include "kernel/netlink_messages.h"

namespace resource_attribution::kernel {
namespace {

using procfs::Failed;
using procfs::Result;

constexpr const char* kSource = "socket diagnostics";

// TCP states by their number in the kernel, which its public headers do not
// have (include/net/tcp_states.h).
enum State : uint8_t {
  kEstablished = 1,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
};

// The states in which data may have flowed and a process may hold the socket or
// may have held it.
constexpr uint32_t kStates = 1U << kEstablished | 1U << kFinWait1 |
                             1U << kFinWait2 | 1U << kCloseWait |
                             1U << kLastAck | 1U << kClosing;

// The most that the kernel puts into one datagram: 32 KiB (netlink_dump in
// net/netlink/af_netlink.c).
constexpr size_t kDatagramMax = 32 << 10;

// Asks for the TCP sockets of all families, for which the kernel walks once
// over its table of connections (inet_diag_dump_compat in
// net/ipv4/inet_diag.c). SOCK_DIAG_BY_FAMILY takes a walk for each family.
constexpr uint16_t kDump = TCPDIAG_GETSOCK;

// The size of tcp_info up to the last field that is read.
constexpr size_t kTcpInfoMin = offsetof(tcp_info, tcpi_bytes_retrans) +
                               sizeof(tcp_info::tcpi_bytes_retrans);

// A program of the kernel's socket filter that takes sockets of these remote
// ports: for each
//     if the port is not this, go on behind the jump; jump to the end
// and the last, which has nothing behind it, goes where sockets are refused, 4
// bytes beyond the end. What `yes` and `no` say is how many bytes further
// (inet_diag_bc_run and inet_diag_bc_audit in net/ipv4/inet_diag.c).
// INET_DIAG_BC_D_EQ is of Linux 4.16; its port stands in a second operation.
std::vector<inet_diag_bc_op> Program(const std::vector<uint16_t>& ports) {
  constexpr size_t kSize = sizeof(inet_diag_bc_op);
  std::vector<inet_diag_bc_op> program;
  for (size_t left = ports.size(); left > 0; --left) {
    const uint16_t port = ports[ports.size() - left];
    program.push_back({INET_DIAG_BC_D_EQ, 2 * kSize, 3 * kSize});
    program.push_back({0, 0, port});
    if (left == 1) break;
    const size_t to_end = (left - 1) * 3 * kSize;
    program.push_back({INET_DIAG_BC_JMP, kSize, static_cast<uint16_t>(to_end)});
  }
  return program;
}

std::vector<char> Request(const std::vector<uint16_t>& ports) {
  const auto program = Program(ports);
  const size_t program_size = program.size() * sizeof(inet_diag_bc_op);
  std::vector<char> request(NLMSG_HDRLEN + sizeof(inet_diag_req) + NLA_HDRLEN +
                            program_size);
  nlmsghdr* message = mnl_nlmsg_put_header(request.data());
  message->nlmsg_type = kDump;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* diag = static_cast<inet_diag_req*>(
      mnl_nlmsg_put_extra_header(message, sizeof(inet_diag_req)));
  diag->idiag_ext = 1U << (INET_DIAG_INFO - 1);
  diag->idiag_states = kStates;
  if (std::ranges::find(ports, 0) != ports.end()) {
    diag->idiag_states |= 1U << kListen;
  }
  mnl_attr_put(message, INET_DIAG_REQ_BYTECODE, program_size, program.data());
  return request;
}

template <typename Structure>
Structure At(std::span<const char> bytes) {
  Structure structure{};
  std::memcpy(&structure, bytes.data(),
              std::min(bytes.size(), sizeof(structure)));
  return structure;
}

// The bytes behind the header.
std::span<const char> PayloadOf(const nlmsghdr& message) {
  return {static_cast<const char*>(mnl_nlmsg_get_payload(&message)),
          message.nlmsg_len - NLMSG_HDRLEN};
}

// The payload of the attribute of this type; empty if there is none.
std::span<const char> Attribute(std::span<const char> attributes,
                                uint16_t type) {
  const char* end = attributes.data() + attributes.size();
  const auto* attribute = reinterpret_cast<const nlattr*>(attributes.data());
  const auto left = [&] {
    return static_cast<int>(end - reinterpret_cast<const char*>(attribute));
  };
  for (; mnl_attr_ok(attribute, left()); attribute = mnl_attr_next(attribute)) {
    if (mnl_attr_get_type(attribute) == type) {
      return {static_cast<const char*>(mnl_attr_get_payload(attribute)),
              mnl_attr_get_payload_len(attribute)};
    }
  }
  return {};
}

// The kernel counts a received FIN as a byte received, but not a FIN or SYN
// that it sent (tcp_rcv_nxt_update in net/ipv4/tcp_input.c).
bool HasReceivedFin(const tcp_info& info) {
  return info.tcpi_state == kCloseWait || info.tcpi_state == kLastAck ||
         info.tcpi_state == kClosing;
}

// Not tcpi_bytes_acked: that counts a SYN and a FIN and lags behind by a round
// trip.
uint64_t BytesSent(const tcp_info& info) {
  return info.tcpi_bytes_sent -
         std::min(info.tcpi_bytes_sent, info.tcpi_bytes_retrans);
}

uint64_t BytesReceived(const tcp_info& info) {
  const __u64 fin = HasReceivedFin(info) ? 1 : 0;
  return info.tcpi_bytes_received - std::min(info.tcpi_bytes_received, fin);
}

Result<void> AddSocket(std::span<const char> payload,
                       std::vector<TcpSocket>& sockets) {
  if (payload.size() < sizeof(inet_diag_msg)) {
    return procfs::Invalid(kSource, "a socket");
  }
  const auto socket = At<inet_diag_msg>(payload);
  const auto info =
      Attribute(payload.subspan(sizeof(inet_diag_msg)), INET_DIAG_INFO);
  if (info.empty()) return {};  // a remainder: FIN_WAIT2 without a socket
  if (info.size() < kTcpInfoMin) {
    return procfs::Invalid(kSource, "the bytes sent, as since Linux 4.19");
  }
  const auto tcp = At<tcp_info>(info);
  sockets.push_back({.cookie = uint64_t{socket.id.idiag_cookie[1]} << 32 |
                               socket.id.idiag_cookie[0],
                     .inode = socket.idiag_inode,
                     .local_port = ntohs(socket.id.idiag_sport),
                     .remote_port = ntohs(socket.id.idiag_dport),
                     .bytes_sent = BytesSent(tcp),
                     .bytes_received = BytesReceived(tcp)});
  return {};
}

void AddEndedSocket(std::span<const char> payload,
                    std::vector<TcpSocket>& sockets) {
  const size_t listed = sockets.size();
  if (!AddSocket(payload, sockets) || sockets.size() == listed) return;
  const auto tcp = At<tcp_info>(
      Attribute(payload.subspan(sizeof(inet_diag_msg)), INET_DIAG_INFO));
  sockets.back().inode = 0;
  // Without data only the FIN was counted.
  if (tcp.tcpi_data_segs_in == 0) sockets.back().bytes_received = 0;
}

// The negative errno with which the kernel ends or refuses a dump; 0: none.
Result<void> CheckStatus(std::span<const char> payload) {
  const int status = At<int>(payload);
  if (status >= 0) return {};
  return Failed(kSource, status == INT_MIN ? EPROTO : -status);
}

}  // namespace

Result<DumpPart> AddSockets(std::span<const char> datagram, uint32_t sequence,
                            std::vector<TcpSocket>& sockets) {
  DumpPart part;
  Result<void> taken;
  kernel::ForEachMessage(datagram, [&](const nlmsghdr& message) {
    if (!taken || part.is_last || message.nlmsg_seq != sequence) return;
    if (message.nlmsg_flags & NLM_F_DUMP_INTR) part.is_interrupted = true;
    const auto payload = PayloadOf(message);
    if (message.nlmsg_type == kDump) {
      taken = AddSocket(payload, sockets);
    } else if (message.nlmsg_type == NLMSG_DONE ||
               message.nlmsg_type == NLMSG_ERROR) {
      taken = CheckStatus(payload);
      part.is_last = true;
    }
  });
  if (!taken) return tl::unexpected(taken.error());
  return part;
}

void AddEndedSockets(std::span<const char> datagram,
                     std::vector<TcpSocket>& sockets) {
  kernel::ForEachMessage(datagram, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      AddEndedSocket(PayloadOf(message), sockets);
    }
  });
}

TcpSockets::TcpSockets(const std::vector<uint16_t>& remote_ports)
    : is_empty_(remote_ports.empty()),
      request_(Request(remote_ports)),
      answer_(kDatagramMax) {}

Result<void> TcpSockets::List(std::vector<TcpSocket>& sockets) {
  sockets.clear();
  if (is_empty_) return {};
  if (auto open = Open(); !open) return open;
  if (auto dumped = DumpWhole(sockets); !dumped) {
    socket_.reset();
    return dumped;
  }
  // A socket may be there twice if others were opened between two datagrams:
  // the later entry is newer.
  std::ranges::sort(sockets, [](const TcpSocket& one, const TcpSocket& other) {
    if (one.cookie != other.cookie) return one.cookie < other.cookie;
    return one.bytes_sent + one.bytes_received >
           other.bytes_sent + other.bytes_received;
  });
  const auto is_same = [](const TcpSocket& one, const TcpSocket& other) {
    return one.cookie == other.cookie;
  };
  sockets.erase(std::unique(sockets.begin(), sockets.end(), is_same),
                sockets.end());
  return {};
}

Result<void> TcpSockets::Open() {
  if (socket_ != nullptr) return {};
  // The kernel makes the answer during the request, so there is nothing to wait
  // for.
  socket_.reset(
      mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket_ == nullptr ||
      mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    const int system_error = errno;
    socket_.reset();
    return Failed(kSource, system_error);
  }
  return {};
}

// If a dump is interrupted, repeats it once.
Result<void> TcpSockets::DumpWhole(std::vector<TcpSocket>& sockets) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    sockets.clear();
    const auto is_whole = Dump(sockets);
    if (!is_whole) return tl::unexpected(is_whole.error());
    if (*is_whole) return {};
  }
  return Failed(kSource, EINTR);
}

// Returns false if the dump was interrupted.
Result<bool> TcpSockets::Dump(std::vector<TcpSocket>& sockets) {
  auto* message = reinterpret_cast<nlmsghdr*>(request_.data());
  message->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) {
    return Failed(kSource);
  }
  DumpPart part;
  bool is_whole = true;
  while (!part.is_last) {
    const ssize_t size =
        mnl_socket_recvfrom(socket_.get(), answer_.data(), answer_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failed(kSource);
    const auto taken = AddSockets({answer_.data(), static_cast<size_t>(size)},
                                  sequence_, sockets);
    if (!taken) return tl::unexpected(taken.error());
    part = *taken;
    if (part.is_interrupted) is_whole = false;
  }
  return is_whole;
}

}  // namespace resource_attribution::kernel
