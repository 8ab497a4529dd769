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
  /// `program` is the executable of the child.
  Supervisor(std::string program, child::Assignment assignment,
             std::vector<std::string> services);

  /// Names of the services, by their index in reports.
  const std::vector<std::string>& services() const { return services_; }

  /// Starts a child before the first pass. Fills `ready`, or returns why it
  /// could not.
  std::optional<std::string> Begin(child::Ready& ready);

  /// Makes a pass. `report` refers to memory of this object, and is valid until
  /// the next call of any method. Returns why there is none; empty after
  /// Interrupt.
  std::optional<std::string> Pass(PassReport& report);

  /// The PID and command name of a process, printable.
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

  std::optional<Failure> Start(child::Ready& ready);
  std::optional<Failure> PassOnce(PassReport& report);
  std::optional<Failure> Ask(Clock::duration patience);
  std::optional<std::string_view> AskForText();
  Failure Ended();
  Failure Late(const child::SamplerProcess::Note& note,
               child::SamplerProcess::State state, Clock::duration waited);
  void FindCulprit();
  void CountDeath();

  const Clock::duration patience_;
  const child::Assignment assignment_;
  const std::vector<std::string> services_;
  child::SamplerProcess process_;
  PassedOver passed_over_;
  std::optional<pid_t> culprit_;  // the user is still unknown
  child::Bytes request_;
  int deaths_ = 0;  // in a row, without a pass in between
  Clock::time_point next_start_{};
  LineBudget budget_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_SUPERVISOR_H_
