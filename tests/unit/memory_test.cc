#include "measures/memory.h"

#include <gtest/gtest.h>

namespace resource_attribution::measures {
namespace {

const procfs::Status kMemory{
    .vm_peak_kb = 30, .vm_hwm_kb = 20, .vm_rss_kb = 10};

store::Record Record(const procfs::Stat& stat, const procfs::Status& status) {
  store::Record record{.id = {5, 50}, .pass = 3};
  record.stat = stat;
  record.status = status;
  return record;
}

TEST(MemoryOf, IsInBytes) {
  const auto memory = MemoryOf(Record({.pid = 5, .state = 'S'}, kMemory));
  EXPECT_EQ(memory.resident, 10240U);
  EXPECT_EQ(memory.peak_virtual, 30720U);
  EXPECT_EQ(memory.peak_resident, 20480U);
  EXPECT_EQ(memory.proportional, std::nullopt);
}

TEST(MemoryOf, ProportionalSetOfAnEarlierPassIsNone) {
  auto record = Record({.pid = 5, .state = 'S'}, kMemory);
  record.pss_kb = 4;
  record.pss_pass = 2;
  EXPECT_EQ(MemoryOf(record).proportional, std::nullopt);
  record.pss_pass = 3;
  EXPECT_EQ(MemoryOf(record).proportional, 4096U);
}

TEST(MemoryOf, KernelThreadIsZero) {
  const auto memory =
      MemoryOf(Record({.pid = 2, .state = 'S', .flags = 0x208040}, {}));
  EXPECT_EQ(memory.resident, 0U);
  EXPECT_EQ(memory.proportional, 0U);
}

// The memory is that of its parent, which has it already.
TEST(MemoryOf, ChildWithTheAddressSpaceOfItsParentIsZero) {
  auto child = Record({.pid = 5, .state = 'S'}, kMemory);
  child.shares_memory = true;
  const auto memory = MemoryOf(child);
  EXPECT_EQ(memory.resident, 0U);
  EXPECT_EQ(memory.peak_virtual, 0U);
  EXPECT_EQ(memory.peak_resident, 0U);
  EXPECT_EQ(memory.proportional, 0U);
}

TEST(MemoryOf, MissingLineIsAbsentNotZero) {
  const procfs::Stat stat{.pid = 5, .state = 'R'};
  EXPECT_EQ(MemoryOf(Record(stat, {.vm_rss_kb = 1})).peak_virtual,
            std::nullopt);
  EXPECT_EQ(MemoryOf(Record(stat, {.vm_rss_kb = 1})).resident, 1024U);
  EXPECT_EQ(MemoryOf(Record(stat, {.vm_hwm_kb = 1})).resident, std::nullopt);
}

TEST(MemoryBytes, SizeThatOneProcessLacksIsAbsentInTheSum) {
  MemoryBytes sum;
  sum.Add({.resident = 1, .peak_virtual = 2, .proportional = std::nullopt});
  sum.Add({.resident = 4, .peak_virtual = 8, .proportional = 16});
  EXPECT_EQ(sum.resident, 5U);
  EXPECT_EQ(sum.peak_virtual, 10U);
  EXPECT_EQ(sum.proportional, std::nullopt);
}

}  // namespace
}  // namespace resource_attribution::measures
