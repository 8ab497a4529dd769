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

TEST(Values, UntracedProcessHasNoOverhead) {
  BlockSum sum;
  sum.Add(kReading, 10, {.state = TracingState::kTraced});
  sum.Add(kReading, 10, {.state = TracingState::kUnknown});
  sum.Add(kReading, 10, {.state = TracingState::kUntraced});
  const auto values = sum.Attribute({}, std::nullopt);
  EXPECT_EQ(values->process_memory_bytes, 3 * 52428800.0);
  EXPECT_EQ(values->process_cpu_percent, 30);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 2 * 786432);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 1);
}

TEST(Values, AllThatATracingProcessUsesIsOverhead) {
  const Options options{.tracing_process = true};
  BlockSum sum;
  sum.Add(kReading, std::nullopt);
  EXPECT_EQ(sum.Attribute(options, 4)->tracing_cpu_overhead_percent,
            std::nullopt);
  sum.Add(kReading, 10);
  const auto values = sum.Attribute(options, 4);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 2 * 52428800.0);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 2.5);
}

TEST(Values, CpuOfTracingThreadsIsMeasuredLikeThatOfTheProcess) {
  const Options options{.tracing_overhead = TracingOverhead::kThreads};
  BlockSum sum;
  sum.Add(kReading, 10);
  EXPECT_EQ(sum.Attribute(options, std::nullopt)->tracing_cpu_overhead_percent,
            std::nullopt);
  sum.Add(kReading, 10, {.thread_cpu_percent = 2});
  sum.Add(kReading, 10, {.thread_cpu_percent = 4});
  const auto values = sum.Attribute(options, std::nullopt);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 6);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 3 * 786432);
  EXPECT_EQ(sum.Attribute(options, 4)->tracing_cpu_overhead_percent, 1.5);
}

TEST(Values, ComparisonCountsForEachTracedProcess) {
  const Options options{.tracing_overhead = TracingOverhead::kCompared};
  BlockSum sum;
  for (int i = 0; i < 3; ++i) {
    sum.Add(kReading, 10, {.state = TracingState::kTraced});
  }
  sum.Add(kReading, 10, {.state = TracingState::kUntraced});
  sum.Add(kReading, 10, {.state = TracingState::kUnknown});
  const auto nothing = sum.Attribute(options, std::nullopt);
  EXPECT_EQ(nothing->tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_EQ(nothing->tracing_cpu_overhead_percent, std::nullopt);
  EXPECT_EQ(nothing->process_cpu_percent, 50);

  const Comparison::Difference difference{.memory_bytes = {.mean = 1000},
                                          .cpu_percent = {.mean = 4}};
  const auto values = sum.Attribute(options, 4, difference);
  EXPECT_EQ(values->tracing_memory_overhead_bytes, 3000);
  EXPECT_EQ(values->tracing_cpu_overhead_percent, 3);

  const Comparison::Difference negative{.memory_bytes = {.mean = -1000},
                                        .cpu_percent = {.mean = -4}};
  const auto floored = sum.Attribute(options, 4, negative);
  EXPECT_EQ(floored->tracing_memory_overhead_bytes, 0);
  EXPECT_EQ(floored->tracing_cpu_overhead_percent, 0);
}

}  // namespace
}  // namespace resource_attribution::attribution
