#include "attribution/reading.h"

#include <gtest/gtest.h>

namespace resource_attribution::attribution {
namespace {

const procfs::ReadTime kNow{
    .begun = std::chrono::steady_clock::time_point(std::chrono::seconds(100)),
    .ended = std::chrono::steady_clock::time_point(std::chrono::seconds(101))};

TEST(Reading, TakesTicksAndBytesOfOneProcess) {
  const auto reading = MakeReading(
      {.pid = 5, .state = 'S', .utime = 3, .stime = 4, .start_time = 50},
      {.vm_peak_kb = 30, .vm_hwm_kb = 20, .vm_rss_kb = 10}, kNow);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->process, (procfs::ProcessId{5, 50}));
  EXPECT_EQ(reading->cpu_read, kNow);
  EXPECT_EQ(reading->cpu_ticks, 7U);
  EXPECT_EQ(reading->resident_bytes, 10240U);
  EXPECT_EQ(reading->peak_virtual_bytes, 30720U);
  EXPECT_EQ(reading->peak_resident_bytes, 20480U);
}

TEST(Reading, KernelThreadHasMemoryZeroAndItsCpu) {
  const auto reading = MakeReading(
      {.pid = 2, .state = 'S', .flags = 0x208040, .stime = 9}, {}, kNow);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->resident_bytes, 0U);
  EXPECT_EQ(reading->cpu_ticks, 9U);
}

TEST(Reading, ZombieHasEnded) {
  const procfs::Status memory{.vm_peak_kb = 1, .vm_hwm_kb = 1, .vm_rss_kb = 1};
  for (const char state : {'Z', 'X', 'x'}) {
    EXPECT_FALSE(MakeReading({.pid = 5, .state = state}, memory, kNow))
        << state;
  }
  EXPECT_TRUE(MakeReading({.pid = 5, .state = 'S'}, memory, kNow));
}

// It was running when `stat` was read and had given up its memory when `status`
// was: never CPU with a memory of 0.
TEST(Reading, ProcessOnItsWayOutHasEnded) {
  EXPECT_FALSE(MakeReading({.pid = 5, .state = 'R'}, {}, kNow));
}

TEST(Reading, AnyMissingMemoryLineIsNotZero) {
  const procfs::Stat stat{.pid = 5, .state = 'R'};
  EXPECT_FALSE(MakeReading(stat, {.vm_hwm_kb = 1, .vm_rss_kb = 1}, kNow));
  EXPECT_FALSE(MakeReading(stat, {.vm_peak_kb = 1, .vm_rss_kb = 1}, kNow));
  EXPECT_FALSE(MakeReading(stat, {.vm_peak_kb = 1, .vm_hwm_kb = 1}, kNow));
}

}  // namespace
}  // namespace resource_attribution::attribution
