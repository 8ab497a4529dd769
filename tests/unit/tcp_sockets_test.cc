// On the real kernel. Without its socket diagnostics there is nothing to test.

#include "kernel/tcp_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "child_process.h"
#include "failing_allocation.h"
#include "loopback.h"

namespace resource_attribution::kernel {
namespace {

using procfs::FileDescriptor;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

// Waits until the kernel has received the last bytes sent over loopback, which
// another CPU may do.
const auto kSettled = std::chrono::milliseconds(20);

class TcpSocketsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasSocketDiagnostics()) GTEST_SKIP() << "no socket diagnostics here";
  }

  const std::vector<TcpSocket>& List(TcpSockets& sockets) {
    const auto listed = sockets.List(sockets_);
    EXPECT_TRUE(listed) << listed.error().Message();
    return sockets_;
  }

  const std::vector<TcpSocket>& List(const std::vector<uint16_t>& ports) {
    TcpSockets sockets(ports);
    return List(sockets);
  }

  // The only socket to this port.
  TcpSocket To(uint16_t port) {
    const auto& sockets = List(std::vector<uint16_t>{port});
    EXPECT_THAT(sockets, SizeIs(1));
    return sockets.size() == 1 ? sockets[0] : TcpSocket{};
  }

  std::vector<TcpSocket> sockets_;
};

class TcpSocketsOfFamilyTest : public TcpSocketsTest,
                               public testing::WithParamInterface<Addresses> {};

TEST_P(TcpSocketsOfFamilyTest, CountTheBytesOfTheStream) {
  std::optional<Listener> listener;
  try {
    listener.emplace(GetParam());
  } catch (const std::exception&) {
    GTEST_SKIP() << "no such addresses here";
  }
  Connection connection(*listener);
  TcpSocket socket = To(listener->port());
  EXPECT_NE(socket.cookie, 0U);
  EXPECT_EQ(socket.inode, InodeOf(connection.local));
  EXPECT_EQ(socket.remote_port, listener->port());
  EXPECT_EQ(socket.bytes_sent, 0U);
  EXPECT_EQ(socket.bytes_received, 0U);

  constexpr size_t kSent = (9 << 20) + 1;
  constexpr size_t kReceived = (5 << 20) + 3;
  Transfer(connection.local, connection.remote, kSent);
  Transfer(connection.remote, connection.local, kReceived);
  const uint64_t cookie = socket.cookie;
  socket = To(listener->port());
  EXPECT_EQ(socket.cookie, cookie);
  EXPECT_EQ(socket.bytes_sent, kSent);
  EXPECT_EQ(socket.bytes_received, kReceived);
}

std::string NameOf(const testing::TestParamInfo<Addresses>& info) {
  if (info.param == Addresses::kIpv4) return "Ipv4";
  return info.param == Addresses::kIpv6 ? "Ipv6" : "Ipv4OfIpv6";
}

INSTANTIATE_TEST_SUITE_P(TcpSockets, TcpSocketsOfFamilyTest,
                         testing::Values(Addresses::kIpv4, Addresses::kIpv6,
                                         Addresses::kIpv4OfIpv6),
                         NameOf);

// A FIN takes a place in the stream, like a byte.
TEST_F(TcpSocketsTest, TheEndOfAStreamIsNoByte) {
  for (const bool local_first : {true, false}) {
    Listener listener;
    Connection connection(listener);
    Transfer(connection.local, connection.remote, 1000);
    Transfer(connection.remote, connection.local, 100);
    const auto& [first, second] =
        local_first ? std::tie(connection.local, connection.remote)
                    : std::tie(connection.remote, connection.local);
    shutdown(first.get(), SHUT_WR);
    std::this_thread::sleep_for(kSettled);
    EXPECT_EQ(To(listener.port()).bytes_sent, 1000U) << local_first;
    EXPECT_EQ(To(listener.port()).bytes_received, 100U) << local_first;
    Transfer(second, first, 10);
    const uint64_t sent = local_first ? 1000 : 1010;
    const uint64_t received = local_first ? 110 : 100;
    EXPECT_EQ(To(listener.port()).bytes_sent, sent) << local_first;
    EXPECT_EQ(To(listener.port()).bytes_received, received) << local_first;
  }
}

