#include "attribution/reading.h"

#include <gtest/gtest.h>

namespace resource_attribution::attribution {
namespace {

const procfs::ReadTime kNow{
    .begun = std::chrono::steady_clock::time_point(std::chrono::seconds(100)),
    .ended = std::chrono::steady_clock::time_point(std::chrono::seconds(101))};

const procfs::Status kMemory{
    .vm_peak_kb = 30, .vm_hwm_kb = 20, .vm_rss_kb = 10};

procfs::WatchedProcess Read(const procfs::Stat& stat,
                            const procfs::Status& status) {
  procfs::WatchedProcess process;
  process.id = {5, 50};
  process.stat_read = kNow;
  process.stat = stat;
  process.status = status;
  return process;
}

TEST(Reading, TakesTicksAndBytesOfOneProcess) {
  const auto reading = MakeReading(
      Read({.pid = 5, .state = 'S', .utime = 3, .stime = 4}, kMemory));
  EXPECT_EQ(reading.process, (procfs::ProcessId{5, 50}));
  EXPECT_EQ(reading.cpu_read, kNow);
  EXPECT_EQ(reading.cpu_ticks, 7U);
  EXPECT_EQ(reading.resident_bytes, 10240U);
  EXPECT_EQ(reading.peak_virtual_bytes, 30720U);
  EXPECT_EQ(reading.peak_resident_bytes, 20480U);
  EXPECT_EQ(reading.proportional_bytes, std::nullopt);
}

TEST(Reading, KernelThreadHasMemoryZeroAndItsCpu) {
  const auto reading = MakeReading(
      Read({.pid = 2, .state = 'S', .flags = 0x208040, .stime = 9}, {}));
  EXPECT_EQ(reading.resident_bytes, 0U);
  EXPECT_EQ(reading.proportional_bytes, 0U);
  EXPECT_EQ(reading.cpu_ticks, 9U);
}

// The memory is that of its parent, which has it already.
TEST(Reading, ChildWithTheAddressSpaceOfItsParentHasMemoryZero) {
  auto child = Read({.pid = 5, .state = 'S', .utime = 3}, kMemory);
  child.shares_memory = true;
  const auto reading = MakeReading(child);
  EXPECT_EQ(reading.resident_bytes, 0U);
  EXPECT_EQ(reading.peak_virtual_bytes, 0U);
  EXPECT_EQ(reading.peak_resident_bytes, 0U);
  EXPECT_EQ(reading.proportional_bytes, 0U);
  EXPECT_EQ(reading.cpu_ticks, 3U);
}

TEST(Reading, MissingMemoryLineIsAbsentNotZero) {
  const procfs::Stat stat{.pid = 5, .state = 'R'};
  EXPECT_EQ(MakeReading(Read(stat, {.vm_rss_kb = 1})).peak_virtual_bytes,
            std::nullopt);
  EXPECT_EQ(MakeReading(Read(stat, {.vm_rss_kb = 1})).resident_bytes, 1024U);
  EXPECT_EQ(MakeReading(Read(stat, {.vm_hwm_kb = 1})).resident_bytes,
            std::nullopt);
}

}  // namespace
}  // namespace resource_attribution::attribution
