// What the daemon and its child say to each other.

#include "child/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resource_attribution::child {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Skips the byte that says what is asked.
Reader RequestIn(const Bytes& bytes, Asked asked) {
  Reader reader(bytes);
  EXPECT_EQ(reader.Take<uint8_t>(), static_cast<uint8_t>(asked));
  return reader;
}

Reader ReplyIn(const Bytes& bytes) {
  Reader reader(bytes);
  EXPECT_EQ(ReadFailure(reader), std::nullopt);
  return reader;
}

PassReport SomeReport() {
  PassReport report;
  report.Clear(2);
  report.processes = {1, 70000};
  report.notices.push_back({.service = 1,
                            .kind = Notice::Kind::kTraffic,
                            .severity = Notice::Severity::kInfo,
                            .text = "text",
                            .detail = " and detail",
                            .process = 42});
  report.series.push_back(
      {.name = "checkout",
       .pid = std::nullopt,
       .values = {.process_memory_bytes = 1,
                  .process_memory_peak_bytes = 2,
                  .process_cpu_percent = 0,
                  .tracing_memory_overhead_bytes = std::nullopt,
                  .tracing_cpu_overhead_percent = 0.5,
                  .tracing_network_bytes =
                      Traffic{.sent = UINT64_MAX, .received = 7}}});
  report.series.push_back({.name = "", .pid = 4194304});
  report.components.push_back(
      {.series = "checkout", .component = "retriever", .cpu_percent = 12.5});
  report.tracing_costs.push_back(
      {.service = 1, .tracing_cpu = -0.5, .cpu = 40});
  return report;
}

TEST(Messages, SetupArrivesWhole) {
  Assignment assignment{.version = "1.2", .interval_seconds = 0.5};
  assignment.plugin_blocks.push_back(
      {.key = "Plugin",
       .values = {{.text = "resource_attribution"}},
       .children = {
           {.key = "Process",
            .values = {{.text = std::string("a\0b", 3)}},
            .children = {{.key = "Self", .values = {{.boolean = false}}}}},
           {.key = "Interval", .values = {{.number = 0.1}}}}});
  Bytes bytes;
  Write(assignment, bytes);
  Reader reader = RequestIn(bytes, Asked::kAssignment);
  const auto read = ReadAssignment(reader);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "1.2");
  EXPECT_EQ(read->interval_seconds, 0.5);
  ASSERT_EQ(read->plugin_blocks.size(), 1U);
  EXPECT_EQ(read->plugin_blocks[0].Text(), assignment.plugin_blocks[0].Text());
  const auto& children = read->plugin_blocks[0].children;
  ASSERT_EQ(children.size(), 2U);
  EXPECT_EQ(children[0].values[0].text, std::string("a\0b", 3));
  EXPECT_EQ(children[0].children[0].values[0].boolean, false);
  EXPECT_EQ(children[0].children[0].values[0].number, std::nullopt);
  EXPECT_EQ(children[1].values[0].number, 0.1);
}

TEST(Messages, PassArrivesWhole) {
  Bytes bytes;
  WritePass({.processes = {1, 2}, .users = {1000}, .files = {"/run/x"}}, bytes);
  Reader reader = RequestIn(bytes, Asked::kPass);
  const auto read = ReadPass(reader);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->processes, ElementsAre(1, 2));
  EXPECT_THAT(read->users, ElementsAre(1000U));
  EXPECT_THAT(read->files, ElementsAre("/run/x"));
}

TEST(Messages, ReadyArrivesWhole) {
  Bytes bytes;
  Write(Ready{.discovery = "by events",
              .warnings = {"a", "b"},
              .connections = "all"},
        bytes);
  Reader reader = ReplyIn(bytes);
  const auto read = ReadReady(reader);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->discovery, "by events");
  EXPECT_THAT(read->warnings, ElementsAre("a", "b"));
  EXPECT_EQ(read->connections, "all");
}