// Turns loopback on or off in the network namespace of the caller.
void SetLoopback(bool on) {
  const FileDescriptor any(socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = on ? IFF_UP : 0;
  if (ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) _exit(1);
}

TEST_F(TcpSocketsTest, WhatIsSentAgainCountsOnce) {
  if (!CanUnshare(CLONE_NEWNET)) GTEST_SKIP() << "needs network namespaces";
  EXPECT_TRUE(HoldsInChild([this] {
    if (unshare(CLONE_NEWNET) != 0) return false;
    SetLoopback(true);
    Listener listener;
    Connection connection(listener);
    SetLoopback(false);
    const std::string lost(1000, 'x');
    send(connection.local.get(), lost.data(), lost.size(), 0);
    // The kernel sends it again after 200 milliseconds, and then after 400.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    SetLoopback(true);
    Transfer(connection.local, connection.remote, 5000);
    std::this_thread::sleep_for(kSettled);
    return To(listener.port()).bytes_sent == 6000;
  }));
}

// If the other end has not received all bytes, the rest stays in the socket
// when it is closed.
TEST_F(TcpSocketsTest, PortZeroStandsForThoseThatListen) {
  Listener listener;
  Connection connection(listener);
  const auto has = [this](uint16_t local_port, uint16_t remote_port) {
    return std::ranges::any_of(sockets_, [=](const TcpSocket& socket) {
      return socket.local_port == local_port &&
             socket.remote_port == remote_port;
    });
  };
  List({listener.port()});
  EXPECT_FALSE(has(listener.port(), 0));
  List({0, listener.port()});
  EXPECT_TRUE(has(listener.port(), 0));
  EXPECT_TRUE(std::ranges::any_of(sockets_, [&](const TcpSocket& socket) {
    return socket.remote_port == listener.port() && socket.local_port != 0;
  }));
}

TEST_F(TcpSocketsTest, ClosedSocketThatStillSendsIsListedWithoutInode) {
  Listener listener;
  Connection connection(listener);
  const uint64_t cookie = To(listener.port()).cookie;
  const std::vector<char> data(16 << 20);
  const ssize_t size =
      send(connection.local.get(), data.data(), data.size(), MSG_DONTWAIT);
  ASSERT_GT(size, 0);
  { const FileDescriptor closed = std::move(connection.local); }
  const TcpSocket socket = To(listener.port());
  EXPECT_EQ(socket.cookie, cookie);
  EXPECT_EQ(socket.inode, 0U);
  EXPECT_LE(socket.bytes_sent, static_cast<uint64_t>(size));
}

TEST_F(TcpSocketsTest, RemaindersAreNotListed) {
  Listener listener;
  Connection connection(listener);
  // FIN_WAIT2 without a socket, which the other end keeps there.
  { const FileDescriptor closed = std::move(connection.local); }
  std::this_thread::sleep_for(kSettled);
  EXPECT_THAT(List(std::vector<uint16_t>{listener.port()}), IsEmpty());
  // TIME_WAIT.
  { const FileDescriptor closed = std::move(connection.remote); }
  std::this_thread::sleep_for(kSettled);
  EXPECT_THAT(List(std::vector<uint16_t>{listener.port()}), IsEmpty());
}

TEST_F(TcpSocketsTest, ListenersAndTheirEndsAreNotListed) {
  Listener listener;
  EXPECT_THAT(List(std::vector<uint16_t>{listener.port()}), IsEmpty());
  Connection connection(listener);
  EXPECT_EQ(To(listener.port()).inode, InodeOf(connection.local));
}

class TcpSocketsToPortsTest : public TcpSocketsTest,
                              public testing::WithParamInterface<size_t> {};

TEST_P(TcpSocketsToPortsTest, AreThoseToAnyOfThePorts) {
  std::vector<Listener> listeners(GetParam() + 2);
  std::vector<Connection> connections;
  std::vector<uint16_t> ports;
  std::vector<uint16_t> expected;
  for (const auto& listener : listeners) {
    connections.emplace_back(listener);
    connections.emplace_back(listener);
    if (ports.size() == GetParam()) continue;  // the last two are not wanted
    ports.push_back(listener.port());
    expected.insert(expected.end(), 2, listener.port());
  }
  std::vector<uint16_t> listed;
  for (const auto& socket : List(ports)) listed.push_back(socket.remote_port);
  EXPECT_THAT(listed, UnorderedElementsAreArray(expected));
}

INSTANTIATE_TEST_SUITE_P(TcpSockets, TcpSocketsToPortsTest,
                         testing::Values(1, 2, 3, 64));

// The most ports that a jump within the kernel's filter spans.
TEST_F(TcpSocketsTest, ManyPortsFitIntoOneRequest) {
  Listener listener;
  Connection connection(listener);
  std::vector<uint16_t> ports;
  for (uint16_t port = 1; port <= 5460; ++port) ports.push_back(port);
  ports.push_back(listener.port());
  EXPECT_THAT(List(ports), testing::Contains(Field(&TcpSocket::inode,
                                                   InodeOf(connection.local))));
}

TEST_F(TcpSocketsTest, NoPortsNoSockets) {
  Listener listener;
  Connection connection(listener);
  EXPECT_THAT(List(std::vector<uint16_t>{}), IsEmpty());
}

// More than fits into one datagram.
TEST_F(TcpSocketsTest, ManyAreListedEachOnceByCookie) {
  Listener listener;
  std::vector<Connection> connections;
  std::vector<ino_t> expected;
  for (int i = 0; i < 300; ++i) {
    connections.emplace_back(listener);
    expected.push_back(InodeOf(connections.back().local));
  }
  const auto& sockets = List(std::vector<uint16_t>{listener.port()});
  std::vector<ino_t> listed;
  for (const auto& socket : sockets) listed.push_back(socket.inode);
  EXPECT_THAT(listed, UnorderedElementsAreArray(expected));
  EXPECT_TRUE(std::is_sorted(
      sockets.begin(), sockets.end(),
      [](auto& one, auto& other) { return one.cookie < other.cookie; }));
}

TEST_F(TcpSocketsTest, ListingAgainAllocatesNothing) {
  Listener listener;
  std::vector<Connection> connections;
  for (int i = 0; i < 100; ++i) connections.emplace_back(listener);
  TcpSockets sockets({listener.port()});
  List(sockets);
  failing_allocation = 0;
  const bool listed = sockets.List(sockets_).has_value();
  failing_allocation = -1;
  EXPECT_TRUE(listed);
  EXPECT_THAT(sockets_, SizeIs(100));
}

// A datagram that the test builds from messages.
class Datagram {
 public:
  Datagram& Message(uint16_t type, const std::string& payload,
                    uint16_t flags = 0, uint32_t sequence = 7) {
    const nlmsghdr header{
        .nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + payload.size()),
        .nlmsg_type = type,
        .nlmsg_flags = flags,
        .nlmsg_seq = sequence,
        .nlmsg_pid = 0};
    bytes_.append(reinterpret_cast<const char*>(&header), sizeof(header));
    bytes_ += payload;
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    return *this;
  }

  // With as much of tcp_info as an older kernel may have.
  Datagram& Socket(uint64_t sent, size_t info_size = sizeof(tcp_info),
                   uint16_t flags = 0) {
    inet_diag_msg socket{};
    socket.id.idiag_cookie[0] = 2;
    socket.id.idiag_cookie[1] = 1;
    socket.idiag_inode = 3;
    tcp_info info{};
    info.tcpi_bytes_sent = sent + 10;
    info.tcpi_bytes_retrans = 10;
    const nlattr attribute{
        .nla_len = static_cast<uint16_t>(NLA_HDRLEN + info_size),
        .nla_type = INET_DIAG_INFO};
    std::string payload(reinterpret_cast<const char*>(&socket), sizeof(socket));
    payload.append(reinterpret_cast<const char*>(&attribute), NLA_HDRLEN);
    payload.append(reinterpret_cast<const char*>(&info), info_size);
    return Message(TCPDIAG_GETSOCK, payload, flags);
  }

  Datagram& Status(uint16_t type, int status) {
    return Message(type, {reinterpret_cast<const char*>(&status), 4});
  }

  procfs::Result<DumpPart> Read(std::vector<TcpSocket>& sockets) const {
    return AddSockets(bytes_, 7, sockets);
  }

  void SetLength(uint32_t length) {
    std::memcpy(bytes_.data(), &length, sizeof(length));
  }

 private:
  std::string bytes_;
};

