#include "attribution/thread_cpu.h"

#include <gtest/gtest.h>

namespace resource_attribution::attribution {
namespace {

using procfs::Instant;
using procfs::ProcessThreads;
using procfs::Thread;
using std::chrono::seconds;

constexpr double kTicks = 100;
constexpr size_t kGroup = 2;
constexpr procfs::ThreadGroups kMember = 1U << kGroup;

Instant At(int second) {
  return {.monotonic = std::chrono::steady_clock::time_point(seconds(second)),
          .since_boot = seconds(second)};
}

// A process that was read at the seconds 100 and 110, with a pass that began
// at 99.
class ThreadCpuTest : public testing::Test {
 protected:
  void Add(const Thread& thread) { threads_.threads.push_back(thread); }

  std::optional<double> Percent() {
    return ThreadCpuPercent(previous_, threads_, kGroup, kTicks);
  }

  Snapshot previous_{.begun = At(99), .readings = {}};
  ProcessThreads threads_{.id = {7, 50},
                          .readings = 2,
                          .read_begun = At(109),
                          .read_ended = At(110).monotonic,
                          .read_before = At(100),
                          .complete = true,
                          .complete_before = true,
                          .groups_seen = kMember};
};

TEST_F(ThreadCpuTest, AddsUpTheThreadsOfTheGroup) {
  Add({.groups = kMember, .cpu_ticks = 150, .cpu_ticks_before = 100});
  Add({.groups = kMember, .cpu_ticks = 1050, .cpu_ticks_before = 1000});
  Add({.groups = 1, .cpu_ticks = 5000, .cpu_ticks_before = 0});
  EXPECT_EQ(Percent(), 10);
}

TEST_F(ThreadCpuTest, WithoutAThreadAnyMoreIsZero) { EXPECT_EQ(Percent(), 0); }

TEST_F(ThreadCpuTest, HasNoneWhereNoThreadEverBelonged) {
  threads_.groups_seen = ~kMember;
  EXPECT_EQ(Percent(), std::nullopt);
}

TEST_F(ThreadCpuTest, ThreadThatStartedMeanwhileCountsFromItsStart) {
  Add({.groups = kMember, .start_time = 10000, .cpu_ticks = 100});
  EXPECT_EQ(Percent(), 10);
}

TEST_F(ThreadCpuTest, ThreadFoundLateCountsFromTheNextReading) {
  Add({.groups = kMember, .start_time = 9999, .cpu_ticks = 100});
  EXPECT_EQ(Percent(), 0);
}

TEST_F(ThreadCpuTest, FirstReadingOfAnOldProcessHasNone) {
  threads_.read_before.reset();
  Add({.groups = kMember, .start_time = 50, .cpu_ticks = 100});
  EXPECT_EQ(Percent(), std::nullopt);
}

TEST_F(ThreadCpuTest, ProcessThatStartedMeanwhileCountsFromItsStart) {
  threads_.read_before.reset();
  threads_.complete_before = false;
  threads_.id.start_time = 9900;
  Add({.groups = kMember, .start_time = 9900, .cpu_ticks = 110});
  EXPECT_EQ(Percent(), 10);  // since the pass before began
  threads_.complete = false;
  EXPECT_EQ(Percent(), std::nullopt);
  threads_.complete = true;
  previous_.begun.reset();
  EXPECT_EQ(Percent(), std::nullopt);
}

TEST_F(ThreadCpuTest, HasNoneUntilEachThreadWasLookedAt) {
  threads_.complete_before = false;
  EXPECT_EQ(Percent(), std::nullopt);
}

TEST_F(ThreadCpuTest, HasNoneWhileTheClockStandsStill) {
  threads_.read_ended = At(100).monotonic;
  EXPECT_EQ(Percent(), std::nullopt);
}

TEST_F(ThreadCpuTest, CounterThatWentBackwardsIsNotTakenOff) {
  Add({.groups = kMember, .cpu_ticks = 10, .cpu_ticks_before = 500});
  Add({.groups = kMember, .cpu_ticks = 150, .cpu_ticks_before = 100});
  EXPECT_EQ(Percent(), 5);
}

}  // namespace
}  // namespace resource_attribution::attribution
