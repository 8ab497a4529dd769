#include "measures/comparison.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>

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

TEST(ComparisonTest, ErrorOfCpuIsThatOfThePartsOfTheWindow) {
  Comparison comparison(4);
  for (const double cpu : {2.0, 4.0, 4.0, 6.0}) {
    comparison.Add(SideOf({{7, cpu}}), SideOf({{0, 0}}));
  }
  const auto cpu = comparison.Mean()->cpu_percent;
  EXPECT_EQ(cpu.mean, 4);
  EXPECT_NEAR(cpu.standard_error.value_or(-1), 1.633 / 2, 0.001);
  EXPECT_TRUE(cpu.IsCost());  // 4.9 errors, 2.35 are enough with four parts
}

// Twenty passes are ten parts: noise within a part averages out.
TEST(ComparisonTest, PassesBesideEachOtherAreOnePart) {
  Comparison comparison(20);
  for (int i = 0; i < 20; ++i) {
    comparison.Add(SideOf({{7, i % 2 == 0 ? 3.0 : 5.0}}), SideOf({{0, 0}}));
  }
  EXPECT_NEAR(comparison.Mean()->cpu_percent.standard_error.value_or(-1), 0,
              1e-9);
}

TEST(ComparisonTest, ErrorOfMemoryIsThatOfTheProcesses) {
  Comparison comparison(2);
  for (int i = 0; i < 2; ++i) {
    comparison.Add(SideOf({{100, 1}, {104, 1}}), SideOf({{90, 1}, {94, 1}}));
  }
  const auto memory = comparison.Mean()->memory_bytes;
  EXPECT_EQ(memory.mean, 10);
  EXPECT_NEAR(memory.standard_error.value_or(-1), 2.828, 0.001);
  EXPECT_TRUE(memory.IsCost());  // 3.5 errors of 2.92
}

TEST(ComparisonTest, OneProcessOnEachSideShowsNoErrorOfMemory) {
  Comparison comparison(2);
  for (int i = 0; i < 2; ++i) {
    comparison.Add(SideOf({{100, 1}}), SideOf({{50, 1}}));
  }
  EXPECT_EQ(comparison.Mean()->memory_bytes.standard_error, std::nullopt);
  EXPECT_FALSE(comparison.Mean()->memory_bytes.IsCost());
}

// Two sides that use the same, with noise.
TEST(ComparisonTest, ChanceSeldomLooksLikeACost) {
  std::mt19937 random(
      7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): always the same
  std::normal_distribution<double> cpu(20, 3);
  std::normal_distribution<double> memory(1e8, 2e6);
  constexpr int kWindows = 1000;
  int costs_of_cpu = 0;
  int costs_of_memory = 0;
  for (int window = 0; window < kWindows; ++window) {
    Comparison comparison(30);
    const double one = memory(random);
    const double other = memory(random);
    const double untraced = memory(random);
    for (int i = 0; i < 30; ++i) {
      comparison.Add(SideOf({{one, cpu(random)}, {other, cpu(random)}}),
                     SideOf({{untraced, cpu(random)}}));
    }
    costs_of_cpu += comparison.Mean()->cpu_percent.IsCost() ? 1 : 0;
    costs_of_memory += comparison.Mean()->memory_bytes.IsCost() ? 1 : 0;
  }
  EXPECT_LT(costs_of_cpu, kWindows / 10);
  EXPECT_LT(costs_of_memory, kWindows / 10);
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
