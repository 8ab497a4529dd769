#include "supervisor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "log.h"
#include "procfs/decimal.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

using child::Reader;
using child::SamplerProcess;
using child::Wait;
using procfs::Printable;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A pass takes milliseconds, and on a machine under full load a hundred times
// as long.
steady_clock::duration PatienceFor(double interval_seconds) {
  return duration_cast<steady_clock::duration>(
      duration<double>(std::clamp(interval_seconds / 2, 1.0, 10.0)));
}

// Where there are no process events, the kernel's answer is waited for.
constexpr seconds kAssignmentPatience{10};

// A child that still reads one file after the other is waited for so often.
constexpr int kExtensions = 10;

constexpr const char* kProcess = "the sampler process ";

std::string Seconds(steady_clock::duration time) {
  const double tenths =
      static_cast<double>(
          duration_cast<std::chrono::milliseconds>(time).count() / 100) /
      10;
  return options::FormatNumber(tenths) + " s";
}

// The path of a file with the PID in place of "PID".
std::string PathOf(const SamplerProcess::Note& note) {
  std::string path = Printable(note.file);
  const size_t at = path.find("PID");
  if (note.process != 0 && at != std::string::npos) {
    path.replace(at, 3, std::to_string(note.process));
  }
  return path;
}

}  // namespace

Supervisor::Supervisor(std::string program, child::Assignment assignment,
                       std::vector<std::string> services)
    : patience_(PatienceFor(assignment.interval_seconds)),
      assignment_(std::move(assignment)),
      services_(std::move(services)),
      process_(std::move(program)) {}

std::optional<std::string> Supervisor::Begin(child::Ready& ready) {
  if (auto failure = Start(ready)) return std::move(failure->reason);
  return std::nullopt;
}

std::optional<std::string> Supervisor::Pass(PassReport& report) {
  // A user whose processes were passed over: a new child looks at all.
  if (passed_over_.Refresh(Clock::now())) process_.End();
  auto failure = PassOnce(report);
  if (failure && failure->again) failure = PassOnce(report);
  if (failure) return std::move(failure->reason);
  return std::nullopt;
}

std::optional<Supervisor::Failure> Supervisor::PassOnce(PassReport& report) {
  if (!process_.IsRunning()) {
    child::Ready ready;
    if (auto failure = Start(ready)) return failure;
    FindCulprit();
    if (!process_.IsRunning()) return Failure{.reason = "", .again = true};
  }
  request_.clear();
  child::WritePass(passed_over_.List(), request_);
  if (auto failure = Ask(patience_)) return failure;
  Reader reader(process_.reply());
  if (const auto reason = ReadFailure(reader)) {
    return Failure{.reason = std::string(*reason)};
  }
  if (!ReadReport(reader, services_.size(), report)) {
    process_.End();
    CountDeath();
    return Failure{.reason = std::string(kProcess) + "made no sense"};
  }
  deaths_ = 0;
  return std::nullopt;
}

std::string Supervisor::Describe(pid_t pid) {
  request_.clear();
  child::WriteAboutProcess(child::Asked::kDescribe, pid, request_);
  const auto text = AskForText();
  return text ? Printable(*text) : std::to_string(pid);
}

std::optional<std::string> Supervisor::Table() {
  request_.clear();
  child::WriteTable(request_);
  const auto text = AskForText();
  if (!text) return std::nullopt;
  return std::string(*text);
}

std::optional<Supervisor::Failure> Supervisor::Start(child::Ready& ready) {
  if (Clock::now() < next_start_) {
    return Failure{.reason = std::string(kProcess) +
                             "ends again and again; it is started anew after "
                             "a while"};
  }
  if (const std::string failed = process_.Start(); !failed.empty()) {
    CountDeath();
    return Failure{.reason = std::string(kProcess) +
                             "cannot be started: " + Printable(failed)};
  }
  request_.clear();
  Write(assignment_, request_);
  if (auto failure = Ask(kAssignmentPatience)) return failure;
  Reader reader(process_.reply());
  if (const auto reason = ReadFailure(reader)) {
    Failure failure{.reason = std::string(*reason)};
    process_.End();
    CountDeath();
    return failure;
  }
  auto read = ReadReady(reader);
  if (!read) return Failure{.reason = std::string(kProcess) + "made no sense"};
  ready = *std::move(read);
  return std::nullopt;
}

