// With real connections over loopback, by the real kernel, and with records as
// the kernel writes them.

#include "kernel/connect_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "loopback.h"
#include "tracefs.h"

namespace resource_attribution::kernel {
namespace {

using testing::HasSubstr;

class ConnectEventsTest : public testing::TestWithParam<Addresses> {
 protected:
  void SetUp() override {
    if (!MountTracefs()) GTEST_SKIP() << "needs tracefs, or to mount it";
    if (const auto events = ConnectEvents::Open({1}); !events) {
      GTEST_SKIP() << events.error().Message();
    }
  }
};

TEST_P(ConnectEventsTest, KnowWhoOpenedASocketThatEnded) {
  const Listener listener(GetParam());
  const Listener other(GetParam());
  auto events = ConnectEvents::Open({1, listener.port()});
  ASSERT_TRUE(events) << events.error().Message();
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  std::vector<uint64_t> cookies;
  uint64_t unwanted = 0;
  for (int i = 0; i < 10; ++i) {
    Connection connection(listener);
    cookies.push_back(CookieOf(connection.local));
    Connection another(other);
    unwanted = CookieOf(another.local);
  }
  const auto after = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_EQ(events->Drain(), true);
  for (const uint64_t cookie : cookies) {
    const auto* opener = events->Find(cookie);
    ASSERT_NE(opener, nullptr);
    EXPECT_EQ(opener->pid, getpid());
    EXPECT_GE(opener->at, before);
    EXPECT_LE(opener->at, after);
  }
  EXPECT_EQ(events->Find(unwanted), nullptr);
  // It may be asked for in the next pass, and is forgotten then.
  EXPECT_EQ(events->Drain(), true);
  EXPECT_NE(events->Find(cookies[0]), nullptr);
  EXPECT_EQ(events->Drain(), true);
  EXPECT_EQ(events->Find(cookies[0]), nullptr);
}

INSTANTIATE_TEST_SUITE_P(ConnectEvents, ConnectEventsTest,
                         testing::Values(Addresses::kIpv4, Addresses::kIpv6,
                                         Addresses::kIpv4OfIpv6));

using ConnectEventsLossTest = ConnectEventsTest;

TEST_F(ConnectEventsLossTest, SocketsOpenedBeforeALossAreUnknown) {
  const Listener listener;
  auto events = ConnectEvents::Open({listener.port()});
  ASSERT_TRUE(events) << events.error().Message();
  uint64_t cookie = 0;
  {
    Connection before(listener);
    cookie = CookieOf(before.local);
    EXPECT_EQ(events->Drain(), true);
    for (int i = 0; i < 10'000; ++i) Connection connection(listener);
    EXPECT_EQ(events->Drain(), false);
  }
  std::ignore = events->Drain();
  EXPECT_EQ(events->Find(cookie), nullptr);
  {
    Connection later(listener);
    cookie = CookieOf(later.local);
  }
  EXPECT_EQ(events->Drain(), true);
  EXPECT_NE(events->Find(cookie), nullptr);
}

// As SystemCallFilter= of systemd.
void KillForTracepoints() {
  std::array<sock_filter, 4> statements{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog filter{.len = statements.size(),
                          .filter = statements.data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(1);
}

TEST_F(ConnectEventsLossTest, FilterThatKillsForTheCallIsAnError) {
  const auto open = [] {
    KillForTracepoints();
    const auto events = ConnectEvents::Open({1});
    _exit(!events && events.error().Denied() ? 0 : 2);
  };
  EXPECT_EXIT(open(), testing::ExitedWithCode(0), "");
}

TEST(ConnectEvents, SayWhatIsMissing) {
  const auto events = ConnectEvents::Open({1}, {"/nowhere"});
  ASSERT_FALSE(events);
  EXPECT_THAT(events.error().Message(), HasSubstr("expected a mount"));
}

// The "format" files of Linux 6.18, in part.
constexpr const char* kState = R"(name: inet_sock_set_state
ID: 2287
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:int oldstate;	offset:16;	size:4;	signed:1;
	field:int newstate;	offset:20;	size:4;	signed:1;
)";
constexpr const char* kEnd = R"(name: tcp_destroy_sock
ID: 2278
format:
	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:__u64 sock_cookie;	offset:64;	size:8;	signed:0;
)";

TEST(ParseTracepoints, FindsTheFields) {
  const auto parsed = ParseTracepoints(kState, kEnd);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->state_id, 2287);
  EXPECT_EQ(parsed->new_state.offset, 20U);
  EXPECT_EQ(parsed->end_id, 2278);
  EXPECT_EQ(parsed->cookie.offset, 64U);
  EXPECT_EQ(parsed->cookie.size, 8U);
}

TEST(ParseTracepoints, MissingFieldsAreAnError) {
  EXPECT_FALSE(ParseTracepoints("", ""));
  EXPECT_FALSE(ParseTracepoints(kState, kState));
  EXPECT_FALSE(ParseTracepoints(kEnd, kEnd));
}

// A record of a sample with the event of a change of state.
std::string Record(uint32_t from, uint32_t to, uint16_t id = 2287) {
  std::string event(24, '\0');
  std::memcpy(event.data(), &id, sizeof(id));
  event[8] = 5;  // the address
  std::memcpy(event.data() + 16, &from, sizeof(from));
  std::memcpy(event.data() + 20, &to, sizeof(to));
  std::string record(28, '\0');
  const uint32_t pid = 42;
  const uint64_t time = 1000;
  const auto size = static_cast<uint32_t>(event.size());
  std::memcpy(record.data() + 8, &pid, sizeof(pid));
  std::memcpy(record.data() + 16, &time, sizeof(time));
  std::memcpy(record.data() + 24, &size, sizeof(size));
  record += event + std::string(4, '\0');
  const perf_event_header header{.type = PERF_RECORD_SAMPLE,
                                 .misc = 0,
                                 .size = static_cast<uint16_t>(record.size())};
  std::memcpy(record.data(), &header, sizeof(header));
  return record;
}

TEST(AddSocketEvents, TakesChangesOfState) {
  const auto tracepoints = ParseTracepoints(kState, kEnd);
  std::vector<SocketEvent> events;
  EXPECT_TRUE(AddSocketEvents(Record(7, 2) + Record(3, 1) + Record(2, 7),
                              *tracepoints, events));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].kind, SocketEvent::Kind::kConnect);
  EXPECT_EQ(events[0].pid, 42);
  EXPECT_EQ(events[0].socket, 5U);
  EXPECT_EQ(events[0].at, std::chrono::nanoseconds(1000));
  EXPECT_EQ(events[1].kind, SocketEvent::Kind::kAccept);
  EXPECT_EQ(events[2].kind, SocketEvent::Kind::kFailure);
}

TEST(AddSocketEvents, WhatMakesNoSenseIsALoss) {
  const auto tracepoints = ParseTracepoints(kState, kEnd);
  std::vector<SocketEvent> events;
  const std::string record = Record(7, 2);
  for (size_t size = 1; size < record.size(); ++size) {
    EXPECT_FALSE(AddSocketEvents(record.substr(0, size), *tracepoints, events));
  }
  EXPECT_FALSE(AddSocketEvents(Record(7, 2, 1), *tracepoints, events));
  EXPECT_FALSE(AddSocketEvents(Record(7, 2, 2278), *tracepoints, events));
  EXPECT_FALSE(AddSocketEvents(std::string(16, '\0'), *tracepoints, events));
  EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace resource_attribution::kernel
