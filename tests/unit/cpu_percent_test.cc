#include "attribution/cpu_percent.h"

#include <gtest/gtest.h>

namespace resource_attribution::attribution {
namespace {

using std::chrono::milliseconds;

constexpr double kTicksPerSecond = 100;

std::chrono::steady_clock::time_point At(int ms) {
  return std::chrono::steady_clock::time_point(milliseconds(ms));
}

// A pass that began at `ms` on a host that booted 1,000 seconds before its
// monotonic clock was 0, as after a suspend.
Snapshot PassAt(int ms, std::vector<Reading> readings) {
  return {.begun = procfs::Instant{At(ms), milliseconds(1'000'000 + ms)},
          .readings = std::move(readings)};
}

Reading ReadingAt(int ms, procfs::ProcessId process, uint64_t ticks) {
  return {.process = process, .cpu_read = {At(ms), At(ms)}, .cpu_ticks = ticks};
}

constexpr procfs::ProcessId kOld{7, 500};

TEST(CpuPercent, IsTicksUsedOverTimePassed) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(12'000, kOld, 1100), kTicksPerSecond), 50);
}

TEST(CpuPercent, IsAbove100OnSeveralCpus) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, kOld, 1400), kTicksPerSecond),
      400);
}

TEST(CpuPercent, IdleIsZeroThatWasMeasured) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, kOld, 1000), kTicksPerSecond), 0);
}

TEST(CpuPercent, TimeIsThatOfTheTwoReadingsNotOfThePasses) {
  const auto previous = PassAt(10'000, {ReadingAt(10'500, kOld, 1000)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, kOld, 1050), kTicksPerSecond),
      100);
}

// Where the reader waited it is not known when in between the kernel counted.
TEST(CpuPercent, NeverIsMoreThanWasUsed) {
  auto before = ReadingAt(10'000, kOld, 1000);
  before.cpu_read.ended = At(10'900);
  auto now = ReadingAt(11'000, kOld, 1100);
  EXPECT_EQ(CpuPercent(PassAt(10'000, {before}), now, kTicksPerSecond), 100);
  now.cpu_read.ended = At(12'000);
  EXPECT_EQ(CpuPercent(PassAt(10'000, {before}), now, kTicksPerSecond), 50);
}

TEST(CpuPercent, FirstPassHasNone) {
  EXPECT_EQ(CpuPercent({}, ReadingAt(11'000, kOld, 1000), kTicksPerSecond),
            std::nullopt);
}

TEST(CpuPercent, ProcessThatJoinsLaterHasNoneAtFirst) {
  const auto previous = PassAt(10'000, {});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, kOld, 90'000), kTicksPerSecond),
      std::nullopt);
}

TEST(CpuPercent, ProcessStartedSinceThePreviousPassCountsFromItsStart) {
  const auto previous = PassAt(10'000, {});
  const procfs::ProcessId started{8, 101'050};  // at 10,500 ms
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, started, 25), kTicksPerSecond),
      25);
}

// Were its own short life the divisor, one tick would read as thousands of
// percent.
TEST(CpuPercent, ProcessThatHasJustStartedIsNotAbsurd) {
  const auto previous = PassAt(10'000, {});
  const procfs::ProcessId started{8, 101'099};
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, started, 1), kTicksPerSecond), 1);
}

TEST(CpuPercent, StartInTheTickInWhichThePassBeganCounts) {
  const auto previous = PassAt(10'009, {});
  EXPECT_NE(
      CpuPercent(previous, ReadingAt(11'000, {8, 101'000}, 1), kTicksPerSecond),
      std::nullopt);
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, {8, 100'999}, 1), kTicksPerSecond),
      std::nullopt);
}

TEST(CpuPercent, ReusedPidIsANewProcess) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  const procfs::ProcessId reused{kOld.pid, 101'000};
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, reused, 30), kTicksPerSecond), 30);
}

TEST(CpuPercent, FindsTheProcessAmongOthers) {
  const auto previous = PassAt(
      10'000, {ReadingAt(10'000, {1, 1}, 1), ReadingAt(10'000, {7, 400}, 2),
               ReadingAt(10'000, kOld, 1000), ReadingAt(10'000, {9, 1}, 3)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(11'000, kOld, 1010), kTicksPerSecond), 10);
}

TEST(CpuPercent, ClockThatStandsStillGivesNone) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  EXPECT_EQ(
      CpuPercent(previous, ReadingAt(10'000, kOld, 1001), kTicksPerSecond),
      std::nullopt);
  EXPECT_EQ(CpuPercent(previous, ReadingAt(9'000, kOld, 1001), kTicksPerSecond),
            std::nullopt);
}

TEST(CpuPercent, CounterThatGoesBackwardsGivesNone) {
  const auto previous = PassAt(10'000, {ReadingAt(10'000, kOld, 1000)});
  EXPECT_EQ(CpuPercent(previous, ReadingAt(11'000, kOld, 999), kTicksPerSecond),
            std::nullopt);
}

}  // namespace
}  // namespace resource_attribution::attribution
