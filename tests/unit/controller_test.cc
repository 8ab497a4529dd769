#include "trace_sampling/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace resource_attribution::trace_sampling {
namespace {

using Verdict = Controller::Verdict;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kWindow = 10;

Sampling Options() {
  return {.service = "checkout",
          .max_cpu_share = 3,
          .ratios = {.least = 0.001, .greatest = 0.1}};
}

// A service under a controller, a pass every `interval`. What it samples
// follows the ratio a minute later, as with SDKs.
class SimulatedService {
 public:
  explicit SimulatedService(const Sampling& options = Options())
      : options_(options), controller_(options, kWindow) {}

  // The share of tracing at the greatest ratio, and what of it stays at 0.
  double share = 6;
  double floor = 0;
  double noise = 0;  // standard deviation of the share in one pass
  double cpu = 40;
  bool listens = true;
  bool is_measured = true;
  seconds interval{10};

  // The share that tracing takes at the ratio that the service has.
  double ShareNow() const {
    return floor + (share - floor) * sampled_ / options_.ratios.greatest;
  }

  Controller::Decision Pass() {
    now_ += interval;
    if (listens && now_ - changed_ >= minutes(1)) {
      sampled_ = controller_.ratio();
    }
    std::optional<Reading> reading;
    if (is_measured) {
      std::normal_distribution<double> around(ShareNow(), noise + 1e-9);
      reading = {.tracing_cpu = around(random_) * cpu / 100, .cpu = cpu};
    }
    const auto decision = controller_.Take(now_, reading);
    if (decision.ratio != controller_.ratio()) {
      controller_.Apply(decision, now_);
      since_change_ = now_ - changed_;
      changed_ = now_;
      ++changes_;
    }
    return decision;
  }

  void PassFor(std::chrono::duration<double> time) {
    const auto end = now_ + time;
    while (now_ < end) Pass();
  }

  // Passes until a decision is not to hold; kHold if none is within the time.
  Verdict PassUntilDecided(std::chrono::duration<double> time) {
    const auto end = now_ + time;
    while (now_ < end) {
      const auto verdict = Pass().verdict;
      if (verdict != Verdict::kHold) return verdict;
    }
    return Verdict::kHold;
  }

  double ratio() const { return controller_.ratio(); }
  int changes() const { return changes_; }
  std::chrono::duration<double> since_change() const { return since_change_; }
  std::mt19937& random() { return random_; }

 private:
  const Sampling options_;
  Controller controller_;
  std::mt19937 random_{1};
  Controller::Clock::time_point now_{};
  Controller::Clock::time_point changed_{};
  std::chrono::duration<double> since_change_{};
  double sampled_ = options_.ratios.greatest;
  int changes_ = 0;
};

TEST(ControllerTest, BeginsWithTheGreatestRatio) {
  EXPECT_EQ(Controller(Options(), kWindow).ratio(), 0.1);
}

TEST(ControllerTest, CostBelowTheLimitChangesNothing) {
  SimulatedService service;
  service.share = 2.9;
  service.PassFor(std::chrono::hours(24));
  EXPECT_EQ(service.changes(), 0);
}

TEST(ControllerTest, CostThatFollowsTheRatioIsBroughtUnderTheLimit) {
  SimulatedService service;
  service.share = 20;
  service.PassFor(minutes(30));
  EXPECT_LE(service.ShareNow(), 3);
  EXPECT_GE(service.ShareNow(), 2.4);
  const int changes = service.changes();
  service.PassFor(std::chrono::hours(24));
  EXPECT_EQ(service.changes(), changes);
}

TEST(ControllerTest, OneStepHalvesTheRatioAtTheMost) {
  SimulatedService service;
  service.share = 90;
  EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kLower);
  EXPECT_DOUBLE_EQ(service.ratio(), 0.05);
}

TEST(ControllerTest, StepIsNoLargerThanNeeded) {
  SimulatedService service;
  service.share = 3.3;
  EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kLower);
  EXPECT_DOUBLE_EQ(service.ratio(), 0.08182);
}

TEST(ControllerTest, StepsAreAtLeastAStepIntervalApart) {
  for (const seconds interval : {seconds(1), seconds(10), seconds(60)}) {
    SimulatedService service;
    service.interval = interval;
    service.share = 90;
    ASSERT_EQ(service.PassUntilDecided(minutes(30)), Verdict::kLower);
    while (service.changes() < 4) service.Pass();
    EXPECT_GE(service.since_change(), minutes(3));
    // A window after the service has asked for its ratio.
    EXPECT_GE(service.since_change(), minutes(1) + (kWindow - 1) * interval);
  }
}

