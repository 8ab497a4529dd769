#include "measures/comparison.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace resource_attribution::measures {
namespace {

using Side = Comparison::Side;

struct Process {
  double memory_bytes;
  double cpu_percent;
};

Side SideOf(std::initializer_list<Process> processes) {
  Side side;
  for (const auto& [memory, cpu] : processes) side.Add(memory, cpu);
  return side;
}

TEST(ComparisonTest, IsTheDifferenceOfTheMeans) {
  Comparison comparison(1);
  comparison.Add(SideOf({{100, 10}, {300, 20}}), SideOf({{50, 2}, {150, 4}}));
  const auto difference = comparison.Mean();
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->memory_bytes.mean, 100);
  EXPECT_EQ(difference->cpu_percent.mean, 12);
}

TEST(ComparisonTest, SaysNothingUntilTheWindowIsFull) {
  Comparison comparison(3);
  for (int pass = 0; pass < 3; ++pass) {
    EXPECT_FALSE(comparison.Mean());
    comparison.Add(SideOf({{100, 10}}), SideOf({{90, 9}}));
  }
  EXPECT_TRUE(comparison.Mean());
}

TEST(ComparisonTest, AveragesOverTheLastPasses) {
  Comparison comparison(2);
  for (const double cpu : {1000.0, 10.0, 20.0}) {
    comparison.Add(SideOf({{0, cpu}}), SideOf({{0, 0}}));
  }
  EXPECT_EQ(comparison.Mean()->cpu_percent.mean, 15);
  comparison.Add(SideOf({{0, 40}}), SideOf({{0, 0}}));
  EXPECT_EQ(comparison.Mean()->cpu_percent.mean, 30);
}

TEST(ComparisonTest, SpreadIsTheStandardDeviationOfThePasses) {
  Comparison comparison(4);
  for (const double cpu : {2.0, 4.0, 4.0, 6.0}) {
    comparison.Add(SideOf({{7, cpu}}), SideOf({{0, 0}}));
  }
  EXPECT_EQ(comparison.Mean()->cpu_percent.mean, 4);
  EXPECT_NEAR(comparison.Mean()->cpu_percent.deviation, 1.633, 0.001);
  EXPECT_EQ(comparison.Mean()->memory_bytes.deviation, 0);
}

TEST(ComparisonTest, BeginsAnewWhenOneSideIsEmpty) {
  for (const bool is_traced : {true, false}) {
    Comparison comparison(2);
    const Side side = SideOf({{100, 10}});
    comparison.Add(side, side);
    comparison.Add(side, side);
    ASSERT_TRUE(comparison.Mean());
    comparison.Add(is_traced ? side : Side(), is_traced ? Side() : side);
    EXPECT_FALSE(comparison.Mean());
    comparison.Add(side, side);
    EXPECT_FALSE(comparison.Mean());
    comparison.Add(side, side);
    EXPECT_TRUE(comparison.Mean());
  }
}

TEST(ComparisonTest, BeginsAnewWhenItIsTold) {
  Comparison comparison(1);
  comparison.Add(SideOf({{1, 1}}), SideOf({{1, 1}}));
  comparison.Clear();
  EXPECT_FALSE(comparison.Mean());
}

TEST(ComparisonTest, MayBeNegative) {
  Comparison comparison(1);
  comparison.Add(SideOf({{90, 9}}), SideOf({{100, 10}}));
  EXPECT_EQ(comparison.Mean()->memory_bytes.mean, -10);
  EXPECT_EQ(comparison.Mean()->cpu_percent.mean, -1);
}

}  // namespace
}  // namespace resource_attribution::measures
