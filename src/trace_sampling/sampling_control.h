#ifndef RESOURCE_ATTRIBUTION_TRACE_SAMPLING_SAMPLING_CONTROL_H_
#define RESOURCE_ATTRIBUTION_TRACE_SAMPLING_SAMPLING_CONTROL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "measures/report.h"
#include "trace_sampling/controller.h"
#include "trace_sampling/replaced_file.h"
#include "trace_sampling/strategies.h"

namespace resource_attribution::trace_sampling {

/// Controls the sampling of all services that ask for it: a controller for each
/// of them, and the files from which the services get their ratios. With
/// SamplingMode "Observe" it changes no file and only says what it would do.
/// Not thread-safe.
class SamplingControl {
 public:
  using Clock = Controller::Clock;

  /// A service that is controlled.
  struct Controlled {
    size_t service;    ///< index into Config::services
    std::string name;  ///< of the block
    /// The ratio in the files; none: nothing was written, or not all of it.
    std::optional<double> ratio{};
    /// Cuts had no effect: the plugin leaves the ratio alone for a day.
    bool is_ineffective = false;
  };

  explicit SamplingControl(const Config& config);

  /// Whether a service asks for it.
  static bool IsWanted(const Config& config);

  /// The files are written anew so often, in case one was deleted.
  static constexpr std::chrono::hours kRewrite{1};

  /// Whether Take may write files, and so wait for a disk.
  bool MayWrite() const { return mode_ == SamplingMode::kAct; }

  /// Errors of the files, for people; changes nothing.
  std::vector<std::string> Check() const;

  /// Takes what a pass measured and changes ratios. Adds notices to `report`,
  /// which is null if the pass failed. The first call changes no file:
  /// `collectd -T` makes one pass, maybe beside the daemon that runs.
  void Take(Clock::time_point now, PassReport* report);

  /// Returns every service to its greatest ratio, if Take ever wrote one.
  /// Returns errors, for people.
  std::vector<std::string> Return();

  const std::vector<Controlled>& controlled() const { return controlled_; }

 private:
  // What belongs to a service besides, by the same index.
  struct State {
    Sampling sampling;
    Controller controller;
    std::optional<ReplacedFile> answer;
    Controller::Decision decision{};
    Controller::Verdict last = Controller::Verdict::kHold;
    std::string file_error{};  // empty: its files are written
    bool has_begun = false;    // its first ratio is in force
  };

  bool NeedsWrite(Clock::time_point now);
  void Write();
  void ForgetFiles();
  void Act(Clock::time_point now);
  void Say(size_t at, Notice::Kind kind, Notice::Severity severity,
           std::string text);
  void SayVerdict(size_t at);
  void SayWhatItWouldDo(size_t at);

  const SamplingMode mode_;
  const double other_ratio_;
  std::optional<ReplacedFile> strategies_;
  std::vector<Controlled> controlled_;
  std::vector<State> states_;
  std::vector<Notice> said_;  // since the last report, one of each kind
  std::optional<Clock::time_point> written_at_;
  bool has_passed_ = false;
};

}  // namespace resource_attribution::trace_sampling

#endif  // RESOURCE_ATTRIBUTION_TRACE_SAMPLING_SAMPLING_CONTROL_H_
