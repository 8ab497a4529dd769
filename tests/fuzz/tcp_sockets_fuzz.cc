#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include "fuzz.h"
#include "kernel/connect_events.h"
#include "kernel/tcp_sockets.h"

namespace {

using resource_attribution::kernel::TcpSocket;

// The sequence number of the seeds.
constexpr uint32_t kSequence = 7;

template <typename Structure>
Structure At(std::string_view bytes, size_t offset = 0) {
  Structure structure{};
  bytes.copy(reinterpret_cast<char*>(&structure), sizeof(structure), offset);
  return structure;
}

// Removes the first element, padding included; its size is in its header. None
// if it is not whole.
template <typename Header>
std::optional<std::string_view> TakeOff(std::string_view& bytes, auto size_of) {
  if (bytes.size() < sizeof(Header)) return std::nullopt;
  const size_t size = size_of(At<Header>(bytes));
  if (size < sizeof(Header) || size > bytes.size()) return std::nullopt;
  const std::string_view element = bytes.substr(0, size);
  bytes.remove_prefix(std::min(NLMSG_ALIGN(size), bytes.size()));
  return element;
}

// The content of a datagram, read with the kernel's structures and macros.
struct Said {
  bool is_error = false;
  bool is_last = false;
  std::vector<TcpSocket> sockets;
};

void AddSocket(std::string_view payload, Said& said) {
  if (payload.size() < sizeof(inet_diag_msg)) {
    said.is_error = true;
    return;
  }
  const auto socket = At<inet_diag_msg>(payload);
  payload.remove_prefix(sizeof(socket));
  std::string_view info;
  while (const auto attribute = TakeOff<nlattr>(
             payload, [](const nlattr& header) { return header.nla_len; })) {
    if ((At<nlattr>(*attribute).nla_type & NLA_TYPE_MASK) != INET_DIAG_INFO) {
      continue;
    }
    info = attribute->substr(NLA_HDRLEN);
    break;
  }
  if (info.empty()) return;
  if (info.size() < offsetof(tcp_info, tcpi_bytes_retrans) + 8) {
    said.is_error = true;
    return;
  }
  const auto tcp = At<tcp_info>(info);
  // TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING
  const bool fin =
      tcp.tcpi_state == 8 || tcp.tcpi_state == 9 || tcp.tcpi_state == 11;
  TcpSocket one;
  std::memcpy(&one.cookie, socket.id.idiag_cookie, sizeof(one.cookie));
  one.inode = socket.idiag_inode;
  one.remote_port = ntohs(socket.id.idiag_dport);
  one.bytes_sent = tcp.tcpi_bytes_sent >= tcp.tcpi_bytes_retrans
                       ? tcp.tcpi_bytes_sent - tcp.tcpi_bytes_retrans
                       : 0;
  one.bytes_received = tcp.tcpi_bytes_received;
  if (fin && one.bytes_received > 0) --one.bytes_received;
  said.sockets.push_back(one);
}

Said SaidIn(std::string_view datagram) {
  Said said;
  while (!said.is_error && !said.is_last) {
    const auto message = TakeOff<nlmsghdr>(
        datagram, [](const nlmsghdr& header) { return header.nlmsg_len; });
    if (!message) break;
    const auto header = At<nlmsghdr>(*message);
    if (header.nlmsg_seq != kSequence) continue;
    const std::string_view payload = message->substr(NLMSG_HDRLEN);
    if (header.nlmsg_type == TCPDIAG_GETSOCK) AddSocket(payload, said);
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      said.is_last = true;
      said.is_error = At<int>(payload) < 0;
    }
  }
  return said;
}

bool IsSame(const TcpSocket& one, const TcpSocket& other) {
  return one.cookie == other.cookie && one.inode == other.inode &&
         one.remote_port == other.remote_port &&
         one.bytes_sent == other.bytes_sent &&
         one.bytes_received == other.bytes_received;
}

// The same of sockets that ended.
std::vector<TcpSocket> EndedIn(std::string_view datagram) {
  std::vector<TcpSocket> sockets;
  while (
      const auto message = TakeOff<nlmsghdr>(
          datagram, [](const nlmsghdr& header) { return header.nlmsg_len; })) {
    if (At<nlmsghdr>(*message).nlmsg_type != SOCK_DIAG_BY_FAMILY) continue;
    const std::string_view payload = message->substr(NLMSG_HDRLEN);
    Said said;
    AddSocket(payload, said);
    if (said.sockets.empty()) continue;
    TcpSocket one = said.sockets[0];
    one.inode = 0;
    std::string_view attributes = payload.substr(sizeof(inet_diag_msg));
    while (
        const auto attribute = TakeOff<nlattr>(
            attributes, [](const nlattr& header) { return header.nla_len; })) {
      if ((At<nlattr>(*attribute).nla_type & NLA_TYPE_MASK) != INET_DIAG_INFO) {
        continue;
      }
      const auto tcp = At<tcp_info>(attribute->substr(NLA_HDRLEN));
      if (tcp.tcpi_data_segs_in == 0) one.bytes_received = 0;
      break;
    }
    sockets.push_back(one);
  }
  return sockets;
}

void FuzzEnded(std::string_view bytes) {
  std::vector<TcpSocket> sockets;
  resource_attribution::kernel::AddEndedSockets(bytes, sockets);
  const auto said = EndedIn(bytes);
  Require(std::equal(sockets.begin(), sockets.end(), said.begin(), said.end(),
                     IsSame),
          "every socket that ended is there, once");
}

// The tracepoints as Linux 6.18 has them.
void FuzzEvents(std::string_view bytes) {
  using resource_attribution::kernel::SocketEvent;
  const resource_attribution::kernel::SocketTracepoints tracepoints{
      .state_id = 2287,
      .state_socket = {8, 8},
      .old_state = {16, 4},
      .new_state = {20, 4},
      .end_id = 2278,
      .end_socket = {8, 8},
      .cookie = {64, 8}};
  std::vector<SocketEvent> events;
  resource_attribution::kernel::AddSocketEvents(bytes, tracepoints, events);
  constexpr size_t kEventMin = 28 + 24;
  Require(events.size() * kEventMin <= bytes.size(), "an event has its bytes");
  for (const SocketEvent& event : events) {
    Require(event.pid == 0 || event.kind == SocketEvent::Kind::kConnect,
            "only who connects has a PID");
  }
}

}  // namespace

void Fuzz(std::string_view bytes) {
  FuzzEnded(bytes);
  FuzzEvents(bytes);
  std::vector<TcpSocket> sockets;
  const auto part =
      resource_attribution::kernel::AddSockets(bytes, kSequence, sockets);
  const Said said = SaidIn(bytes);
  Require(part.has_value() == !said.is_error, "an error is an error");
  if (!part) {
    Require(part.error().system_error >= 0, "an error is an errno");
    Require(!part.error().Message().empty(), "an error can be told");
    return;
  }
  Require(part->is_last == said.is_last, "the end is the end");
  Require(std::equal(sockets.begin(), sockets.end(), said.sockets.begin(),
                     said.sockets.end(), IsSame),
          "every socket is listed, once");
}
