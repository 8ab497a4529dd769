#include "trace_sampling/sampling_control.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "config/item.h"

namespace resource_attribution::trace_sampling {
namespace {

using options::FormatNumber;
using Severity = Notice::Severity;
using Verdict = Controller::Verdict;

std::string Percent(const Estimate& share) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(),
                "tracing takes %.2f %% of the CPU (standard error %.2f)",
                share.mean, share.standard_error.value_or(0));
  return text.data();
}

std::string Limit(const Sampling& sampling) {
  return "MaxCPUShare " + FormatNumber(sampling.max_cpu_share);
}

}  // namespace

bool SamplingControl::IsWanted(const Config& config) {
  return std::any_of(config.services.begin(), config.services.end(),
                     [](const Service& one) { return one.sampling; });
}

SamplingControl::SamplingControl(const Config& config)
    : mode_(config.sampling_mode),
      other_ratio_(config.sampling_files.other_ratio) {
  const SamplingFiles& files = config.sampling_files;
  if (!files.strategies.empty()) {
    strategies_.emplace(files.strategies, IsStrategiesText);
  }
  for (size_t i = 0; i < config.services.size(); ++i) {
    const Service& service = config.services[i];
    if (!service.sampling) continue;
    const Sampling& sampling = *service.sampling;
    controlled_.push_back({.service = i, .name = service.name});
    State& state = states_.emplace_back(
        State{.sampling = sampling,
              .controller = Controller(sampling, service.compare_window),
              .answer = {}});
    state.decision.ratio = sampling.ratios.greatest;
    if (!files.answers.empty()) {
      state.answer.emplace(files.answers + '/' + sampling.service + ".json",
                           IsAnswerText);
    }
  }
}

std::vector<std::string> SamplingControl::Check() const {
  std::vector<std::string> errors;
  const auto check = [&errors](const std::optional<ReplacedFile>& file) {
    if (!file) return;
    if (const auto checked = file->Check(); !checked) {
      errors.push_back(checked.error().Message());
    }
  };
  check(strategies_);
  for (const State& state : states_) check(state.answer);
  return errors;
}

void SamplingControl::Take(Clock::time_point now, PassReport* report) {
  for (size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    std::optional<Reading> reading;
    if (report != nullptr) {
      for (const TracingCost& one : report->tracing_costs) {
        if (one.service != controlled_[at].service) continue;
        reading = {.tracing_cpu = one.tracing_cpu, .cpu = one.cpu};
      }
    }
    state.decision = state.controller.Take(now, reading);
  }
  if (mode_ == SamplingMode::kAct) {
    if (std::exchange(has_passed_, true)) Act(now);
  } else {
    for (size_t at = 0; at < states_.size(); ++at) SayWhatItWouldDo(at);
  }
  if (report == nullptr) return;
  for (Notice& notice : said_) report->Add(std::move(notice));
  said_.clear();
}

void SamplingControl::Act(Clock::time_point now) {
  if (NeedsWrite()) Write();
  for (size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    if (!state.file_error.empty()) {
      said_.push_back({.service = controlled_[at].service,
                       .kind = Notice::Kind::kSamplingFiles,
                       .text = "sampling ratio " +
                               FormatNumber(state.decision.ratio) +
                               " not written: " + state.file_error});
      continue;
    }
    SayVerdict(at);
    controlled_[at].is_ineffective =
        state.decision.verdict == Verdict::kIneffective;
    if (state.decision.ratio != state.controller.ratio()) {
      state.controller.Apply(state.decision, now);
    }
  }
}

bool SamplingControl::NeedsWrite() const {
  for (size_t at = 0; at < states_.size(); ++at) {
    if (controlled_[at].ratio != states_[at].decision.ratio) return true;
  }
  return false;
}

