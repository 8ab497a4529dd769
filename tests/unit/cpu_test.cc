#include "measures/cpu.h"

#include <gtest/gtest.h>

#include <string>

namespace resource_attribution::measures {
namespace {

using std::chrono::milliseconds;

constexpr double kTicksPerSecond = 100;

std::chrono::steady_clock::time_point At(int ms) {
  return std::chrono::steady_clock::time_point(milliseconds(ms));
}

struct Reading {
  procfs::ReadTime time;
  procfs::ProcessId process;
  uint64_t user_ticks = 0;
  uint64_t system_ticks = 0;
};

Reading ReadAt(int ms, procfs::ProcessId process, uint64_t ticks) {
  return {{At(ms), At(ms)}, process, ticks};
}

// CPU of `now` where the last pass that measured CPU began at `ms`, on a host
// that booted 1,000 seconds before its monotonic clock was 0, as after a
// suspend; `before` is the process as it was read in that pass.
std::optional<double> CpuSince(std::optional<int> ms,
                               const std::optional<Reading>& before,
                               const Reading& now) {
  const std::string proc_path = "/proc";
  const auto proc = procfs::Procfs::Open(proc_path);
  const procfs::Clock clock = [] { return procfs::Instant{}; };
  Pass pass{.proc = *proc, .clock = clock, .begun = {}};
  pass.ticks_per_second = kTicksPerSecond;
  if (ms) pass.measured_from = {At(*ms), milliseconds(1'000'000 + *ms)};
  store::Record record{.id = now.process};
  record.stat_read = now.time;
  record.stat.utime = now.user_ticks;
  record.stat.stime = now.system_ticks;
  if (before) {
    record.baseline = {.ticks = before->user_ticks + before->system_ticks,
                       .read_begun = before->time.begun};
  }
  return CpuPercent(pass, record);
}

constexpr procfs::ProcessId kOld{7, 500};

TEST(CpuPercent, IsTicksUsedOverTimePassed) {
  EXPECT_EQ(
      CpuSince(10'000, ReadAt(10'000, kOld, 1000), ReadAt(12'000, kOld, 1100)),
      50);
}

TEST(CpuPercent, IsUserAndSystemTime) {
  auto now = ReadAt(11'000, kOld, 1010);
  now.system_ticks = 20;
  EXPECT_EQ(CpuSince(10'000, ReadAt(10'000, kOld, 1000), now), 30);
}

TEST(CpuPercent, IsAbove100OnSeveralCpus) {
  EXPECT_EQ(
      CpuSince(10'000, ReadAt(10'000, kOld, 1000), ReadAt(11'000, kOld, 1400)),
      400);
}

TEST(CpuPercent, IdleIsZeroThatWasMeasured) {
  EXPECT_EQ(
      CpuSince(10'000, ReadAt(10'000, kOld, 1000), ReadAt(11'000, kOld, 1000)),
      0);
}

TEST(CpuPercent, TimeIsThatOfTheTwoReadingsNotOfThePasses) {
  EXPECT_EQ(
      CpuSince(10'000, ReadAt(10'500, kOld, 1000), ReadAt(11'000, kOld, 1050)),
      100);
}

// Where the daemon waited it is not known when in between the kernel counted.
TEST(CpuPercent, NeverIsMoreThanWasUsed) {
  auto before = ReadAt(10'000, kOld, 1000);
  before.time.ended = At(10'900);
  auto now = ReadAt(11'000, kOld, 1100);
  EXPECT_EQ(CpuSince(10'000, before, now), 100);
  now.time.ended = At(12'000);
  EXPECT_EQ(CpuSince(10'000, before, now), 50);
}

TEST(CpuPercent, FirstPassHasNone) {
  EXPECT_EQ(CpuSince(std::nullopt, std::nullopt, ReadAt(11'000, kOld, 1000)),
            std::nullopt);
}

TEST(CpuPercent, ProcessThatJoinsLaterHasNoneAtFirst) {
  EXPECT_EQ(CpuSince(10'000, std::nullopt, ReadAt(11'000, kOld, 90'000)),
            std::nullopt);
}

TEST(CpuPercent, ProcessStartedSinceThePreviousPassCountsFromItsStart) {
  const procfs::ProcessId started{8, 101'050};  // at 10,500 ms
  EXPECT_EQ(CpuSince(10'000, std::nullopt, ReadAt(11'000, started, 25)), 25);
}

// Were its own short life the divisor, one tick would read as thousands of
// percent.
TEST(CpuPercent, ProcessThatHasJustStartedIsNotAbsurd) {
  const procfs::ProcessId started{8, 101'099};
  EXPECT_EQ(CpuSince(10'000, std::nullopt, ReadAt(11'000, started, 1)), 1);
}

TEST(CpuPercent, StartInTheTickInWhichThePassBeganCounts) {
  EXPECT_NE(CpuSince(10'009, std::nullopt, ReadAt(11'000, {8, 101'000}, 1)),
            std::nullopt);
  EXPECT_EQ(CpuSince(10'009, std::nullopt, ReadAt(11'000, {8, 100'999}, 1)),
            std::nullopt);
}

TEST(CpuPercent, ClockThatStandsStillGivesNone) {
  const auto before = ReadAt(10'000, kOld, 1000);
  EXPECT_EQ(CpuSince(10'000, before, ReadAt(10'000, kOld, 1001)), std::nullopt);
  EXPECT_EQ(CpuSince(10'000, before, ReadAt(9'000, kOld, 1001)), std::nullopt);
}

TEST(CpuPercent, CounterThatGoesBackwardsGivesNone) {
  EXPECT_EQ(
      CpuSince(10'000, ReadAt(10'000, kOld, 1000), ReadAt(11'000, kOld, 999)),
      std::nullopt);
}

}  // namespace
}  // namespace resource_attribution::measures
