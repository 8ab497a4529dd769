#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "observed_service.h"

namespace resource_attribution {
namespace {

using measures::TracingState;
using testing::IsEmpty;

constexpr procfs::Status kStatus{
    .vm_peak_kb = 90000, .vm_hwm_kb = 70000, .vm_rss_kb = 51200};
constexpr double kResidentBytes = 52428800;

store::Record Process(std::optional<double> cpu_percent) {
  return ObservedService::Process(kStatus, cpu_percent);
}

TEST(Measures, OfOneProcessAreTheTableOfTheReadme) {
  ObservedService service({});
  service.Add(Process(12.5));
  const Values values = service.Pass();
  EXPECT_EQ(values.process_memory_bytes, kResidentBytes);
  EXPECT_EQ(values.process_memory_peak_bytes, 92160000);
  EXPECT_EQ(values.process_cpu_percent, 12.5);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 786432);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(values.tracing_network_bytes, std::nullopt);
}

TEST(Measures, OfAServiceAreTheSums) {
  ObservedService service({});
  for (int i = 0; i < 8; ++i) service.Add(Process(10));
  const Values values = service.Pass();
  EXPECT_EQ(values.process_memory_bytes, 8 * kResidentBytes);
  EXPECT_EQ(values.process_memory_peak_bytes, 8 * 92160000.0);
  EXPECT_EQ(values.process_cpu_percent, 80);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 8 * 786432);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 4);
}

TEST(Measures, CpuIsAbsentUntilAProcessHasSome) {
  ObservedService service({});
  service.Add(Process(std::nullopt));
  EXPECT_EQ(service.Pass().process_cpu_percent, std::nullopt);
  service.Add(Process(0));
  EXPECT_EQ(service.Pass().process_cpu_percent, 0);
}

TEST(Measures, MemberThatJoinsCountsForCpuFromItsSecondReading) {
  ObservedService service({});
  service.Add(Process(30));
  service.Add(Process(std::nullopt));
  const Values values = service.Pass();
  EXPECT_EQ(values.process_cpu_percent, 30);
  EXPECT_EQ(values.process_memory_bytes, 2 * kResidentBytes);
}

TEST(Measures, ShareOfTheHostDividesTheMeasuredCpuOnly) {
  ObservedService service({});
  service.Add(Process(100));
  const Values values = service.Pass(/*host_cpus=*/4);
  EXPECT_EQ(values.process_cpu_percent, 25);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 0.5);
}

// A counter that moves in ticks may be one tick ahead of the clock.
TEST(Measures, ShareOfTheHostStaysWithin100) {
  ObservedService service({});
  service.Add(Process(410));
  EXPECT_EQ(service.Pass(/*host_cpus=*/4).process_cpu_percent, 100);
  EXPECT_DOUBLE_EQ(service.Pass().process_cpu_percent.value_or(-1), 410);
}

TEST(Measures, PeakMayBeOfTheResidentSet) {
  ObservedService service({.peak_memory = PeakMemory::kVmHwm});
  service.Add(Process(0));
  EXPECT_EQ(service.Pass().process_memory_peak_bytes, 71680000);
}

TEST(Measures, EstimatesFollowTheOptions) {
  ObservedService service(
      {.tracing_memory_percent = 2, .tracing_cpu_percent = 0});
  service.Add(Process(0));
  const Values values = service.Pass();
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 1048576);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 0);
}

TEST(Measures, LargeMemoryStaysExact) {
  ObservedService service({});
  service.Add(ObservedService::Process({.vm_rss_kb = (uint64_t{1} << 43) - 1},
                                       std::nullopt));
  EXPECT_EQ(service.Pass().process_memory_bytes, 9007199254739968.0);
}

TEST(Measures, UntracedProcessHasNoOverhead) {
  ObservedService service({});
  service.Add(Process(10), TracingState::kTraced);
  service.Add(Process(10), TracingState::kUnknown);
  service.Add(Process(10), TracingState::kUntraced);
  const Values values = service.Pass();
  EXPECT_EQ(values.process_memory_bytes, 3 * kResidentBytes);
  EXPECT_EQ(values.process_cpu_percent, 30);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 2 * 786432);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 1);
}

TEST(Measures, AllThatATracingProcessUsesIsOverhead) {
  ObservedService service({.tracing_process = true});
  service.Add(Process(std::nullopt));
  EXPECT_EQ(service.Pass(4).tracing_cpu_overhead_percent, std::nullopt);
  service.Add(Process(10));
  const Values values = service.Pass(4);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 2 * kResidentBytes);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 2.5);
}