TEST(ControllerTest, RatioReturnsWithTheLoad) {
  SimulatedService service;
  service.share = 20;
  service.PassFor(minutes(60));
  EXPECT_LT(service.ratio(), 0.02);
  service.share = 1;
  service.PassFor(minutes(60));
  EXPECT_EQ(service.ratio(), 0.1);
}

TEST(ControllerTest, ServiceThatTracingTakesNothingOfReturns) {
  SimulatedService service;
  service.share = 20;
  service.PassFor(minutes(60));
  service.share = -0.5;  // the untraced processes use more
  service.PassFor(minutes(60));
  EXPECT_EQ(service.ratio(), 0.1);
}

TEST(ControllerTest, CostWithinItsErrorIsNoReasonToCut) {
  SimulatedService service;
  for (int pass = 0; pass < 1000; ++pass) {
    service.share = pass % 2 == 0 ? 30 : -22;  // 4 on average
    EXPECT_EQ(service.Pass().verdict, Verdict::kHold);
  }
}

TEST(ControllerTest, TwoCutsWithoutEffectEndInTheGreatestRatio) {
  SimulatedService service;
  service.listens = false;
  EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kLower);
  EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kLower);
  EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kIneffective);
  EXPECT_EQ(service.ratio(), 0.1);
  service.PassFor(std::chrono::hours(23));
  EXPECT_EQ(service.changes(), 3);
  EXPECT_EQ(service.Pass().verdict, Verdict::kIneffective);
}

TEST(ControllerTest, OneCutIsJudgedIfNoOtherCanFollow) {
  for (const double least : {0.05, 0.08}) {
    Sampling options = Options();
    options.ratios.least = least;
    SimulatedService service(options);
    service.listens = false;
    EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kLower);
    EXPECT_EQ(service.PassUntilDecided(minutes(10)), Verdict::kIneffective);
    EXPECT_EQ(service.ratio(), 0.1);
  }
}

TEST(ControllerTest, CostThatNoiseHidesForTenMinutesRaisesTheRatioByAStep) {
  SimulatedService service;
  service.PassFor(minutes(60));
  const double lowered = service.ratio();
  ASSERT_LT(lowered, 0.09);
  Verdict verdict = Verdict::kHold;
  for (int pass = 0; verdict == Verdict::kHold && pass < 100; ++pass) {
    service.share = pass % 2 == 0 ? 60 : -50;
    service.floor = service.share;
    verdict = service.Pass().verdict;
  }
  EXPECT_EQ(verdict, Verdict::kNoise);
  EXPECT_NEAR(service.ratio(), lowered * 1.2, lowered * 0.001);
}

TEST(ControllerTest, WindowFromBeforeALongGapDoesNotCount) {
  SimulatedService service;
  service.share = 1;
  service.PassFor(minutes(10));
  service.is_measured = false;
  service.PassFor(std::chrono::hours(24));
  service.is_measured = true;
  service.share = 6;
  for (size_t pass = 0; pass + 1 < kWindow; ++pass) {
    EXPECT_EQ(service.Pass().verdict, Verdict::kHold);
  }
  EXPECT_EQ(service.Pass().verdict, Verdict::kLower);
}

// The CPU of a reading was used since the pass before.
TEST(ControllerTest, ReadingThatBeganBeforeTheServiceAskedDoesNotCount) {
  Sampling options = Options();
  options.step_seconds = 120;
  Controller controller(options, 2);
  Controller::Clock::time_point now{};
  const auto take = [&](double share) {
    now += minutes(1);
    return controller.Take(now, Reading{.tracing_cpu = share, .cpu = 100});
  };
  take(10);
  const auto cut = take(10.001);
  ASSERT_EQ(cut.verdict, Verdict::kLower);
  controller.Apply(cut, now);
  take(10);  // began with the change
  EXPECT_EQ(take(5).share.standard_error, std::nullopt);  // no full window yet
  const auto next = take(5.001);
  EXPECT_NEAR(next.share.mean, 5, 0.01);
}

TEST(ControllerTest, IneffectiveServiceIsTriedAgainTheNextDay) {
  SimulatedService service;
  service.listens = false;
  service.PassFor(minutes(30));
  ASSERT_EQ(service.changes(), 3);
  service.listens = true;
  service.PassFor(std::chrono::hours(26));
  EXPECT_LE(service.ShareNow(), 3);
}

TEST(ControllerTest, CostThatHardlyFollowsTheRatioIsIneffective) {
  SimulatedService service;
  service.floor = 5.8;
  service.PassFor(std::chrono::hours(2));
  EXPECT_EQ(service.Pass().verdict, Verdict::kIneffective);
  EXPECT_EQ(service.ratio(), 0.1);
}