// Sends request_ and waits for the reply. Ends the process if there is none.
std::optional<Supervisor::Failure> Supervisor::Ask(Clock::duration patience) {
  const auto begun = Clock::now();
  SamplerProcess::Note noted = process_.BeingRead();
  Wait wait = process_.Ask(request_, begun + patience / 2);
  for (int i = 0; wait == Wait::kLate && i < kExtensions; ++i) {
    SamplerProcess::Note now = process_.BeingRead();
    const auto state = process_.GetState();
    const bool goes_on =
        state == SamplerProcess::State::kRuns || now.begun != noted.begun;
    if (!goes_on && i > 0) return Late(now, state, Clock::now() - begun);
    noted = std::move(now);
    wait = process_.GoOn(Clock::now() + patience / 2);
  }
  if (wait == Wait::kDone) return std::nullopt;
  if (wait == Wait::kInterrupted) {
    return Failure{.reason = ""};
  }
  if (wait == Wait::kEnded) return Ended();
  process_.End();
  CountDeath();
  return Failure{.reason = std::string(kProcess) + "was not done after " +
                           Seconds(Clock::now() - begun) + " and was killed"};
}

std::optional<std::string_view> Supervisor::AskForText() {
  if (!process_.IsRunning() || Ask(patience_)) return std::nullopt;
  Reader reader(process_.reply());
  if (ReadFailure(reader)) return std::nullopt;
  return child::ReadText(reader);
}

Supervisor::Failure Supervisor::Ended() {
  process_.End();
  const SamplerProcess::Note note = process_.BeingRead();
  std::string text = std::string(kProcess) + "ended by ";
  if (note.fatal_signal != 0) {
    text += "signal " + std::to_string(note.fatal_signal) + " (" +
            strsignal(note.fatal_signal) + ")";
  } else {
    text += "itself or by SIGKILL, as when memory runs out";
  }
  if (!note.file.empty()) text += ", while it read " + PathOf(note);
  CountDeath();
  const bool again = Clock::now() >= next_start_;
  if (budget_.Take()) {
    Log(LOG_ERR,
        text + (again ? "; a new one takes its place" : "") + budget_.Ending());
  }
  return {.reason = text, .again = again};
}

// The process waits in the kernel, or was stopped.
Supervisor::Failure Supervisor::Late(const SamplerProcess::Note& note,
                                     SamplerProcess::State state,
                                     Clock::duration waited) {
  process_.End();
  const auto now = Clock::now();
  std::string text;
  if (state == SamplerProcess::State::kStopped) {
    text = std::string(kProcess) +
           "was stopped by a signal, and killed after " + Seconds(waited) +
           "; a new one takes its place";
  } else if (note.process != 0) {
    passed_over_.AddProcess(note.process);
    culprit_ = note.process;
    text = "waited " + Seconds(waited) + " for " + PathOf(note) + ": process " +
           std::to_string(note.process) +
           " is passed over until it ends, and counts as gone";
  } else if (!note.file.empty()) {
    passed_over_.AddFile(note.file, now);
    text = "waited " + Seconds(waited) + " for " + PathOf(note) +
           ": passed over for 1 h";
  } else {
    text = std::string(kProcess) + "did nothing for " + Seconds(waited) +
           " and was killed; a new one takes its place";
  }
  if (budget_.Take()) Log(LOG_ERR, text + budget_.Ending());
  return {.reason = text, .again = true};
}

// Says whose process made the child before wait. Reads nothing that could make
// this one wait, but if it does, the process is passed over already.
void Supervisor::FindCulprit() {
  if (!culprit_) return;
  const pid_t pid = *std::exchange(culprit_, std::nullopt);
  request_.clear();
  child::WriteAboutProcess(child::Asked::kUser, pid, request_);
  const auto text = AskForText();
  if (!text) return;
  const auto user = procfs::ParseDecimal<uid_t>(*text);
  if (!user || !passed_over_.BlameUser(*user, Clock::now())) return;
  if (budget_.Take()) {
    Log(LOG_ERR, "processes of user " + std::to_string(*user) +
                     " made the plugin wait three times: all processes of "
                     "this user are passed over for 1 h" +
                     budget_.Ending());
  }
}

// After the second death in a row there is no child for a second, then two, up
// to five minutes.
void Supervisor::CountDeath() {
  constexpr int kMost = 9;
  constexpr seconds kLongest{300};
  deaths_ = std::min(deaths_ + 1, kMost);
  if (deaths_ < 2) return;
  next_start_ = Clock::now() + std::min(kLongest, seconds{1 << (deaths_ - 2)});
}

}  // namespace resource_attribution