TEST(Messages, ReportArrivesWhole) {
  Bytes bytes;
  Write(SomeReport(), bytes);
  Reader reader = ReplyIn(bytes);
  PassReport report;
  ASSERT_TRUE(ReadReport(reader, 2, report));
  EXPECT_THAT(report.processes, ElementsAre(1, 70000));
  ASSERT_EQ(report.notices.size(), 1U);
  EXPECT_EQ(report.notices[0].service, 1U);
  EXPECT_EQ(report.notices[0].kind, Notice::Kind::kTraffic);
  EXPECT_EQ(report.notices[0].severity, Notice::Severity::kInfo);
  EXPECT_EQ(report.notices[0].text, "text");
  EXPECT_EQ(report.notices[0].detail, " and detail");
  EXPECT_EQ(report.notices[0].process, 42);
  ASSERT_EQ(report.series.size(), 2U);
  const Values& values = report.series[0].values;
  EXPECT_EQ(report.series[0].name, "checkout");
  EXPECT_EQ(report.series[0].pid, std::nullopt);
  EXPECT_EQ(values.process_memory_bytes, 1);
  EXPECT_EQ(values.process_memory_peak_bytes, 2);
  EXPECT_EQ(values.process_cpu_percent, 0);
  EXPECT_EQ(values.tracing_memory_overhead_bytes, std::nullopt);
  EXPECT_EQ(values.tracing_cpu_overhead_percent, 0.5);
  EXPECT_EQ(values.tracing_network_bytes,
            (Traffic{.sent = UINT64_MAX, .received = 7}));
  EXPECT_EQ(report.series[1].pid, 4194304);
  ASSERT_EQ(report.components.size(), 1U);
  EXPECT_EQ(report.components[0].series, "checkout");
  EXPECT_EQ(report.components[0].component, "retriever");
  EXPECT_EQ(report.components[0].cpu_percent, 12.5);
  ASSERT_EQ(report.tracing_costs.size(), 1U);
  EXPECT_EQ(report.tracing_costs[0].service, 1U);
  EXPECT_EQ(report.tracing_costs[0].tracing_cpu, -0.5);
  EXPECT_EQ(report.tracing_costs[0].cpu, 40);
}

TEST(Messages, FailureHasItsReason) {
  Bytes bytes;
  WriteFailure("no memory", bytes);
  Reader reader(bytes);
  EXPECT_EQ(ReadFailure(reader), "no memory");
}

TEST(Messages, TextArrivesWhole) {
  Bytes bytes;
  WriteText("1 init", bytes);
  Reader reader = ReplyIn(bytes);
  EXPECT_EQ(ReadText(reader), "1 init");
}

// A child that was taken over must not harm the daemon.
TEST(Messages, CutReportIsNone) {
  Bytes bytes;
  Write(SomeReport(), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Reader reader(std::span<const char>(bytes).first(size));
    PassReport report;
    const auto failure = ReadFailure(reader);
    EXPECT_TRUE(failure || !ReadReport(reader, 2, report)) << size;
  }
}

TEST(Messages, ReportWithMoreBehindItIsNone) {
  Bytes bytes;
  Write(SomeReport(), bytes);
  bytes.push_back('x');
  Reader reader = ReplyIn(bytes);
  PassReport report;
  EXPECT_FALSE(ReadReport(reader, 2, report));
}

TEST(Messages, ReportOnOtherServicesIsNone) {
  Bytes bytes;
  Write(SomeReport(), bytes);
  for (const size_t services : {0U, 1U, 3U}) {
    Reader reader = ReplyIn(bytes);
    PassReport report;
    EXPECT_FALSE(ReadReport(reader, services, report));
  }
}

TEST(Messages, NoticeOfAnUnknownKindIsNone) {
  PassReport report = SomeReport();
  report.notices[0].kind = static_cast<Notice::Kind>(Notice::kKinds);
  Bytes bytes;
  Write(report, bytes);
  Reader reader = ReplyIn(bytes);
  EXPECT_FALSE(ReadReport(reader, 2, report));
}

TEST(Messages, SizeBeyondTheMessageTakesNoMemory) {
  Bytes bytes;
  Writer writer(bytes);
  writer.Put(true);
  writer.Put(UINT64_MAX);
  Reader reader = ReplyIn(bytes);
  PassReport report;
  EXPECT_FALSE(ReadReport(reader, 0, report));
  EXPECT_THAT(report.processes, IsEmpty());
}

}  // namespace
}  // namespace resource_attribution::child