// Each cut changes less than the one before, and then less than the noise.
TEST(ControllerTest, LimitJustAboveTheFloorOfTheCostIsReached) {
  SimulatedService service;
  service.floor = 2.7;
  service.noise = 0.3;
  service.PassFor(std::chrono::hours(2));
  EXPECT_NE(service.Pass().verdict, Verdict::kIneffective);
  EXPECT_LE(service.ShareNow(), 3.1);
}

// The first cuts change less than the noise, and are no proof of anything.
TEST(ControllerTest, EffectThatNoiseHidesIsNotJudged) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedService service;
    service.random().seed(seed);
    service.share = 3.6;
    service.noise = 3;
    service.PassFor(std::chrono::hours(6));
    EXPECT_NE(service.Pass().verdict, Verdict::kIneffective);
  }
}

// The first cut is decided in the middle of the rise, from a share that is too
// low to judge the next ones by.
TEST(ControllerTest, RisingLoadIsNoLackOfEffect) {
  int ineffective = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    SimulatedService service;
    service.random().seed(seed);
    service.noise = 0.1;
    service.cpu = 10;
    service.share = 1;
    service.PassFor(std::chrono::hours(1) + seed * seconds(7));
    for (int rise = 0; rise < 10; ++rise) {
      service.cpu += 5;
      service.share += 1.2;
      service.floor += 0.15;
      service.Pass();
    }
    service.PassFor(std::chrono::hours(2));
    if (service.Pass().verdict == Verdict::kIneffective) ++ineffective;
  }
  EXPECT_LE(ineffective, 2);
}

TEST(ControllerTest, RatioIsNeverLessThanTheLeast) {
  Sampling options = Options();
  options.ratios.least = 0.05;
  SimulatedService service(options);
  service.share = 20;
  service.PassFor(std::chrono::hours(2));
  EXPECT_EQ(service.ratio(), 0.05);
  EXPECT_EQ(service.Pass().verdict, Verdict::kAtLeast);
}

TEST(ControllerTest, LostMeasurementHoldsTheRatioForTenMinutes) {
  SimulatedService service;
  service.PassFor(minutes(60));
  const double lowered = service.ratio();
  ASSERT_LT(lowered, 0.1);
  service.is_measured = false;
  service.PassFor(minutes(9));
  EXPECT_EQ(service.ratio(), lowered);
  EXPECT_EQ(service.PassUntilDecided(minutes(2)), Verdict::kUnmeasured);
  EXPECT_EQ(service.ratio(), 0.1);
}

TEST(ControllerTest, ServiceWithoutCpuIsNotMeasured) {
  SimulatedService service;
  service.PassFor(minutes(60));
  ASSERT_LT(service.ratio(), 0.1);
  service.cpu = 0;
  EXPECT_EQ(service.PassUntilDecided(minutes(11)), Verdict::kUnmeasured);
}

TEST(ControllerTest, LostMeasurementAtTheGreatestRatioIsNoReasonForAnything) {
  SimulatedService service;
  service.is_measured = false;
  EXPECT_EQ(service.PassUntilDecided(std::chrono::hours(24)), Verdict::kHold);
}

TEST(ControllerTest, DecisionIsTheSameUntilItIsApplied) {
  Controller controller(Options(), kWindow);
  Controller::Clock::time_point now{};
  Controller::Decision first;
  for (size_t i = 0; i < kWindow; ++i) {
    now += seconds(60);
    first = controller.Take(now, Reading{.tracing_cpu = 2, .cpu = 20});
  }
  EXPECT_EQ(first.verdict, Verdict::kLower);
  for (int i = 0; i < 5; ++i) {
    now += seconds(60);
    const auto again =
        controller.Take(now, Reading{.tracing_cpu = 2, .cpu = 20});
    EXPECT_EQ(again.verdict, Verdict::kLower);
    EXPECT_EQ(again.ratio, first.ratio);
  }
  EXPECT_EQ(controller.ratio(), 0.1);
}

TEST(ControllerTest, LoadThatVariesIsNoNoise) {
  Controller controller(Options(), kWindow);
  Controller::Clock::time_point now{};
  Controller::Decision last;
  for (size_t i = 0; i < kWindow; ++i) {
    now += seconds(60);
    const double cpu = i % 3 == 0 ? 1 : 80;
    last = controller.Take(now, Reading{.tracing_cpu = cpu * 0.05, .cpu = cpu});
  }
  EXPECT_EQ(last.verdict, Verdict::kLower);
  EXPECT_NEAR(last.share.mean, 5, 1e-9);
  EXPECT_NEAR(*last.share.standard_error, 0, 1e-9);
}

