#include "change_log.h"

#include <cstdio>

#include "log.h"
#include "procfs/printable.h"
#include "supervisor.h"
#include "types.h"

namespace resource_attribution {
namespace {

using procfs::Printable;
using procfs::PrintableLine;

using Severity = Notice::Severity;

constexpr int kLinesAnHour = 12;

// In order of Severity.
constexpr std::array<int, Notice::kSeverities> kLevels = {LOG_INFO, LOG_NOTICE,
                                                          LOG_WARNING};

}  // namespace

bool LineBudget::Take() {
  constexpr cdtime_t kHour = TIME_T_TO_CDTIME_T_STATIC(3600);
  const cdtime_t now = cdtime();
  if (now - hour_began_ >= kHour) {
    hour_began_ = now;
    left_ = kLinesAnHour;
  }
  if (left_ == 0) return false;
  --left_;
  return true;
}

const char* LineBudget::Ending() const {
  return left_ == 0 ? " (further messages suppressed for up to 1 h)" : "";
}

void ChangeLog::Take(const PassReport& report, Supervisor& supervisor) {
  services_.resize(report.processes.size());
  for (size_t i = 0; i < services_.size(); ++i) {
    SayPresence(services_[i], supervisor.services()[i], report.processes[i]);
  }
  ForgetWhatIsOver(report);
  for (const Notice& notice : report.notices) SayNotice(notice, supervisor);
}

// Returns whether the budget had a line left.
bool ChangeLog::Say(ServiceLog& log, const std::string& service,
                    Severity severity, const std::string& text) {
  const auto index = static_cast<size_t>(severity);
  LineBudget& budget = log.budgets[index];
  if (!budget.Take()) return false;
  Log(kLevels[index], "block \"" + service + "\": " + text + budget.Ending());
  return true;
}

// Logs that a service has lost its processes, or has processes again.
void ChangeLog::SayPresence(ServiceLog& log, const std::string& service,
                            size_t processes) {
  const Presence now = processes > 0 ? Presence::kPresent : Presence::kAbsent;
  if (now == log.presence) return;
  std::string text;
  Severity severity = Severity::kNotice;
  if (now == Presence::kPresent && log.presence == Presence::kAbsent) {
    text = "found " + std::to_string(processes) +
           (processes == 1 ? " process" : " processes");
  } else if (log.presence == Presence::kPresent) {
    text =
        "no process matches any more; nothing is reported for it until one "
        "does";
  } else if (now == Presence::kAbsent) {
    severity = Severity::kInfo;
    text = "no process matches yet; nothing is reported for it until one does";
  }
  if (text.empty() || Say(log, service, severity, text)) log.presence = now;
}

// Forgets conditions that are over, so that they are logged when they begin
// again.
void ChangeLog::ForgetWhatIsOver(const PassReport& report) {
  for (size_t service = 0; service < services_.size(); ++service) {
    for (size_t kind = 0; kind < Notice::kKinds; ++kind) {
      std::string& said = services_[service].said[kind];
      if (!said.empty() &&
          report.Find(service, static_cast<Notice::Kind>(kind)) == nullptr) {
        said.clear();
      }
    }
  }
}

void ChangeLog::SayNotice(const Notice& notice, Supervisor& supervisor) {
  ServiceLog& log = services_[notice.service];
  std::string& said = log.said[static_cast<size_t>(notice.kind)];
  if (said == notice.text) return;
  // Of what a child says, nothing is sure.
  std::string line = PrintableLine(notice.text) + PrintableLine(notice.detail);
  if (notice.process != 0) {
    line += "; for example process " +
            Printable(supervisor.Describe(notice.process));
  }
  const std::string& name = supervisor.services()[notice.service];
  if (Say(log, name, notice.severity, line)) said = notice.text;
}

void ChangeLog::Fail(const char* reason) {
  std::array<char, 256> failure{};
  std::snprintf(failure.data(), failure.size(), "%s", reason);
  if (failure == failure_ || !failure_budget_.Take()) return;
  failure_ = failure;
  plugin_log(LOG_ERR,
             "%s plugin: pass failed, nothing is reported until one succeeds: "
             "%s%s",
             kPluginName, failure.data(), failure_budget_.Ending());
}

void ChangeLog::Recover() {
  if (failure_[0] == '\0' || !failure_budget_.Take()) return;
  failure_ = {};
  plugin_log(LOG_NOTICE, "%s plugin: pass succeeded again%s", kPluginName,
             failure_budget_.Ending());
}

}  // namespace resource_attribution