TEST(AddSockets, RetransmissionsAreNotCounted) {
  std::vector<TcpSocket> sockets;
  const auto part = Datagram().Socket(1000).Socket(5).Read(sockets);
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->is_last);
  ASSERT_THAT(sockets, SizeIs(2));
  EXPECT_EQ(sockets[0].cookie, 0x100000002U);
  EXPECT_EQ(sockets[0].inode, 3U);
  EXPECT_EQ(sockets[0].bytes_sent, 1000U);
  EXPECT_EQ(sockets[1].bytes_sent, 5U);
}

TEST(AddSockets, KernelThatDoesNotCountBytesSentIsAnError) {
  constexpr size_t kNeeded = offsetof(tcp_info, tcpi_bytes_retrans) + 8;
  std::vector<TcpSocket> sockets;
  EXPECT_TRUE(Datagram().Socket(1, kNeeded).Read(sockets));
  const auto part = Datagram().Socket(1, kNeeded - 4).Read(sockets);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().Message(),
            "socket diagnostics: expected the bytes sent, as since Linux 4.19");
}

TEST(AddSockets, EndAndErrorsAreTold) {
  std::vector<TcpSocket> sockets;
  auto part = Datagram().Status(NLMSG_DONE, 0).Read(sockets);
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->is_last);
  for (const uint16_t type : {NLMSG_DONE, NLMSG_ERROR}) {
    part = Datagram().Status(type, -ENOENT).Read(sockets);
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().system_error, ENOENT);
  }
  EXPECT_FALSE(Datagram().Status(NLMSG_ERROR, INT_MIN).Read(sockets));
}

TEST(AddSockets, InterruptedDumpIsTold) {
  std::vector<TcpSocket> sockets;
  const auto part =
      Datagram().Socket(1, sizeof(tcp_info), NLM_F_DUMP_INTR).Read(sockets);
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->is_interrupted);
}

TEST(AddSockets, AnswersToOtherRequestsArePassedOver) {
  std::vector<TcpSocket> sockets;
  const auto part = Datagram().Message(NLMSG_DONE, "", 0, 6).Read(sockets);
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->is_last);
}

TEST(AddSockets, MessageIsReadOnlyWhereAllOfItIsThere) {
  for (const uint32_t length : {0U, 15U, 5000U, 0x80000000U, 0xfffffff0U}) {
    std::vector<TcpSocket> sockets;
    Datagram datagram;
    datagram.Socket(1).SetLength(length);
    ASSERT_TRUE(datagram.Read(sockets)) << length;
    EXPECT_THAT(sockets, IsEmpty()) << length;
  }
}

}  // namespace
}  // namespace resource_attribution::kernel
