#include "types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <sstream>

#include "fake_collectd.h"
#include "proc_tree.h"

namespace resource_attribution {
namespace {

using testing::Each;
using testing::ElementsAre;

class TypesTest : public testing::Test {
 protected:
  FakeCollectd collectd_;
};

// Name and definition of each type, as types.db(5) writes them.
using Definitions = std::map<std::string, std::string>;

Definitions Registered(const FakeCollectd& collectd) {
  Definitions definitions;
  for (const auto& [name, sources] : collectd.data_sets) {
    std::string& definition = definitions[name];
    for (const auto& source : sources) {
      EXPECT_EQ(source.min, 0);
      EXPECT_TRUE(std::isnan(source.max));
      if (!definition.empty()) definition += ", ";
      definition += source.name + ":" +
                    (source.type == DS_TYPE_GAUGE    ? "GAUGE"
                     : source.type == DS_TYPE_DERIVE ? "DERIVE"
                                                     : "?") +
                    ":0:U";
    }
  }
  return definitions;
}

TEST_F(TypesTest, TypesDbSaysWhatTheModuleRegisters) {
  ASSERT_EQ(RegisterTypes(), 0);
  std::istringstream file(ContentOf(SOURCE_DIR "/plugin/types.db"));
  Definitions in_file;
  std::string name;
  std::string definition;
  while (file >> name && std::getline(file >> std::ws, definition)) {
    in_file[name] = definition;
  }
  EXPECT_EQ(in_file.size(), 9U);
  EXPECT_EQ(in_file, Registered(collectd_));
}

TEST_F(TypesTest, ReadmeHasARowForEachTypeAndNoOther) {
  ASSERT_EQ(RegisterTypes(), 0);
  const std::string readme = ContentOf(SOURCE_DIR "/README.md");
  const std::regex row("\n\\| `((process|tracing)_[a-z_]+)` \\|");
  std::vector<std::string> rows;
  for (std::sregex_iterator it(readme.begin(), readme.end(), row), end;
       it != end; ++it) {
    rows.push_back((*it)[1]);
  }
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> registered;
  for (const auto& [name, set] : collectd_.data_sets)
    registered.push_back(name);
  EXPECT_EQ(rows, registered);
}

TEST_F(TypesTest, EachValueGoesUnderItsOwnType) {
  ASSERT_EQ(RegisterTypes(), 0);
  Dispatch(SeriesReport{.name = "checkout",
                        .pid = std::nullopt,
                        .values = {.process_memory_bytes = 1,
                                   .process_memory_peak_bytes = 2,
                                   .process_cpu_percent = 3,
                                   .tracing_memory_overhead_bytes = 4,
                                   .tracing_cpu_overhead_percent = 5}},
           77);
  std::map<std::string, double> dispatched;
  for (const auto& value : collectd_.values) {
    EXPECT_EQ(value.plugin, "resource_attribution");
    EXPECT_EQ(value.instance, "checkout");
    EXPECT_EQ(value.type_instance, "");
    EXPECT_EQ(value.time, 77U);
    EXPECT_EQ(collectd_.data_sets.count(value.type), 1U);
    dispatched[value.type] = value.value;
  }
  EXPECT_EQ(dispatched, (std::map<std::string, double>{
                            {"process_memory_bytes", 1},
                            {"process_memory_peak_bytes", 2},
                            {"process_cpu_percent", 3},
                            {"tracing_memory_overhead_bytes", 4},
                            {"tracing_cpu_overhead_percent", 5}}));
}

TEST_F(TypesTest, WhatWasNotMeasuredIsNotSent) {
  Dispatch(SeriesReport{"checkout", std::nullopt, {.process_memory_bytes = 1}},
           77);
  ASSERT_EQ(collectd_.values.size(), 1U);
  EXPECT_EQ(collectd_.values[0].type, "process_memory_bytes");
}

TEST_F(TypesTest, ExportTrafficHasTwoSources) {
  Dispatch(SeriesReport{.name = "checkout",
                        .pid = std::nullopt,
                        .values = {.tracing_network_bytes =
                                       Traffic{.sent = 5, .received = 7}}},
           77);
  ASSERT_EQ(collectd_.values.size(), 1U);
  const auto& value = collectd_.values.back();
  EXPECT_EQ(value.type, "tracing_network_bytes");
  EXPECT_EQ(value.type_instance, "");
  ASSERT_EQ(value.values.size(), 2U);
  EXPECT_EQ(value.values[0].derive, 5);
  EXPECT_EQ(value.values[1].derive, 7);
}

TEST_F(TypesTest, SamplingRatioIsThatOfItsBlock) {
  trace_sampling::SamplingControl::Controlled controlled{.service = 0,
                                                         .name = "checkout"};
  Dispatch(controlled, 77);
  EXPECT_EQ(collectd_.values.size(), 0U);
  controlled.ratio = 0.05;
  controlled.is_ineffective = true;
  Dispatch(controlled, 77);
  ASSERT_EQ(collectd_.values.size(), 2U);
  EXPECT_EQ(collectd_.values[1].type, "tracing_sampling_ineffective");
  EXPECT_EQ(collectd_.values[1].value, 1);
  const auto& value = collectd_.values[0];
  EXPECT_EQ(value.type, "tracing_sampling_ratio");
  EXPECT_EQ(value.instance, "checkout");
  EXPECT_EQ(value.type_instance, "");
  EXPECT_EQ(value.value, 0.05);
  EXPECT_EQ(value.time, 77U);
}

TEST_F(TypesTest, ComponentIsTheTypeInstanceOfItsCpu) {
  Dispatch(
      ComponentReport{
          .series = "checkout", .component = "retriever", .cpu_percent = 12.5},
      77);
  ASSERT_EQ(collectd_.values.size(), 1U);
  const auto& value = collectd_.values[0];
  EXPECT_EQ(value.type, "process_component_cpu_percent");
  EXPECT_EQ(value.instance, "checkout");
  EXPECT_EQ(value.type_instance, "retriever");
  EXPECT_EQ(value.value, 12.5);
  EXPECT_EQ(value.time, 77U);
}

TEST_F(TypesTest, OneRefusedValueDoesNotKeepTheOthersBack) {
  collectd_.dispatch_fails = true;
  Dispatch(SeriesReport{"checkout",
                        std::nullopt,
                        {.process_memory_bytes = 1, .process_cpu_percent = 2}},
           77);
  EXPECT_EQ(collectd_.values.size(), 2U);
}

TEST_F(TypesTest, ValuesOfOneProcessCarryItsPid) {
  Dispatch(SeriesReport{"checkout", 4194304, {.process_memory_bytes = 1}}, 77);
  ASSERT_EQ(collectd_.values.size(), 1U);
  EXPECT_EQ(collectd_.values[0].instance, "checkout");
  EXPECT_EQ(collectd_.values[0].type_instance, "4194304");
}

}  // namespace
}  // namespace resource_attribution
