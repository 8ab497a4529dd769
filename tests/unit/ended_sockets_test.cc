// With real connections over loopback, by the real kernel.

#include "kernel/ended_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "loopback.h"

namespace resource_attribution::kernel {
namespace {

using testing::AnyOf;

class EndedSocketsTest : public testing::TestWithParam<Addresses> {
 protected:
  void SetUp() override {
    if (!HasSocketDiagnostics()) GTEST_SKIP() << "no socket diagnostics here";
    if (const auto ended = EndedSockets::Subscribe({1}); !ended) {
      GTEST_SKIP() << ended.error().Message();
    }
  }

  // Waits for so many sockets, which the kernel hands over from a work queue.
  static std::vector<TcpSocket> Wait(EndedSockets& ended, size_t count) {
    std::vector<TcpSocket> sockets;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (sockets.size() < count && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      EXPECT_TRUE(ended.Drain(sockets));
    }
    return sockets;
  }
};

TEST_P(EndedSocketsTest, HaveTheirLastBytes) {
  const Listener listener(GetParam());
  const Listener other(GetParam());
  auto ended = EndedSockets::Subscribe({1, listener.port()});
  ASSERT_TRUE(ended) << ended.error().Message();
  uint64_t cookie = 0;
  {
    Connection unwanted(other);
    Connection connection(listener);
    cookie = CookieOf(connection.local);
    Transfer(connection.local, connection.remote, (1 << 20) + 1);
    Transfer(connection.remote, connection.local, 1000);
  }
  const auto sockets = Wait(*ended, 1);
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_EQ(sockets[0].cookie, cookie);
  EXPECT_EQ(sockets[0].inode, 0U);
  EXPECT_EQ(sockets[0].remote_port, listener.port());
  EXPECT_EQ(sockets[0].bytes_sent, (1U << 20) + 1);
  EXPECT_THAT(sockets[0].bytes_received, AnyOf(1000U, 1001U));  // with the FIN
}

TEST_P(EndedSocketsTest, FinAloneIsNoByteReceived) {
  const Listener listener(GetParam());
  auto ended = EndedSockets::Subscribe({listener.port()});
  ASSERT_TRUE(ended);
  { Connection(listener).remote = procfs::FileDescriptor(-1); }
  const auto sockets = Wait(*ended, 1);
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_EQ(sockets[0].bytes_received, 0U);
}

INSTANTIATE_TEST_SUITE_P(EndedSockets, EndedSocketsTest,
                         testing::Values(Addresses::kIpv4, Addresses::kIpv6,
                                         Addresses::kIpv4OfIpv6));

using EndedSocketsBoundsTest = EndedSocketsTest;

TEST_F(EndedSocketsBoundsTest, LossIsToldOnce) {
  const Listener listener;
  // Gets each socket after the subscriber behind it.
  auto first = EndedSockets::Subscribe({listener.port()});
  auto ended = EndedSockets::Subscribe({listener.port()}, 1);
  ASSERT_TRUE(first);
  ASSERT_TRUE(ended);
  for (int i = 0; i < 50; ++i) Connection connection(listener);
  EXPECT_EQ(Wait(*first, 50).size(), 50U);
  std::vector<TcpSocket> sockets;
  EXPECT_FALSE(ended->Drain(sockets));
  EXPECT_LT(sockets.size(), 50U);
  EXPECT_TRUE(ended->Drain(sockets));
}

TEST_F(EndedSocketsBoundsTest, AsManyPortsAsFit) {
  std::vector<uint16_t> ports(EndedSockets::kPortsMax);
  std::iota(ports.begin(), ports.end(), uint16_t{10'000});
  const Listener listener;
  std::replace(ports.begin(), ports.end(), listener.port(), uint16_t{1});
  ports.back() = listener.port();
  auto ended = EndedSockets::Subscribe(ports);
  ASSERT_TRUE(ended) << ended.error().Message();
  { Connection connection(listener); }
  EXPECT_EQ(Wait(*ended, 1).size(), 1U);
  ports.push_back(2);
  EXPECT_FALSE(EndedSockets::Subscribe(ports));
}

}  // namespace
}  // namespace resource_attribution::kernel
