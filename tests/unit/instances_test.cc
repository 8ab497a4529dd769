#include "discovery/instances.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace resource_attribution::discovery {
namespace {

using enum Claim;
using Refusal = Instances::Refusal;

class InstancesTest : public testing::Test {
 protected:
  // Ends passes in which nothing but `used` had a process.
  void EndPasses(size_t passes, std::optional<size_t> used = {}) {
    for (size_t pass = 0; pass < passes; ++pass) {
      std::vector<bool> flags(instances_.size());
      if (used) flags[*used] = true;
      instances_.EndPass(flags);
    }
  }

  Instances instances_;
};

TEST_F(InstancesTest, OneNameIsOneInstance) {
  const auto one = instances_.Make("a", 0, kSearched, 9);
  EXPECT_EQ(instances_.Make("a", 0, kSearched, 9).index, one.index);
  EXPECT_NE(instances_.Make("b", 0, kSearched, 9).index, one.index);
  EXPECT_EQ(instances_[one.index].name, "a");
  EXPECT_EQ(instances_[one.index].block, 0U);
}

TEST_F(InstancesTest, BlockHasSoManyAndNoMore) {
  EXPECT_FALSE(instances_.Make("a", 0, kSearched, 2).refusal);
  EXPECT_FALSE(instances_.Make("b", 0, kSearched, 2).refusal);
  EXPECT_EQ(instances_.Make("c", 0, kSearched, 2).refusal, Refusal::kTooMany);
  EXPECT_FALSE(instances_.Make("a", 0, kSearched, 2).refusal);  // it is there
  EXPECT_FALSE(instances_.Make("c", 1, kSearched, 2).refusal);  // another block
}

TEST_F(InstancesTest, NameOfAnotherBlockIsTaken) {
  const size_t index = instances_.AddLasting("checkout", 0);
  const auto made = instances_.Make("checkout", 1, kListed, 9);
  EXPECT_EQ(made.refusal, Refusal::kTaken);
  EXPECT_EQ(made.index, index);
}

TEST_F(InstancesTest, BestClaimHasTheName) {
  const size_t one = instances_.Make("a", 0, kSearched, 9).index;
  EXPECT_EQ(instances_.RivalOf(one), std::nullopt);
  const size_t other = instances_.Make("a", 1, kSearched, 9).index;
  EXPECT_NE(one, other);
  EXPECT_EQ(instances_.RivalOf(one), other);
  EXPECT_EQ(instances_.RivalOf(other), one);
  const size_t listed = instances_.Make("a", 2, kListed, 9).index;
  EXPECT_EQ(instances_.RivalOf(one), listed);
  EXPECT_EQ(instances_.RivalOf(other), listed);
  EXPECT_EQ(instances_.RivalOf(listed), std::nullopt);
}

TEST_F(InstancesTest, ClaimEndsWithItsInstance) {
  const size_t one = instances_.Make("a", 0, kSearched, 9).index;
  const size_t other = instances_.Make("a", 1, kSearched, 9).index;
  EndPasses(9, one);
  EXPECT_EQ(instances_.RivalOf(one), other);
  EndPasses(1, one);
  EXPECT_EQ(instances_.RivalOf(one), std::nullopt);
  EXPECT_EQ(instances_[other].name, "");
  EXPECT_EQ(instances_.Make("a", 0, kSearched, 9).index, one);
}

TEST_F(InstancesTest, BlockMakesSoManyNewOnesInAnHour) {
  for (const size_t max : {size_t{1}, size_t{100}}) {
    Instances instances;
    const auto make = [&](const std::string& name, size_t block = 0) {
      std::vector<bool> none(instances.size());
      for (int pass = 0; pass < 10; ++pass) instances.EndPass(none);
      return !instances.Make(name, block, kSearched, max).refusal;
    };
    Instances::TimePoint now;
    EXPECT_TRUE(instances.BeginPass(now));
    EXPECT_FALSE(instances.Make("first", 0, kSearched, max).refusal);
    for (size_t i = 0; i < std::max<size_t>(max, 60); ++i) {
      EXPECT_TRUE(make(std::to_string(i))) << i;
    }
    now += std::chrono::minutes(59);
    EXPECT_FALSE(instances.BeginPass(now));
    EXPECT_FALSE(make("more"));
    EXPECT_TRUE(make("7"));  // not new
    EXPECT_TRUE(make("more", 1));
    now += std::chrono::minutes(1);
    EXPECT_TRUE(instances.BeginPass(now));
    EXPECT_TRUE(make("more"));
  }
}

TEST_F(InstancesTest, IsForgottenAfterTenPassesWithoutAProcess) {
  const auto made = instances_.Make("a", 0, kSearched, 1);
  EndPasses(9);
  EXPECT_EQ(instances_.Make("b", 0, kSearched, 1).refusal, Refusal::kTooMany);
  EndPasses(1, made.index);  // back again
  EndPasses(9);
  EXPECT_EQ(instances_.Make("b", 0, kSearched, 1).refusal, Refusal::kTooMany);
  EndPasses(1);
  EXPECT_FALSE(instances_.Make("b", 0, kSearched, 1).refusal);
  EXPECT_EQ(instances_.Make("a", 0, kSearched, 1).refusal, Refusal::kTooMany);
}

TEST_F(InstancesTest, PlaceOfAForgottenOneIsUsedAgainAndOthersStay) {
  const auto one = instances_.Make("a", 0, kSearched, 9);
  const auto other = instances_.Make("b", 0, kSearched, 9);
  EndPasses(10, other.index);
  const auto next = instances_.Make("c", 0, kSearched, 9);
  EXPECT_EQ(next.index, one.index);
  EXPECT_EQ(instances_[other.index].name, "b");
  EXPECT_EQ(instances_.size(), 2U);
}

TEST_F(InstancesTest, ThatOfABlockWithoutPlaceholdersStays) {
  const size_t index = instances_.AddLasting("checkout", 0);
  EndPasses(20);
  EXPECT_EQ(instances_[index].name, "checkout");
}

}  // namespace
}  // namespace resource_attribution::discovery