// The ratios that were decided. If only one of two files can be written, the
// ratio in force depends on which of them the service gets.
void SamplingControl::Write() {
  has_written_ = true;
  std::vector<ServiceRatio> ratios;
  for (const State& state : states_) {
    ratios.push_back({state.sampling.service, state.decision.ratio});
  }
  const auto write = [](std::optional<ReplacedFile>& file,
                        const std::string& text) -> std::string {
    if (!file) return "";
    const auto done = file->Replace(text);
    return done ? "" : done.error().Message();
  };
  const std::string strategies_error =
      write(strategies_, StrategiesText(ratios, other_ratio_));
  for (size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    state.file_error = strategies_error;
    if (!state.file_error.empty()) continue;
    state.file_error = write(state.answer, AnswerText(state.decision.ratio));
    controlled_[at].ratio.reset();
    if (state.file_error.empty()) controlled_[at].ratio = state.decision.ratio;
  }
}

std::vector<std::string> SamplingControl::Return() {
  if (!has_written_) return {};
  for (State& state : states_) {
    state.decision = {.ratio = state.sampling.ratios.greatest};
  }
  if (NeedsWrite()) Write();
  std::vector<std::string> errors;
  for (const State& state : states_) {
    if (!state.file_error.empty()) {
      errors.push_back("sampling ratio of \"" + state.sampling.service +
                       "\" not returned to " +
                       FormatNumber(state.decision.ratio) + ": " +
                       state.file_error);
    }
  }
  return errors;
}

void SamplingControl::Say(size_t at, Severity severity, std::string text) {
  said_.push_back({.service = controlled_[at].service,
                   .kind = Notice::Kind::kSampling,
                   .severity = severity,
                   .text = std::move(text)});
}

// Says a change of the ratio, and that it cannot become less; each once.
void SamplingControl::SayVerdict(size_t at) {
  State& state = states_[at];
  const Controller::Decision& decision = state.decision;
  const Verdict last = std::exchange(state.last, decision.verdict);
  const std::string from_to = FormatNumber(state.controller.ratio()) + " to " +
                              FormatNumber(decision.ratio);
  const std::string returned =
      "sampling ratio returned to " + FormatNumber(decision.ratio) + ": ";
  switch (decision.verdict) {
    case Verdict::kHold:
      break;
    case Verdict::kLower:
      Say(at, Severity::kNotice,
          "sampling ratio lowered from " + from_to + ": " +
              Percent(decision.share) + ", " + Limit(state.sampling));
      break;
    case Verdict::kRaise:
      Say(at, Severity::kNotice,
          "sampling ratio raised from " + from_to + ": " +
              Percent(decision.share) + ", " + Limit(state.sampling));
      break;
    case Verdict::kAtLeast:
      if (last == Verdict::kAtLeast) break;
      Say(at, Severity::kWarning,
          "sampling ratio stays " + FormatNumber(decision.ratio) +
              ", the least: " + Percent(decision.share) + ", " +
              Limit(state.sampling));
      break;
    case Verdict::kIneffective:
      if (last == Verdict::kIneffective) break;
      Say(at, Severity::kWarning,
          returned +
              "two cuts had no measurable effect, so that the service does "
              "not follow the ratio, or its cost is not that of sampling; "
              "tried again in 24 h");
      break;
    case Verdict::kUnmeasured:
      Say(at, Severity::kNotice,
          returned + "the cost of tracing was not measured for 10 minutes");
      break;
  }
}

void SamplingControl::SayWhatItWouldDo(size_t at) {
  State& state = states_[at];
  const Controller::Decision& decision = state.decision;
  const Verdict last = std::exchange(state.last, decision.verdict);
  if (decision.verdict != Verdict::kLower || last == Verdict::kLower) return;
  Say(at, Severity::kNotice,
      "sampling ratio would be lowered from " +
          FormatNumber(state.controller.ratio()) + " to " +
          FormatNumber(decision.ratio) + " with SamplingMode \"Act\": " +
          Percent(decision.share) + ", " + Limit(state.sampling));
}

}  // namespace resource_attribution::trace_sampling
