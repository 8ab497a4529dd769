// Mostly on the real kernel. If it sends no events, as in a container, there is
// nothing to test.

#include "kernel/process_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "child_process.h"

namespace resource_attribution::kernel {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class ProcessEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!events_) GTEST_SKIP() << events_.error().Message();
  }

  // The processes named by events since the last call.
  std::vector<pid_t> Drain() {
    std::vector<pid_t> pids;
    EXPECT_TRUE(events_->Drain(pids));
    return pids;
  }

  procfs::Result<ProcessEvents> events_ = ProcessEvents::Subscribe();
};

TEST_F(ProcessEventsTest, NamesProcessesThatMayMatchFromNowOn) {
  ChildProcess child(
      {[] {}, Rename("renamed"), BecomeUser(4242), ExecuteSleep("executed")});
  EXPECT_THAT(Drain(), Contains(child.pid()));
  EXPECT_THAT(Drain(), Not(Contains(child.pid())));
  for (const char* change : {"name", "user", "program"}) {
    child.Next();
    EXPECT_THAT(Drain(), Contains(child.pid())) << change;
    EXPECT_THAT(Drain(), Not(Contains(child.pid()))) << change;
  }
}

TEST_F(ProcessEventsTest, ThreadsAndExitsStayInTheKernel) {
  ChildProcess child(
      {[] {},
       [] { std::thread([] { prctl(PR_SET_NAME, "thread"); }).join(); }});
  Drain();
  child.Next();
  const pid_t pid = child.pid();
  child.Kill();
  EXPECT_THAT(Drain(), Not(Contains(pid)));
}

TEST_F(ProcessEventsTest, OverflowIsToldOnceAndOver) {
  auto tiny = ProcessEvents::Subscribe(2048);
  ASSERT_TRUE(tiny) << tiny.error().Message();
  for (int i = 0; i < 50; ++i) ChildProcess child({[] {}});
  std::vector<pid_t> pids;
  EXPECT_FALSE(tiny->Drain(pids));
  // The processes of a busy host may fill the buffer again.
  for (int i = 0; i < 1000; ++i) {
    const ChildProcess child({[] {}});
    pids.clear();
    if (!tiny->Drain(pids)) continue;
    EXPECT_THAT(pids, Contains(child.pid()));
    return;
  }
  ADD_FAILURE() << "no end of the overflow";
}

// A flood could otherwise hold the pass for as long as it lasts.
TEST_F(ProcessEventsTest, FloodIsReadUpToABound) {
  auto large = ProcessEvents::Subscribe(256 << 20);
  ASSERT_TRUE(large) << large.error().Message();
  ChildProcess flood({[] {},
                      [] {
                        for (int i = 0; i < 70'000; ++i) {
                          prctl(PR_SET_NAME, "flood");
                        }
                      }});
  flood.Next();
  std::vector<pid_t> pids;
  EXPECT_FALSE(large->Drain(pids));
  EXPECT_LE(pids.size(), 65'536U);
  EXPECT_GT(pids.size(), 0U);
  pids.clear();
  EXPECT_TRUE(large->Drain(pids));
  EXPECT_THAT(pids, Contains(flood.pid()));
}

TEST_F(ProcessEventsTest, SeveralSubscribersDoNotDisturbEachOther) {
  {
    auto other = ProcessEvents::Subscribe();
    ASSERT_TRUE(other);
  }
  ChildProcess child({[] {}});
  EXPECT_THAT(Drain(), Contains(child.pid()));
}

// The error of Subscribe in a child that has left `namespaces`; empty if this
// process may not do that.
std::string RefusalOutside(int namespaces) {
  std::array<int, 2> report{};
  EXPECT_EQ(pipe(report.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    // A PID namespace takes in the children only.
    if (unshare(namespaces) != 0) _exit(0);
    if (fork() == 0) {
      const auto events = ProcessEvents::Subscribe();
      const std::string text = events ? "none" : events.error().Message();
      _exit(write(report[1], text.data(), text.size()) > 0 ? 0 : 1);
    }
    wait(nullptr);
    _exit(0);
  }
  close(report[1]);
  std::string text(200, '\0');
  const ssize_t size = read(report[0], text.data(), text.size());
  text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  close(report[0]);
  waitpid(child, nullptr, 0);
  return text;
}

TEST(ProcessEvents, OutsideTheInitialNetworkNamespaceAreRefused) {
  const std::string refusal = RefusalOutside(CLONE_NEWNET);
  if (refusal.empty()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(refusal, "process events: Connection refused");
}

// The kernel would tell of processes under PIDs that are not ours.
TEST(ProcessEvents, OutsideTheInitialPidNamespaceAreNotAnswered) {
  const std::string refusal = RefusalOutside(CLONE_NEWPID);
  if (refusal.empty()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(refusal,
            "process events: expected an answer, which the kernel gives in the "
            "initial PID and user namespaces only");
}

// The processes named in a datagram of one event, whose length is as the sender
// says.
std::vector<pid_t> NamedIn(pid_t executed, uint32_t length = 76) {
  std::vector<uint32_t> words(19);  // 76 bytes
  words[0] = length;
  words[4] = CN_IDX_PROC;
  words[5] = CN_VAL_PROC;
  words[9] = 0x2;  // exec
  words[13] = static_cast<uint32_t>(executed);
  std::vector<pid_t> pids;
  AddNamedProcesses({reinterpret_cast<const char*>(words.data()), 76}, pids);
  return pids;
}

TEST(AddNamedProcesses, MessageIsReadOnlyWhereAllOfItIsThere) {
  EXPECT_THAT(NamedIn(7), ElementsAre(7));
  for (const uint32_t length : {0U, 16U, 77U, 0x80000000U, 0xfffffff0U}) {
    EXPECT_THAT(NamedIn(7, length), IsEmpty()) << length;
  }
}

TEST(AddNamedProcesses, WhatIsNoProcessIdIsPassedOver) {
  for (const pid_t pid : {0, -1}) EXPECT_THAT(NamedIn(pid), IsEmpty()) << pid;
}

}  // namespace
}  // namespace resource_attribution::kernel
