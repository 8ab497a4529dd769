#ifndef RESOURCE_ATTRIBUTION_PLUGIN_SUPERVISOR_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_SUPERVISOR_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "change_log.h"
#include "child/messages.h"
#include "child/sampler_process.h"
#include "measures/report.h"
#include "passed_over.h"

namespace resource_attribution {

/// Has passes made by a child process that can be killed. A read of /proc may
/// wait for ever, because a user wants it to, and a library may crash: the
/// daemon must not. A child that waits for a process is killed, and the next
/// one passes over that process. A child that ends is replaced.
///
/// Not thread-safe, except Interrupt.
class Supervisor {
 public:
  struct Options {
    std::string program;    ///< the executable of the child
    std::string proc_path;  ///< where procfs is mounted
    child::Assignment assignment;
    std::vector<std::string> services;  ///< names, by their index in reports
  };

  explicit Supervisor(Options options);

  const std::vector<std::string>& services() const { return options_.services; }

  /// Starts a child before the first pass. Fills `ready`, or returns why it
  /// could not.
  std::optional<std::string> Begin(child::Ready& ready);

  /// Makes a pass if a child runs, answers within a moment and has no notice,
  /// for which Describe may wait. Otherwise returns false, and Pass goes on.
  bool TryPass(PassReport& report);

  /// Makes a pass. `report` refers to memory of this object, and is valid until
  /// the next pass. Returns nothing if it was made, else why not: a text that
  /// is empty after Interrupt.
  std::optional<std::string> Pass(PassReport& report);

  /// The PID and command name of a process.
  std::string Describe(pid_t pid);

  /// The table of resource-attribution-check after a pass; none: no child.
  std::optional<std::string> Table();

  /// Ends the wait for a child, for good. From any thread.
  void Interrupt() { process_.Interrupt(); }

 private:
  using Clock = std::chrono::steady_clock;

  // Why there is no reply.
  struct Failure {
    std::string reason;
    bool again = false;  // a new child may do better
  };

  // A process for which the child was seen to wait, and how long in this pass.
  struct Waited {
    Suspect suspect;
    Clock::duration time{};
  };

  std::optional<Failure> Start(child::Ready& ready);
  std::optional<Failure> PassOnce(PassReport& report);
  bool BeginPass();
  void EndPass();
  child::Wait Ask();
  std::optional<Failure> GoOn(child::Wait wait, Clock::duration patience);
  std::optional<Failure> WaitLonger(Clock::duration patience);
  std::optional<std::string_view> AskForText();
  void AddWait(const child::SamplerProcess::Note& note, Clock::duration time);
  Failure Ended();
  Failure StalledBy(const child::SamplerProcess::Note& note,
                    Clock::duration waited);
  Failure StalledBySeveral(Clock::duration waited);
  Failure Kill(const std::string& reason);
  Failure Lost(const std::string& text);
  void PassOver(Waited one, const std::string& file);
  bool IsOnlyBusy(const child::SamplerProcess::Note& note);
  Waited* FindWaited(pid_t process);
  void CountDeath();

  const Options options_;
  const Clock::duration patience_;
  child::SamplerProcess process_;
  PassedOver passed_over_;
  std::vector<Waited> waited_;
  child::Bytes request_;
  std::optional<child::Wait> begun_;  // the pass that Pass goes on with
  int deaths_ = 0;                    // in a row, without a pass in between
  Clock::time_point next_start_{};
  LineBudget deaths_said_;
  LineBudget waits_said_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_SUPERVISOR_H_
