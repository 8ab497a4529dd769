#include "supervisor.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "log.h"
#include "procfs/file.h"
#include "procfs/printable.h"

namespace resource_attribution {
namespace {

using child::Reader;
using child::SamplerProcess;
using child::Wait;
using procfs::Printable;
using procfs::PrintableLine;
using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Less than half an interval, unless that is below a second: the pass that is
// made again leaves enough time for the next one to measure CPU from it.
steady_clock::duration PatienceFor(double interval_seconds) {
  return duration_cast<steady_clock::duration>(
      duration<double>(std::clamp(interval_seconds * 0.4, 1.0, 10.0)));
}

// Where there are no process events, the kernel's answer is waited for.
constexpr seconds kAssignmentPatience{10};

// A child that works is waited for this long. On a busy machine a pass may take
// a hundred times as long as it should.
constexpr seconds kLongestPass{60};

constexpr const char* kProcess = "the sampler process ";

void Say(const std::string& text, LineBudget& budget) {
  if (budget.Take()) Log(LOG_ERR, text + budget.Ending());
}

std::string Seconds(steady_clock::duration time) {
  const auto tenths = duration_cast<milliseconds>(time).count() / 100;
  return options::FormatNumber(static_cast<double>(tenths) / 10) + " s";
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

// Whether a filter limits the system calls of the daemon, proc_pid_status(5),
// and with them those of the child. For some filters the kernel kills what
// makes another call, and the daemon ignores SIGCHLD: it does not see how a
// child ended.
bool IsFiltered() {
  constexpr size_t kStatusMax = 16384;
  const procfs::FileDescriptor file(
      open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  procfs::Buffer buffer;
  const auto status =
      procfs::ReadAll(file.get(), "/proc/self/status", kStatusMax,
                      procfs::Oversize::kCut, buffer);
  return status && status->find("\nSeccomp:\t2\n") != std::string_view::npos;
}

}  // namespace

Supervisor::Supervisor(Options options)
    : options_(std::move(options)),
      patience_(PatienceFor(options_.assignment.interval_seconds)),
      process_(options_.program) {}

std::optional<std::string> Supervisor::Begin(child::Ready& ready) {
  if (auto failure = Start(ready)) return std::move(failure->reason);
  return std::nullopt;
}

bool Supervisor::TryPass(PassReport& report) {
  if (!BeginPass() || begun_ != Wait::kDone) return false;
  Reader reader(process_.reply());
  if (ReadFailure(reader) || !ReadReport(reader, services().size(), report) ||
      !report.notices.empty()) {
    return false;
  }
  EndPass();
  return true;
}

std::optional<std::string> Supervisor::Pass(PassReport& report) {
  auto failure = PassOnce(report);
  if (failure && failure->again) failure = PassOnce(report);
  if (failure) return std::move(failure->reason);
  return std::nullopt;
}

std::optional<Supervisor::Failure> Supervisor::PassOnce(PassReport& report) {
  while (!begun_ && !BeginPass()) {
    child::Ready ready;
    if (auto failure = Start(ready)) return failure;
  }
  const Wait wait = *std::exchange(begun_, std::nullopt);
  if (auto failure = GoOn(wait, patience_)) return failure;
  Reader reader(process_.reply());
  if (const auto reason = ReadFailure(reader)) {
    return Failure{.reason = PrintableLine(*reason)};
  }
  if (!ReadReport(reader, services().size(), report)) {
    return Kill("gave an answer that makes no sense");
  }
  EndPass();
  return std::nullopt;
}

// Asks the child for a pass. Returns whether there is a child.
bool Supervisor::BeginPass() {
  begun_.reset();
  // What is passed over no longer is unknown to the child: a new one looks at
  // everything.
  if (passed_over_.Refresh(Clock::now())) process_.End();
  if (!process_.IsRunning()) return false;
  request_.clear();
  child::WritePass(passed_over_.List(), request_);
  begun_ = Ask();
  return true;
}

// The report refers to the reply.
void Supervisor::EndPass() {
  process_.KeepReply();
  begun_.reset();
  deaths_ = 0;
}

std::string Supervisor::Describe(pid_t pid) {
  request_.clear();
  child::WriteAboutProcess(child::Asked::kDescribe, pid, request_);
  const auto text = AskForText();
  return text ? std::string(*text) : std::to_string(pid);
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
    return Failure{.reason =
                       std::string(kProcess) + "cannot be started: " + failed};
  }
  request_.clear();
  Write(options_.assignment, request_);
  if (auto failure = GoOn(Ask(), kAssignmentPatience)) return failure;
  Reader reader(process_.reply());
  if (const auto reason = ReadFailure(reader)) {
    Failure failure{.reason = PrintableLine(*reason)};
    process_.End();
    CountDeath();
    return failure;
  }
  auto read = ReadReady(reader);
  if (!read) return Kill("gave an answer that makes no sense");
  ready = *std::move(read);
  return std::nullopt;
}

// Sends request_ and waits a moment for the reply.
child::Wait Supervisor::Ask() {
  try {
    return process_.Ask(request_);
  } catch (...) {
    process_.End();  // request and reply would no longer belong together
    throw;
  }
}

// Waits for the reply if it is late. Ends the process if there is none.
std::optional<Supervisor::Failure> Supervisor::GoOn(Wait wait,
                                                    Clock::duration patience) {
  try {
    if (wait == Wait::kLate) {
      auto failure = WaitLonger(patience);
      waited_.clear();  // each takes a descriptor
      return failure;
    }
    if (wait == Wait::kDone) return std::nullopt;
    if (wait == Wait::kInterrupted) return Failure{.reason = ""};
    return Ended();
  } catch (...) {
    process_.End();  // request and reply would no longer belong together
    throw;
  }
}

// Looks what the child does after each wait for its reply. A child that waits
// for one process or file as long as `patience`, or for several twice as long,
// is killed; if that process is runnable, and so may only lack a CPU, after
// four times as long. A child that runs or begins to read other files is killed
// after kLongestPass.
std::optional<Supervisor::Failure> Supervisor::WaitLonger(
    Clock::duration patience) {
  const auto begun = Clock::now();
  auto last = begun;
  auto same_since = begun;
  Clock::duration waited_for_all{};
  SamplerProcess::Note note = process_.BeingRead();
  while (true) {
    const Wait wait = process_.GoOn();
    if (wait == Wait::kDone) return std::nullopt;
    if (wait == Wait::kInterrupted) return Failure{.reason = ""};
    if (wait == Wait::kEnded) return Ended();
    const auto now = Clock::now();
    const auto state = process_.GetState();
    SamplerProcess::Note seen = process_.BeingRead();
    if (state == SamplerProcess::State::kRuns || seen.begun != note.begun) {
      same_since = now;
    }
    note = std::move(seen);
    if (state == SamplerProcess::State::kWaits && note.process != 0) {
      AddWait(note, now - last);
      waited_for_all += now - last;
    }
    last = now;
    const bool is_same = now - same_since >= patience;
    if (is_same && (now - same_since >= 4 * patience || !IsOnlyBusy(note))) {
      if (state == SamplerProcess::State::kStopped) {
        return Kill("was stopped by a signal");
      }
      return StalledBy(note, now - same_since);
    }
    if (waited_for_all >= 2 * patience) return StalledBySeveral(waited_for_all);
    if (now - begun >= std::max<Clock::duration>(kLongestPass, patience)) {
      return Kill("was not done after " + Seconds(now - begun));
    }
  }
}

std::optional<std::string_view> Supervisor::AskForText() {
  if (!process_.IsRunning() || GoOn(Ask(), patience_)) return std::nullopt;
  Reader reader(process_.reply());
  if (ReadFailure(reader)) return std::nullopt;
  return child::ReadText(reader);
}

// The child waits for this process now: its PID is that of no other. If it
// went on meanwhile, the wait is over, and the process may have ended.
void Supervisor::AddWait(const SamplerProcess::Note& note,
                         Clock::duration time) {
  constexpr size_t kMost = 256;
  if (Waited* known = FindWaited(note.process)) {
    known->time += time;
    return;
  }
  if (waited_.size() == kMost) return;
  auto suspect = Suspect::Find(options_.proc_path, note.process);
  if (!suspect || process_.BeingRead().begun != note.begun) return;
  waited_.push_back({*std::move(suspect), time});
}

Supervisor::Waited* Supervisor::FindWaited(pid_t process) {
  const auto found = std::ranges::find_if(
      waited_, [&](const Waited& one) { return one.suspect.pid() == process; });
  return found == waited_.end() ? nullptr : &*found;
}

// Whether the child waits for a process that has no CPU.
bool Supervisor::IsOnlyBusy(const SamplerProcess::Note& note) {
  const Waited* one = FindWaited(note.process);
  return one != nullptr && one->suspect.IsRunning();
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
    if (IsFiltered()) {
      text +=
          ", or, if collectd's unit has SystemCallFilter=, made a call that it "
          "forbids";
    }
  }
  if (!note.file.empty()) text += ", while it read " + PathOf(note);
  return Lost(text);
}

Supervisor::Failure Supervisor::Kill(const std::string& reason) {
  process_.End();
  return Lost(kProcess + reason + " and was killed");
}

Supervisor::Failure Supervisor::Lost(const std::string& text) {
  CountDeath();
  const bool again = Clock::now() >= next_start_;
  Say(text + (again ? "; a new one takes its place" : ""), deaths_said_);
  return {.reason = text, .again = again};
}

// The child waits for one process or file.
Supervisor::Failure Supervisor::StalledBy(const SamplerProcess::Note& note,
                                          Clock::duration waited) {
  const std::string text = "waited " + Seconds(waited) + " for " + PathOf(note);
  if (Waited* suspect = FindWaited(note.process)) {
    process_.End();
    PassOver(std::move(*suspect), PathOf(note));
  } else if (note.process == 0 && !note.file.empty()) {
    process_.End();
    passed_over_.AddFile(note.file, Clock::now());
    const bool is_path = note.file.starts_with('/');
    Say(text + (is_path ? ": the files of its directory are passed over for 1 h"
                        : ": passed over for 1 min"),
        waits_said_);
  } else {
    return Kill("did nothing for " + Seconds(waited));
  }
  return {.reason = text, .again = true};
}

// The child waited for one process after the other. Those that took a share of
// the time are passed over.
Supervisor::Failure Supervisor::StalledBySeveral(Clock::duration waited) {
  process_.End();
  constexpr int kShare = 50;
  for (Waited& one : waited_) {
    if (one.time < waited / kShare) continue;
    const std::string path = "/proc/" + std::to_string(one.suspect.pid());
    PassOver(std::move(one), path);
  }
  return {.reason = "waited " + Seconds(waited) + " for several processes",
          .again = true};
}

void Supervisor::PassOver(Waited one, const std::string& file) {
  const std::string pid = std::to_string(one.suspect.pid());
  Say("waited " + Seconds(one.time) + " for " + file + ": process " + pid +
          " is passed over for 1 min, and for 1 h if it happens again, and "
          "counts as gone",
      waits_said_);
  if (const auto user =
          passed_over_.Add(std::move(one.suspect), Clock::now())) {
    Say("processes of user " + std::to_string(*user) +
            " made the plugin wait three times: all processes of this user are "
            "passed over for 1 h",
        waits_said_);
  }
}

// After the second death in a row there is no child for a second, then two, up
// to five minutes.
void Supervisor::CountDeath() {
  constexpr int kMost = 10;
  constexpr seconds kLongest{300};
  deaths_ = std::min(deaths_ + 1, kMost);
  if (deaths_ < 2) return;
  next_start_ = Clock::now() + std::min(kLongest, seconds{1 << (deaths_ - 2)});
}

}  // namespace resource_attribution
