#ifndef RESOURCE_ATTRIBUTION_TRACE_SAMPLING_CONTROLLER_H_
#define RESOURCE_ATTRIBUTION_TRACE_SAMPLING_CONTROLLER_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "config/config.h"
#include "measures/estimate.h"

namespace resource_attribution::trace_sampling {

using measures::Estimate;

/// What a service used between two passes, and what of it tracing took; in the
/// same unit.
struct Reading {
  double tracing_cpu = 0;
  double cpu = 0;

  /// What the service would use without tracing.
  double OwnCpu() const { return cpu - tracing_cpu; }
};

/// Decides which ratio of its traces a service samples, so that tracing takes
/// no more than a share of the service's CPU. Arithmetic only: time and
/// readings are passed in, and a decision holds when Apply is called.
///
/// A decision needs a full window of readings since the last one. The share is
/// compared with the limit, and with a dead band of 20 % below it. The ratio
/// changes by a factor: at most 0.5 down, at most 1.2 up. Not thread-safe.
class Controller {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  enum class Verdict {
    kHold,         ///< nothing to do, or not yet
    kLower,        ///< tracing takes more than the limit
    kRaise,        ///< it takes less than the dead band
    kAtLeast,      ///< more than the limit, and the ratio is the least
    kIneffective,  ///< two cuts changed nothing: back to the greatest ratio
    kNoise,        ///< the cost is lost in noise for long: a step up
    kUnmeasured,   ///< not measured for long: back to the greatest ratio
  };

  struct Decision {
    Verdict verdict = Verdict::kHold;
    double ratio = 0;  ///< the one to have from now on
    Estimate share{};  ///< of the CPU, in percent, that led to it
  };

  /// Averages over `window` readings; over two if it is less.
  Controller(const Sampling& sampling, size_t window);

  /// Takes the reading of a pass. None: there was no measurement.
  Decision Take(Clock::time_point now, std::optional<Reading> reading);

  /// The ratio of `decision` is in force. Until this is called, Take decides
  /// the same again.
  void Apply(const Decision& decision, Clock::time_point now);

  double ratio() const { return ratio_; }

  /// The dead band is from this part of the limit to the limit.
  static constexpr double kDeadBandBegin = 0.8;

  /// Without a measurement for so long the ratio becomes the greatest; if the
  /// cost is lost in noise for so long, the ratio rises by a step.
  static constexpr std::chrono::minutes kHoldUnmeasured{10};

  /// For so long an ineffective ratio is left alone.
  static constexpr std::chrono::hours kLeaveAlone{24};

 private:
  // Cuts with no raise in between. Together they must have an effect: where a
  // part of the cost does not follow the ratio, each cut changes less.
  struct Cuts {
    // What the effect is measured from.
    Estimate share_before;
    double ratio_before = 0;
    Reading cpu_before;

    bool last_is_judged = false;
    bool load_has_changed = false;  // since then
    int without_effect = 0;         // in a row
  };

  void Add(const Reading& reading);
  std::optional<Estimate> Share() const;
  Reading Mean() const;
  bool IsUnknownForLong(Clock::time_point now, bool is_known);
  bool IsBelowDeadBand(const Estimate& share) const;
  bool CutsAreIneffective(const Estimate& share);
  void RememberCut(const Estimate& share);
  Decision Decide(const Estimate& share) const;
  Decision Raise(Verdict verdict, const Estimate& share) const;
  Decision Return(Verdict verdict, const Estimate& share) const;

  const Sampling sampling_;
  const size_t window_;
  double ratio_;
  std::vector<Reading> readings_;  // since the last change, at most a window
  size_t oldest_ = 0;              // of a full window
  std::optional<Clock::time_point> changed_;
  std::optional<Clock::time_point> taken_;  // the pass before
  std::optional<Clock::time_point> unknown_since_;
  std::optional<Cuts> cuts_;
  std::optional<Clock::time_point> left_alone_until_;
};

}  // namespace resource_attribution::trace_sampling

#endif  // RESOURCE_ATTRIBUTION_TRACE_SAMPLING_CONTROLLER_H_
