#include "trace_sampling/controller.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace resource_attribution::trace_sampling {
namespace {

using Verdict = Controller::Verdict;

constexpr double kMostDown = 0.5;
constexpr double kMostUp = 1.2;

// Which part of the limit a change of the ratio aims at.
constexpr double kTarget = 0.9;

// Cuts that take less than this part of what they should are ineffective. They
// are judged if they should take this part of the share at least.
constexpr double kLeastEffect = 0.3;
constexpr double kLeastExpected = 0.3;

// How much the CPU of a service without tracing may change under one load, as a
// part of its CPU.
constexpr double kSameLoad = 0.1;

// Four digits are enough for a ratio, and easier to read.
double Rounded(double ratio) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), ratio,
                                 std::chars_format::general, /*precision=*/4);
  std::from_chars(text.begin(), end.ptr, ratio);
  return ratio;
}

double ErrorOf(const Estimate& estimate) {
  return estimate.standard_error.value_or(0);
}

}  // namespace

Controller::Controller(const Sampling& sampling, size_t window)
    : sampling_(sampling),
      window_(std::max<size_t>(window, 2)),
      ratio_(sampling.ratios.greatest) {}

Controller::Decision Controller::Take(Clock::time_point now,
                                      std::optional<Reading> reading) {
  const auto begun = std::exchange(taken_, now);
  if (left_alone_until_ && now < *left_alone_until_) {
    return {.verdict = Verdict::kIneffective, .ratio = ratio_};
  }
  left_alone_until_.reset();
  const bool is_measured = reading && reading->cpu > 0;
  // A reading is of the time since the pass before. Until a third of the step
  // interval has passed, the service has not asked for its ratio.
  const bool has_settled =
      !changed_ ||
      (begun && *begun - *changed_ >= Seconds(sampling_.step_seconds / 3));
  if (is_measured && has_settled) Add(*reading);
  const auto share = Share();
  const bool is_noise = share && !share->IsCost() && !IsBelowDeadBand(*share);
  if (IsUnknownForLong(now, is_measured && !is_noise)) {
    if (is_measured) return Raise(Verdict::kNoise, *share);
    readings_.clear();
    oldest_ = 0;
    return Return(Verdict::kUnmeasured, {});
  }
  const bool may_change =
      !changed_ || now - *changed_ >= Seconds(sampling_.step_seconds);
  if (!is_measured || !share || !may_change) return {.ratio = ratio_};
  if (CutsAreIneffective(*share)) {
    return Return(Verdict::kIneffective, *share);
  }
  return Decide(*share);
}

void Controller::Add(const Reading& reading) {
  if (readings_.size() < window_) {
    readings_.push_back(reading);
    return;
  }
  readings_[oldest_] = reading;
  oldest_ = (oldest_ + 1) % window_;
}

bool Controller::IsUnknownForLong(Clock::time_point now, bool is_known) {
  if (is_known) {
    unknown_since_.reset();
    return false;
  }
  if (!unknown_since_) unknown_since_ = now;
  return now - *unknown_since_ >= kHoldUnmeasured;
}

bool Controller::IsBelowDeadBand(const Estimate& share) const {
  return share.mean + ErrorOf(share) < kDeadBandBegin * sampling_.max_cpu_share;
}

Controller::Decision Controller::Decide(const Estimate& share) const {
  const double limit = sampling_.max_cpu_share;
  const SamplingRatios& ratios = sampling_.ratios;
  Decision decision{.ratio = ratio_, .share = share};
  if (share.IsCost() && share.mean > limit) {
    const double factor = std::max(kTarget * limit / share.mean, kMostDown);
    decision.ratio = std::max(ratios.least, Rounded(ratio_ * factor));
    decision.verdict =
        ratio_ > ratios.least ? Verdict::kLower : Verdict::kAtLeast;
  } else if (IsBelowDeadBand(share)) {
    return Raise(Verdict::kRaise, share);
  }
  return decision;
}

