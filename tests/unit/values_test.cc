#include "attribution/values.h"

#include <gtest/gtest.h>

namespace resource_attribution::attribution {
namespace {

constexpr Reading kReading{.resident_bytes = 52428800,
                           .peak_virtual_bytes = 900,
                           .peak_resident_bytes = 700};

TEST(Values, OfOneProcessAreTheTableOfTheReadme) {
  BlockSum sum;
  sum.Add(kReading, 12.5);
  const auto values = sum.Attribute({}, std::nullopt);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->process_memory_bytes, 52428800);
  EXPECT_EQ(values->process_memory_peak_bytes, 900);
  EXPECT_EQ(values->process_cpu_percent, 12.5);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 786432);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 0.5);
}

TEST(Values, OfABlockAreTheSums) {
  BlockSum sum;
  for (int i = 0; i < 8; ++i) sum.Add(kReading, 10);
  EXPECT_EQ(sum.processes(), 8U);
  const auto values = sum.Attribute({}, std::nullopt);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->process_memory_bytes, 8 * 52428800.0);
  EXPECT_EQ(values->process_memory_peak_bytes, 7200);
  EXPECT_EQ(values->process_cpu_percent, 80);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 8 * 786432);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 4);
}

TEST(Values, WithoutAProcessThereAreNone) {
  EXPECT_FALSE(BlockSum().Attribute({}, std::nullopt));
}

TEST(Values, CpuIsAbsentUntilAProcessHasSome) {
  BlockSum sum;
  sum.Add(kReading, std::nullopt);
  EXPECT_EQ(sum.Attribute({}, std::nullopt)->process_cpu_percent, std::nullopt);
  sum.Add(kReading, 0);
  EXPECT_EQ(sum.Attribute({}, std::nullopt)->process_cpu_percent, 0);
}

TEST(Values, MemberThatJoinsCountsForCpuFromItsSecondReading) {
  BlockSum sum;
  sum.Add(kReading, 30);
  sum.Add(kReading, std::nullopt);
  const auto values = sum.Attribute({}, std::nullopt);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->process_cpu_percent, 30);
  EXPECT_EQ(values->process_memory_bytes, 2 * 52428800.0);
}

TEST(Values, ShareOfTheHostDividesTheMeasuredCpuOnly) {
  BlockSum sum;
  sum.Add(kReading, 100);
  const auto values = sum.Attribute({}, 4);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->process_cpu_percent, 25);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 0.5);
}

// A counter that moves in ticks may be one tick ahead of the clock.
TEST(Values, ShareOfTheHostStaysWithin100) {
  BlockSum sum;
  sum.Add(kReading, 410);
  EXPECT_EQ(sum.Attribute({}, 4)->process_cpu_percent, 100);
  EXPECT_EQ(sum.Attribute({}, std::nullopt)->process_cpu_percent, 410);
}

TEST(Values, PeakMayBeOfTheResidentSet) {
  BlockSum sum;
  sum.Add(kReading, 0);
  const auto values =
      sum.Attribute({.peak_memory = PeakMemory::kVmHwm}, std::nullopt);
  EXPECT_EQ(values->process_memory_peak_bytes, 700);
}

TEST(Values, EstimatesFollowTheOptions) {
  BlockSum sum;
  sum.Add(kReading, 0);
  const auto values = sum.Attribute(
      {.tracing_memory_percent = 2, .tracing_cpu_percent = 0}, std::nullopt);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 1048576);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 0);
}

TEST(Values, LargeMemoryStaysExact) {
  BlockSum sum;
  sum.Add({.resident_bytes = (uint64_t{1} << 53) - 1024}, 0);
  EXPECT_EQ(sum.Attribute({}, std::nullopt)->process_memory_bytes,
            9007199254739968.0);
}

}  // namespace
}  // namespace resource_attribution::attribution
