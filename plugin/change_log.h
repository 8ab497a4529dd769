#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_

#include <array>
#include <string>
#include <vector>

#include "collectd.h"
#include "measures/report.h"

namespace resource_attribution {

class Supervisor;

/// At most twelve log lines an hour about one subject. A user who starts and
/// ends a process, or makes a PID file good and bad, in each pass must not fill
/// the log.
class LineBudget {
 public:
  /// Returns whether one more line may be logged, and counts it.
  bool Take();

  /// The ending of a line: after the last allowed line it says that more are
  /// suppressed.
  const char* Ending() const;

 private:
  cdtime_t hour_began_ = 0;
  int left_ = 0;
};

/// Logs what changes from pass to pass, each change once. Not thread-safe.
class ChangeLog {
 public:
  /// Logs what changed with the services since the last report. Asks
  /// `supervisor` about processes.
  void Take(const PassReport& report, Supervisor& supervisor);

  /// Logs that a pass failed, unless the pass before failed for the same
  /// reason. The reason may be that there is no memory, so this allocates none.
  void Fail(const char* reason);

  /// Logs that passes succeed again, if one failed.
  void Recover();

 private:
  enum class Presence { kUnknown, kAbsent, kPresent };

  // The last lines about a service.
  struct ServiceLog {
    Presence presence = Presence::kUnknown;
    std::array<std::string, Notice::kKinds> said;
    // One for each severity: a process that comes and goes hides no warning.
    std::array<LineBudget, Notice::kSeverities> budgets;
  };

  bool Say(ServiceLog& log, const std::string& service,
           Notice::Severity severity, const std::string& text);
  void SayPresence(ServiceLog& log, const std::string& service,
                   size_t processes);
  void ForgetWhatIsOver(const PassReport& report);
  void SayNotice(const Notice& notice, Supervisor& supervisor);

  std::vector<ServiceLog> services_;
  std::array<char, 256> failure_{};
  LineBudget failure_budget_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_
