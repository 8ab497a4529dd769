#ifndef RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_
#define RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_

#include <array>
#include <string>
#include <vector>

#include "collectd.h"
#include "sampler/sampler.h"

namespace resource_attribution {

/// How many lines there may be about one thing: twelve an hour. A user who
/// starts and ends a process, or makes a PID file good and bad, in each pass
/// must not fill the log.
class LineBudget {
 public:
  /// Whether one more line may be said; it is then counted.
  bool Take();

  /// What the last line has to end with.
  const char* Ending() const;

 private:
  cdtime_t hour_began_ = 0;
  int left_ = 0;
};

/// Says what changes from pass to pass, each change once. Not thread-safe.
class ChangeLog {
 public:
  /// Says what changed with the services of `sampler` since the last report.
  void Take(const PassReport& report, Sampler& sampler);

  /// Says that a pass failed, unless the one before did for the same reason.
  /// The reason may be that there is no memory: allocates none.
  void Fail(const char* reason);

  /// Says that passes succeed again, if one failed.
  void Recover();

 private:
  enum class Presence { kUnknown, kAbsent, kPresent };

  // What was last said of a service.
  struct ServiceLog {
    Presence presence = Presence::kUnknown;
    std::array<std::string, Notice::kKinds> said;
    LineBudget budget;
  };

  bool Say(ServiceLog& log, const std::string& service, int severity,
           const std::string& text);
  void SayPresence(ServiceLog& log, const std::string& service,
                   size_t processes);
  void ForgetWhatIsOver(const PassReport& report);
  void SayNotice(const Notice& notice, Sampler& sampler);

  std::vector<ServiceLog> services_;
  std::array<char, 256> failure_{};
  LineBudget failure_budget_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_PLUGIN_CHANGE_LOG_H_
