#include "measures/thread_cpu.h"

#include <gtest/gtest.h>

namespace resource_attribution::measures {
namespace {

using procfs::Instant;
using std::chrono::seconds;
using store::Thread;

constexpr double kTicks = 100;
constexpr size_t kGroup = 2;
constexpr store::ThreadGroups kMember = 1U << kGroup;

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
    const std::string proc_path = "/proc";
    const auto proc = procfs::Procfs::Open(proc_path);
    const procfs::Clock clock = [] { return Instant{}; };
    return ThreadCpuPercent({.proc = *proc,
                             .clock = clock,
                             .begun = At(108),
                             .measured_from = measured_from_,
                             .ticks_per_second = kTicks},
                            id_, threads_, kGroup);
  }

  std::optional<Instant> measured_from_ = At(99);
  procfs::ProcessId id_{7, 50};
  store::Threads threads_{.readings = 2,
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
  id_.start_time = 9900;
  Add({.groups = kMember, .start_time = 9900, .cpu_ticks = 110});
  EXPECT_EQ(Percent(), 10);  // since the pass before began
  threads_.complete = false;
  EXPECT_EQ(Percent(), std::nullopt);
  threads_.complete = true;
  measured_from_.reset();
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
}  // namespace resource_attribution::measures
