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

std::string Figures(const Estimate& share, const Sampling& sampling) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(),
                "tracing takes %.2f %% of the CPU (standard error %.2f)",
                share.mean, share.standard_error.value_or(0));
  return std::string(text.data()) + ", MaxCPUShare " +
         FormatNumber(sampling.max_cpu_share);
}

// The error, for people; empty if the file has the text, or there is none.
std::string Replace(std::optional<ReplacedFile>& file,
                    const std::string& text) {
  if (!file) return "";
  const auto done = file->Replace(text);
  return done ? "" : done.error().Message();
}

}  // namespace

bool SamplingControl::IsWanted(const Config& config) {
  return std::ranges::any_of(config.services, [](const Service& one) {
    return one.sampling.has_value();
  });
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
    // The ratio to begin with, whatever was measured at another one.
    if (mode_ == SamplingMode::kAct && !state.has_begun) {
      state.decision = {.ratio = state.controller.ratio()};
    }
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
  if (NeedsWrite(now)) {
    written_at_ = now;
    Write();
  }
  for (size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    if (!state.file_error.empty()) {
      Say(at, Notice::Kind::kSamplingFiles, Severity::kWarning,
          "sampling ratio not written: " + state.file_error);
      continue;
    }
    SayVerdict(at);
    controlled_[at].is_ineffective =
        state.decision.verdict == Verdict::kIneffective;
    if (state.decision.ratio != state.controller.ratio() ||
        !std::exchange(state.has_begun, true)) {
      state.controller.Apply(state.decision, now);
    }
  }
}

bool SamplingControl::NeedsWrite(Clock::time_point now) {
  bool needs_write = !written_at_ || now - *written_at_ >= kRewrite;
  if (needs_write) ForgetFiles();
  for (size_t at = 0; at < states_.size(); ++at) {
    if (controlled_[at].ratio != states_[at].decision.ratio) {
      needs_write = true;
    } else {
      states_[at].file_error.clear();
    }
  }
  return needs_write;
}

void SamplingControl::ForgetFiles() {
  if (strategies_) strategies_->Forget();
  for (State& state : states_) {
    if (state.answer) state.answer->Forget();
  }
}

// The answers first: a service whose answer cannot be written keeps its ratio
// in the strategies, too.
void SamplingControl::Write() {
  std::vector<ServiceRatio> ratios;
  for (State& state : states_) {
    state.file_error = Replace(state.answer, AnswerText(state.decision.ratio));
    const bool is_written = state.file_error.empty();
    ratios.push_back({state.sampling.service, is_written
                                                  ? state.decision.ratio
                                                  : state.controller.ratio()});
  }
  const std::string error =
      Replace(strategies_, StrategiesText(ratios, other_ratio_));
  for (size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    std::optional<double>& in_force = controlled_[at].ratio;
    if (!state.file_error.empty()) continue;
    if (error.empty()) {
      in_force = state.decision.ratio;
    } else if (in_force != state.decision.ratio) {
      state.file_error = error;
      // Only the answer has the new ratio.
      if (state.answer) in_force.reset();
    }
  }
}

std::vector<std::string> SamplingControl::Return() {
  if (!written_at_) return {};
  for (State& state : states_) {
    state.decision = {.ratio = state.sampling.ratios.greatest};
  }
  ForgetFiles();
  Write();
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

void SamplingControl::Say(size_t at, Notice::Kind kind, Severity severity,
                          std::string text) {
  const size_t service = controlled_[at].service;
  std::erase_if(said_, [&](const Notice& one) {
    return one.service == service && one.kind == kind;
  });
  said_.push_back({.service = service,
                   .kind = kind,
                   .severity = severity,
                   .text = std::move(text)});
}

// Says a change of the ratio, and that it cannot become less; each once.
void SamplingControl::SayVerdict(size_t at) {
  State& state = states_[at];
  const Controller::Decision& decision = state.decision;
  const bool lasts = decision.verdict == Verdict::kAtLeast ||
                     decision.verdict == Verdict::kIneffective;
  if (decision.verdict == Verdict::kHold ||
      (lasts && decision.verdict == state.last)) {
    return;
  }
  state.last = decision.verdict;
  const std::string from_to = "from " + FormatNumber(state.controller.ratio()) +
                              " to " + FormatNumber(decision.ratio) + ": ";
  const std::string returned =
      "returned to " + FormatNumber(decision.ratio) + ": ";
  const std::string figures = Figures(decision.share, state.sampling);
  std::string text = "sampling ratio ";
  switch (decision.verdict) {
    case Verdict::kHold:
      break;
    case Verdict::kLower:
      text += "lowered " + from_to + figures;
      break;
    case Verdict::kRaise:
      text += "raised " + from_to + figures;
      break;
    case Verdict::kNoise:
      text += "raised " + from_to +
              "for 10 minutes the cost of tracing was less than its error";
      break;
    case Verdict::kAtLeast:
      text +=
          "stays " + FormatNumber(decision.ratio) + ", the least: " + figures;
      break;
    case Verdict::kIneffective:
      text += returned + "cuts had no measurable effect (" + figures +
              "): the service does not ask for its ratio, or most of the cost "
              "does not depend on sampling; tried again in 24 h";
      break;
    case Verdict::kUnmeasured:
      text += returned + "the cost of tracing was not measured for 10 minutes";
      break;
  }
  Say(at, Notice::Kind::kSampling,
      lasts ? Severity::kWarning : Severity::kNotice, std::move(text));
}

// Once, until the share is below the dead band again.
void SamplingControl::SayWhatItWouldDo(size_t at) {
  State& state = states_[at];
  const Controller::Decision& decision = state.decision;
  if (decision.share.standard_error &&
      decision.share.mean <
          Controller::kDeadBandBegin * state.sampling.max_cpu_share) {
    state.last = Verdict::kHold;
  }
  if (decision.verdict != Verdict::kLower || state.last == Verdict::kLower) {
    return;
  }
  state.last = Verdict::kLower;
  Say(at, Notice::Kind::kSampling, Severity::kNotice,
      "sampling ratio would be lowered from " +
          FormatNumber(state.controller.ratio()) + " to " +
          FormatNumber(decision.ratio) + " with SamplingMode \"Act\": " +
          Figures(decision.share, state.sampling));
}

}  // namespace resource_attribution::trace_sampling