// What must hold whatever a service does, for thousands of services that change
// at random.
class RandomScenario {
 public:
  explicit RandomScenario(unsigned seed) : random_(seed) {
    options_.max_cpu_share = Between(0.5, 20);
    options_.ratios.least = Between(1e-6, 0.01);
    options_.ratios.greatest = Between(0.02, 1);
    service_.emplace(options_);
    service_->random().seed(seed);
    const seconds intervals[] = {seconds(10), seconds(30), seconds(60)};
    service_->interval = intervals[seed % 3];
  }

  void Run() {
    for (int phase = 0; phase < 4; ++phase) {
      service_->share = Between(0, 40);
      service_->floor = Between(0, 1) < 0.5 ? 0 : Between(0, service_->share);
      service_->noise = Between(0, 1) < 0.5 ? 0 : Between(0, 2);
      service_->listens = Between(0, 1) < 0.8;
      service_->is_measured = Between(0, 1) < 0.8;
      const int passes = static_cast<int>(Between(1, 400));
      for (int i = 0; i < passes; ++i) PassAndCheck();
    }
    CheckReturn();
  }

 private:
  double Between(double least, double most) {
    return std::uniform_real_distribution<double>(least, most)(random_);
  }

  void PassAndCheck() {
    const double before = service_->ratio();
    const int changes = service_->changes();
    const auto decision = service_->Pass();
    const double ratio = service_->ratio();
    EXPECT_GE(ratio, options_.ratios.least);
    EXPECT_LE(ratio, options_.ratios.greatest);
    switch (decision.verdict) {
      case Verdict::kLower:
        EXPECT_LT(ratio, before);
        EXPECT_GE(ratio, before * 0.499);
        EXPECT_GT(decision.share.mean, options_.max_cpu_share);
        EXPECT_TRUE(decision.share.IsCost());
        break;
      case Verdict::kRaise:
        EXPECT_GT(ratio, before);
        EXPECT_LE(ratio, before * 1.201);
        EXPECT_LT(decision.share.mean, options_.max_cpu_share * 0.8);
        break;
      case Verdict::kNoise:
        EXPECT_GT(ratio, before);
        EXPECT_LE(ratio, before * 1.201);
        break;
      case Verdict::kUnmeasured:
      case Verdict::kIneffective:
        EXPECT_EQ(ratio, options_.ratios.greatest);
        break;
      case Verdict::kHold:
      case Verdict::kAtLeast:
        EXPECT_EQ(ratio, before);
    }
    if (service_->changes() > changes && changes > 0 &&
        decision.verdict != Verdict::kUnmeasured) {
      EXPECT_GE(service_->since_change(), minutes(3));
    }
  }

  // When nothing is measured any more, the ratio is the greatest after ten
  // minutes. When tracing costs next to nothing, it is after as many steps as
  // lie between the two ratios.
  void CheckReturn() {
    if (random_() % 2 == 0) {
      service_->is_measured = false;
      service_->PassFor(minutes(10) + service_->interval * 2);
    } else {
      service_->is_measured = true;
      service_->noise = 0;
      service_->share = service_->floor = 0;
      const double steps =
          std::log(options_.ratios.greatest / options_.ratios.least) /
              std::log(1.2) +
          2;
      service_->PassFor(
          steps *
          (std::max<std::chrono::duration<double>>(
               minutes(3), minutes(1) + kWindow * 1.0 * service_->interval) +
           service_->interval));
    }
    EXPECT_EQ(service_->ratio(), options_.ratios.greatest);
  }

  std::mt19937 random_;
  Sampling options_;
  std::optional<SimulatedService> service_;
};

TEST(ControllerTest, HoldsItsPromisesInRandomScenarios) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    RandomScenario(seed).Run();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

// Cost proportional to the ratio, with noise. A ratio that has settled at an
// edge of the dead band may change once more, to the middle.
TEST(ControllerTest, DoesNotOscillate) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedService service;
    service.random().seed(seed);
    service.share = 4 + static_cast<double>(seed) / 5;
    service.noise = 0.1;
    service.PassFor(std::chrono::hours(2));
    const int changes = service.changes();
    service.PassFor(std::chrono::hours(24));
    EXPECT_LE(service.changes(), changes + 1);
    EXPECT_LE(service.ShareNow(), 3.1);
    EXPECT_GE(service.ShareNow(), 2.3);
  }
}

}  // namespace
}  // namespace resource_attribution::trace_sampling