// A process whose threads were read a second apart; one of them traces.
store::Record WithTracingThread(double cpu_percent) {
  store::Record record = Process(10);
  const auto second = std::chrono::seconds(1);
  store::Threads threads{
      .readings = 2,
      .read_ended = std::chrono::steady_clock::time_point(second),
      .read_before = procfs::Instant{},
      .complete = true,
      .complete_before = true,
      .groups_seen = 1};
  threads.threads.push_back(
      {.groups = 1,
       .cpu_ticks = static_cast<uint64_t>(cpu_percent * 10),
       .cpu_ticks_before = 0});
  record.threads.push_back({.service = 0, .threads = threads});
  return record;
}

TEST(Measures, CpuOfTracingThreadsIsMeasuredLikeThatOfTheProcess) {
  ObservedService service({.tracing_overhead = TracingOverhead::kThreads});
  service.Add(Process(10));
  EXPECT_EQ(service.Pass().tracing_cpu_overhead_percent, std::nullopt);
  service.Add(WithTracingThread(2));
  service.Add(WithTracingThread(4));
  const Values values = service.Pass();
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 6);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 3 * 786432);
  EXPECT_EQ(service.Pass(4).tracing_cpu_overhead_percent, 1.5);
}

// `traced` and `untraced` are the resident set in kB and the CPU of a process.
Values Compare(procfs::Status traced, double traced_cpu,
               procfs::Status untraced, double untraced_cpu) {
  ObservedService service(
      {.tracing_overhead = TracingOverhead::kCompared, .compare_window = 2});
  for (int i = 0; i < 3; ++i) {
    service.Add(ObservedService::Process(traced, traced_cpu),
                TracingState::kTraced);
  }
  service.Add(ObservedService::Process(untraced, untraced_cpu),
              TracingState::kUntraced);
  service.Add(ObservedService::Process(untraced, untraced_cpu),
              TracingState::kUnknown);
  const Values nothing = service.Pass(4);
  EXPECT_EQ(nothing.tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_EQ(nothing.tracing_cpu_overhead_percent, std::nullopt);
  EXPECT_NE(service.report().Find(0, Notice::Kind::kNotCompared), nullptr);
  const Values values = service.Pass(4);
  EXPECT_NE(service.report().Find(0, Notice::Kind::kCompared), nullptr);
  return values;
}

TEST(Measures, CostIsReportedInEachPassWhereSamplingDependsOnIt) {
  ObservedService service(
      {.tracing_overhead = TracingOverhead::kCompared, .sampling = Sampling{}});
  for (const double cpu : {14, 16}) {
    service.Add(ObservedService::Process({.vm_rss_kb = 1}, cpu),
                TracingState::kTraced);
  }
  service.Pass(4);
  EXPECT_THAT(service.report().tracing_costs, IsEmpty());
  service.Add(ObservedService::Process({.vm_rss_kb = 1}, 10),
              TracingState::kUntraced);
  service.Pass(4);
  ASSERT_EQ(service.report().tracing_costs.size(), 1U);
  const TracingCost& cost = service.report().tracing_costs[0];
  EXPECT_EQ(cost.service, 0U);
  EXPECT_DOUBLE_EQ(cost.tracing_cpu, 5);
  EXPECT_DOUBLE_EQ(cost.cpu, 15);
}

TEST(Measures, NoCostIsReportedWhereNothingDependsOnIt) {
  ObservedService service({.tracing_overhead = TracingOverhead::kCompared});
  service.Add(ObservedService::Process({}, 14), TracingState::kTraced);
  service.Add(ObservedService::Process({}, 10), TracingState::kUntraced);
  service.Pass(4);
  EXPECT_THAT(service.report().tracing_costs, IsEmpty());
}

TEST(Measures, ComparisonCountsForEachTracedProcess) {
  const Values values = Compare({.vm_rss_kb = 30}, 14, {.vm_rss_kb = 20}, 10);
  EXPECT_DOUBLE_EQ(values.process_cpu_percent.value_or(-1),
                   (3 * 14 + 2 * 10) / 4.0);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, 3 * 10240);
  EXPECT_DOUBLE_EQ(values.tracing_cpu_overhead_percent.value_or(-1), 3);
}

// A cost of 0 would be said of something that is unknown.
TEST(Measures, ComparisonReportsNothingWhereUntracedProcessesUseMore) {
  const Values values = Compare({.vm_rss_kb = 20}, 10, {.vm_rss_kb = 30}, 14);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, std::nullopt);
}

}  // namespace
}  // namespace resource_attribution
