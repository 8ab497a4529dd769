#include "trace_sampling/sampling_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "proc_tree.h"

namespace resource_attribution::trace_sampling {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class SamplingControlTest : public testing::Test {
 protected:
  SamplingControlTest() {
    config_.sampling_mode = SamplingMode::kAct;
    config_.sampling_files = {.strategies = strategies_path(),
                              .answers = directory_.path()};
    config_.services.resize(2);
    config_.services[0].name = "unwatched";
    config_.services[1].name = "checkout";
    config_.services[1].compare_window = 2;
    config_.services[1].sampling =
        Sampling{.service = "shop-checkout",
                 .max_cpu_share = 3,
                 .ratios = {.least = 0.001, .greatest = 0.1}};
  }

  std::string strategies_path() const {
    return directory_.path() / "strategies.json";
  }
  std::string answer_path() const {
    return directory_.path() / "shop-checkout.json";
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // A pass three minutes after the one before; returns what it says.
  std::vector<std::string> Pass(double share) {
    now_ += std::chrono::minutes(3);
    PassReport report;
    report.Clear(2);
    report.tracing_costs.push_back(
        {.service = 1, .tracing_cpu = share, .cpu = 100});
    Control().Take(now_, &report);
    std::vector<std::string> said;
    for (const Notice& notice : report.notices) {
      EXPECT_EQ(notice.service, 1U);
      said.push_back(notice.text);
    }
    return said;
  }

  // The passes until the first ratio is in force and a full window has passed,
  // but for its last pass. Returns what they say.
  std::vector<std::string> Begin(double share) {
    std::vector<std::string> said;
    for (int pass = 0; pass < 4; ++pass) {
      for (auto& text : Pass(share)) said.push_back(std::move(text));
    }
    return said;
  }

  SamplingControl& Control() {
    if (!control_) control_.emplace(config_);
    return *control_;
  }

  std::optional<double> RatioInForce() {
    return Control().controlled().front().ratio;
  }

  TemporaryDirectory directory_;
  Config config_;
  SamplingControl::Clock::time_point now_{};
  std::optional<SamplingControl> control_;
};

TEST_F(SamplingControlTest, FirstPassChangesNoFile) {
  Pass(10);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  EXPECT_EQ(RatioInForce(), std::nullopt);
  EXPECT_THAT(Control().Return(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(SamplingControlTest, FilesBeginWithTheGreatestRatio) {
  Pass(1);
  EXPECT_THAT(Pass(1), IsEmpty());
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_EQ(Read(strategies_path()),
            StrategiesText({{"shop-checkout", 0.1}}, 0.001));
  EXPECT_EQ(Read(answer_path()), AnswerText(0.1));
}

TEST_F(SamplingControlTest, StepIsWrittenAndSaidOnce) {
  EXPECT_THAT(Begin(10), IsEmpty());
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_THAT(Pass(10.001),
              ElementsAre("sampling ratio lowered from 0.1 to 0.05: tracing "
                          "takes 10.00 % of the CPU (standard error 0.00), "
                          "MaxCPUShare 3"));
  EXPECT_EQ(RatioInForce(), 0.05);
  EXPECT_EQ(Read(answer_path()), AnswerText(0.05));
  EXPECT_EQ(Read(strategies_path()),
            StrategiesText({{"shop-checkout", 0.05}}, 0.001));
  EXPECT_THAT(Begin(2.5), IsEmpty());
}

TEST_F(SamplingControlTest, WhatWasMeasuredBeforeTheFirstRatioDoesNotCount) {
  Pass(50);
  Pass(50.001);
  Pass(1);
  EXPECT_THAT(Begin(1), IsEmpty());
  EXPECT_EQ(RatioInForce(), 0.1);
}

TEST_F(SamplingControlTest, StopReturnsToTheGreatestRatio) {
  Begin(10);
  Pass(10.001);
  ASSERT_EQ(RatioInForce(), 0.05);
  EXPECT_THAT(Control().Return(), IsEmpty());
  EXPECT_EQ(Read(answer_path()), AnswerText(0.1));
  EXPECT_EQ(Read(strategies_path()),
            StrategiesText({{"shop-checkout", 0.1}}, 0.001));
}

TEST_F(SamplingControlTest, StopWritesAlsoWhereTheFileWasDeleted) {
  Begin(1);
  std::filesystem::remove(strategies_path());
  EXPECT_THAT(Control().Return(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(strategies_path()));
}

TEST_F(SamplingControlTest, FileThatIsDeletedIsWrittenAgainWithinAnHour) {
  Begin(1);
  std::filesystem::remove(strategies_path());
  Pass(1);
  EXPECT_FALSE(std::filesystem::exists(strategies_path()));
  for (int pass = 0; pass < 20; ++pass) Pass(1);
  EXPECT_TRUE(std::filesystem::exists(strategies_path()));
}

TEST_F(SamplingControlTest, RatioThatCannotBeWrittenIsNotInForce) {
  Begin(10);
  std::filesystem::remove_all(directory_.path());
  const std::string said = "sampling ratio not written: " + answer_path() +
                           ": No such file or directory";
  EXPECT_THAT(Pass(10.001), ElementsAre(said));
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_THAT(Pass(10), ElementsAre(said));
  // Values and time go on; the step comes when it can be written.
  std::filesystem::create_directory(directory_.path());
  EXPECT_THAT(Pass(10.001), ElementsAre(StartsWith("sampling ratio lowered")));
  EXPECT_EQ(RatioInForce(), 0.05);
}

TEST_F(SamplingControlTest, ErrorEndsWhenTheRatioIsTheOldOneAgain) {
  Begin(10);
  std::filesystem::remove_all(directory_.path());
  EXPECT_THAT(Pass(10.001), ElementsAre(HasSubstr("not written")));
  EXPECT_THAT(Pass(2.6), IsEmpty());
  EXPECT_THAT(Pass(2.6), IsEmpty());
  EXPECT_EQ(RatioInForce(), 0.1);
}

TEST_F(SamplingControlTest,
       ServiceWithoutItsAnswerKeepsItsRatioInTheStrategies) {
  Begin(10);
  std::ofstream(answer_path()) << "theirs";
  EXPECT_THAT(Pass(10.001), ElementsAre(HasSubstr("it replaces no other")));
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_EQ(Read(answer_path()), "theirs");
  EXPECT_EQ(Read(strategies_path()),
            StrategiesText({{"shop-checkout", 0.1}}, 0.001));
  EXPECT_THAT(Control().Check(), ElementsAre(StartsWith(answer_path())));
  EXPECT_THAT(Control().Return(),
              ElementsAre(AllOf(HasSubstr("not returned to 0.1"),
                                HasSubstr("it replaces no other"))));
}

TEST_F(SamplingControlTest, RatioIsUnknownWhereOnlyTheAnswerHasIt) {
  Begin(10);
  std::ofstream(strategies_path()) << "theirs";
  EXPECT_THAT(Pass(10.001), ElementsAre(HasSubstr("it replaces no other")));
  EXPECT_EQ(RatioInForce(), std::nullopt);
  EXPECT_EQ(Read(strategies_path()), "theirs");
}

TEST_F(SamplingControlTest, ObserveSaysWhatItWouldDoAndChangesNothing) {
  config_.sampling_mode = SamplingMode::kObserve;
  Pass(10);
  EXPECT_THAT(Pass(10.001),
              ElementsAre("sampling ratio would be lowered from 0.1 to 0.05 "
                          "with SamplingMode \"Act\": tracing takes 10.00 % of "
                          "the CPU (standard error 0.00), MaxCPUShare 3"));
  EXPECT_THAT(Pass(10), IsEmpty());
  // Once, until the share is below the dead band.
  EXPECT_THAT(Pass(2.6), IsEmpty());
  EXPECT_THAT(Pass(2.6), IsEmpty());
  EXPECT_THAT(Pass(10), IsEmpty());
  EXPECT_THAT(Pass(10.001), IsEmpty());
  EXPECT_EQ(RatioInForce(), std::nullopt);
  EXPECT_THAT(Control().Return(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(SamplingControlTest, LostMeasurementIsSaidWithTheNextReport) {
  Begin(10);
  Pass(10.001);
  for (int pass = 0; pass < 6; ++pass) {
    now_ += std::chrono::minutes(3);
    Control().Take(now_, nullptr);
  }
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_THAT(Pass(1), ElementsAre("sampling ratio returned to 0.1: the cost "
                                   "of tracing was not measured for 10 "
                                   "minutes"));
}

TEST_F(SamplingControlTest, IneffectiveIsAWarningOnce) {
  Begin(10);
  std::vector<std::string> all;
  for (int pass = 0; pass < 12; ++pass) {
    for (auto& text : Pass(10 + 0.001 * (pass % 2))) {
      all.push_back(std::move(text));
    }
  }
  EXPECT_THAT(all, ElementsAre(HasSubstr("lowered from 0.1 to 0.05"),
                               HasSubstr("lowered from 0.05 to 0.025"),
                               AllOf(HasSubstr("returned to 0.1: cuts had no "
                                               "measurable effect"),
                                     HasSubstr("10.00 %"))));
  EXPECT_EQ(RatioInForce(), 0.1);
  EXPECT_TRUE(Control().controlled().front().is_ineffective);
}

}  // namespace
}  // namespace resource_attribution::trace_sampling