// Judges the last cut. If all of the cost came from sampling, it would have
// fallen with the ratio. A fall that is small, or that noise would hide, says
// nothing, and neither does another load, which has another share.
bool Controller::CutsAreIneffective(const Estimate& share) {
  if (!cuts_ || cuts_->last_is_judged) return false;
  const Estimate& before = cuts_->share_before;
  const double fell = before.mean - share.mean;
  const double noise = std::hypot(ErrorOf(before), ErrorOf(share));
  const double expected = before.mean * (1 - ratio_ / cuts_->ratio_before);
  int& without_effect = cuts_->without_effect;
  // No other cut follows: this one is judged as long as it takes.
  const bool is_last = ratio_ <= sampling_.ratios.least;
  if (std::abs(Mean().OwnCpu() - cuts_->cpu_before.OwnCpu()) >
      kSameLoad * cuts_->cpu_before.cpu) {
    cuts_->load_has_changed = true;
  } else if (fell + noise < kLeastEffect * expected &&
             (expected > kLeastExpected * before.mean || is_last)) {
    if (without_effect == 1 || is_last) return true;
    ++without_effect;
  } else if (fell > noise) {
    without_effect = 0;
  }
  cuts_->last_is_judged = !is_last;
  return false;
}

Controller::Decision Controller::Raise(Verdict verdict,
                                       const Estimate& share) const {
  if (ratio_ >= sampling_.ratios.greatest) {
    return {.ratio = ratio_, .share = share};
  }
  const double factor =
      verdict == Verdict::kRaise && share.mean > 0
          ? std::min(kTarget * sampling_.max_cpu_share / share.mean, kMostUp)
          : kMostUp;
  return {
      .verdict = verdict,
      .ratio = std::min(sampling_.ratios.greatest, Rounded(ratio_ * factor)),
      .share = share};
}

Controller::Decision Controller::Return(Verdict verdict,
                                        const Estimate& share) const {
  if (verdict == Verdict::kUnmeasured && ratio_ >= sampling_.ratios.greatest) {
    return {.ratio = ratio_};
  }
  return {
      .verdict = verdict, .ratio = sampling_.ratios.greatest, .share = share};
}

// A share that has risen in spite of cuts was measured too low before: the load
// was rising.
void Controller::RememberCut(const Estimate& share) {
  if (!cuts_) cuts_ = Cuts{};
  if (cuts_->load_has_changed || share.mean > cuts_->share_before.mean) {
    cuts_->share_before = share;
    cuts_->ratio_before = ratio_;
    cuts_->cpu_before = Mean();
    cuts_->load_has_changed = false;
  }
  cuts_->last_is_judged = false;
}

void Controller::Apply(const Decision& decision, Clock::time_point now) {
  if (decision.verdict == Verdict::kLower) {
    RememberCut(decision.share);
  } else {
    cuts_.reset();
  }
  if (decision.verdict == Verdict::kIneffective) {
    left_alone_until_ = now + kLeaveAlone;
  }
  ratio_ = decision.ratio;
  changed_ = now;
  unknown_since_.reset();
  readings_.clear();
  oldest_ = 0;
}

Reading Controller::Mean() const {
  Reading mean;
  const auto count = static_cast<double>(readings_.size());
  for (const Reading& one : readings_) {
    mean.tracing_cpu += one.tracing_cpu / count;
    mean.cpu += one.cpu / count;
  }
  return mean;
}

// The readings less what their mean share is of them: what is left varies only
// with what tracing took, and not with the load.
std::optional<Estimate> Controller::Share() const {
  if (readings_.size() < window_) return std::nullopt;
  const Reading mean = Mean();
  const double share = mean.tracing_cpu / mean.cpu;
  Estimate estimate = measures::MeanOverTime(readings_.size(), [&](size_t i) {
    const Reading& one = readings_[(oldest_ + i) % window_];
    return one.tracing_cpu - share * one.cpu;
  });
  estimate.mean = 100 * share;
  if (estimate.standard_error) *estimate.standard_error *= 100 / mean.cpu;
  return estimate;
}

}  // namespace resource_attribution::trace_sampling
