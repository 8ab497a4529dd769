#include "discovery/series_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace resource_attribution::discovery {
namespace {

using enum Claim;
using Refusal = SeriesTable::Refusal;

class SeriesTableTest : public testing::Test {
 protected:
  // Ends passes in which nothing but `used` had a process.
  void EndPasses(size_t passes, std::optional<size_t> used = {}) {
    for (size_t pass = 0; pass < passes; ++pass) {
      std::vector<bool> flags(series_.size());
      if (used) flags[*used] = true;
      series_.EndPass(flags);
    }
  }

  SeriesTable series_;
};

TEST_F(SeriesTableTest, OneNameIsOneSeries) {
  const auto one = series_.Make("a", 0, kSearched, 9);
  EXPECT_EQ(series_.Make("a", 0, kSearched, 9).index, one.index);
  EXPECT_NE(series_.Make("b", 0, kSearched, 9).index, one.index);
  EXPECT_EQ(series_[one.index].name, "a");
  EXPECT_EQ(series_[one.index].service, 0U);
}

TEST_F(SeriesTableTest, BlockHasSoManyAndNoMore) {
  EXPECT_FALSE(series_.Make("a", 0, kSearched, 2).refusal);
  EXPECT_FALSE(series_.Make("b", 0, kSearched, 2).refusal);
  EXPECT_EQ(series_.Make("c", 0, kSearched, 2).refusal, Refusal::kTooMany);
  EXPECT_FALSE(series_.Make("a", 0, kSearched, 2).refusal);  // it is there
  EXPECT_FALSE(series_.Make("c", 1, kSearched, 2).refusal);  // another block
}

TEST_F(SeriesTableTest, NameOfAnotherBlockIsTaken) {
  const size_t index = series_.AddLasting("checkout", 0);
  const auto made = series_.Make("checkout", 1, kListed, 9);
  EXPECT_EQ(made.refusal, Refusal::kTaken);
  EXPECT_EQ(made.index, index);
}

TEST_F(SeriesTableTest, BestClaimHasTheName) {
  const size_t one = series_.Make("a", 0, kSearched, 9).index;
  EXPECT_EQ(series_.RivalOf(one), std::nullopt);
  const size_t other = series_.Make("a", 1, kSearched, 9).index;
  EXPECT_NE(one, other);
  EXPECT_EQ(series_.RivalOf(one), other);
  EXPECT_EQ(series_.RivalOf(other), one);
  const size_t listed = series_.Make("a", 2, kListed, 9).index;
  EXPECT_EQ(series_.RivalOf(one), listed);
  EXPECT_EQ(series_.RivalOf(other), listed);
  EXPECT_EQ(series_.RivalOf(listed), std::nullopt);
}

TEST_F(SeriesTableTest, ClaimEndsWithItsInstance) {
  const size_t one = series_.Make("a", 0, kSearched, 9).index;
  const size_t other = series_.Make("a", 1, kSearched, 9).index;
  EndPasses(9, one);
  EXPECT_EQ(series_.RivalOf(one), other);
  EndPasses(1, one);
  EXPECT_EQ(series_.RivalOf(one), std::nullopt);
  EXPECT_EQ(series_[other].name, "");
  EXPECT_EQ(series_.Make("a", 0, kSearched, 9).index, one);
}

TEST_F(SeriesTableTest, ServiceMakesSoManyNewOnesInAnHour) {
  for (const size_t max : {size_t{1}, size_t{100}}) {
    SeriesTable series;
    const auto make = [&](const std::string& name, size_t service = 0) {
      const std::vector<bool> none(series.size());
      for (int pass = 0; pass < 10; ++pass) series.EndPass(none);
      return !series.Make(name, service, kSearched, max).refusal;
    };
    SeriesTable::TimePoint now;
    EXPECT_TRUE(series.BeginPass(now));
    EXPECT_FALSE(series.Make("first", 0, kSearched, max).refusal);
    for (size_t i = 0; i < std::max<size_t>(max, 60); ++i) {
      EXPECT_TRUE(make(std::to_string(i))) << i;
    }
    now += std::chrono::minutes(59);
    EXPECT_FALSE(series.BeginPass(now));
    EXPECT_FALSE(make("more"));
    EXPECT_TRUE(make("7"));  // not new
    EXPECT_TRUE(make("more", 1));
    now += std::chrono::minutes(1);
    EXPECT_TRUE(series.BeginPass(now));
    EXPECT_TRUE(make("more"));
  }
}

TEST_F(SeriesTableTest, IsForgottenAfterTenPassesWithoutAProcess) {
  const auto made = series_.Make("a", 0, kSearched, 1);
  EndPasses(9);
  EXPECT_EQ(series_.Make("b", 0, kSearched, 1).refusal, Refusal::kTooMany);
  EndPasses(1, made.index);  // back again
  EndPasses(9);
  EXPECT_EQ(series_.Make("b", 0, kSearched, 1).refusal, Refusal::kTooMany);
  EndPasses(1);
  EXPECT_FALSE(series_.Make("b", 0, kSearched, 1).refusal);
  EXPECT_EQ(series_.Make("a", 0, kSearched, 1).refusal, Refusal::kTooMany);
}

TEST_F(SeriesTableTest, PlaceOfAForgottenOneIsUsedAgainAndOthersStay) {
  const auto one = series_.Make("a", 0, kSearched, 9);
  const auto other = series_.Make("b", 0, kSearched, 9);
  EndPasses(10, other.index);
  const auto next = series_.Make("c", 0, kSearched, 9);
  EXPECT_EQ(next.index, one.index);
  EXPECT_EQ(series_[other.index].name, "b");
  EXPECT_EQ(series_.size(), 2U);
}

TEST_F(SeriesTableTest, ThatOfABlockWithoutPlaceholdersStays) {
  const size_t index = series_.AddLasting("checkout", 0);
  EndPasses(20);
  EXPECT_EQ(series_[index].name, "checkout");
}

}  // namespace
}  // namespace resource_attribution::discovery
