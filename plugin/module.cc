// What collectd calls: it finds module_register in the loaded module, and
// everything else by the callbacks registered there.
//
// Configuration and init run on the daemon's main thread before the first pass,
// passes in one reader thread at a time, shutdown after the last, so the state
// needs no lock. No exception leaves a callback.

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.h"
#include "collectd.h"
#include "config/config_parser.h"
#include "config/option_list.h"
#include "config/value_kinds.h"
#include "config_item.h"
#include "discovery/selector_warnings.h"
#include "environment.h"
#include "procfs/printable.h"
#include "sampler.h"
#include "types.h"

namespace resource_attribution {
namespace {

using options::FormatNumber;
using procfs::Printable;

// How many lines there may be of one thing. Whoever starts and ends a process,
// or makes a PID file good and bad, in each pass must not fill the log.
class LineBudget {
 public:
  // Whether one more line may be said; it is then counted.
  bool Take() {
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

  // What the last line has to end with.
  const char* Ending() const {
    return left_ == 0 ? " (no more is said of this for up to an hour)" : "";
  }

 private:
  static constexpr int kLinesAnHour = 12;
  cdtime_t hour_began_ = 0;
  int left_ = 0;
};

// What was last said of a block, so that it is said once.
struct BlockLog {
  enum class Presence { kUnknown, kAbsent, kPresent };
  Presence presence = Presence::kUnknown;
  std::string problem;
  std::string missing_fields;
  bool pss_refused = false;
  bool refused_by_instances = false;
  bool exceeds_max_processes = false;
  bool undetected = false;
  std::string without_threads;
  bool compared = false;
  std::string without_difference;
  std::string traffic_problem;
  LineBudget budget;
};

// collectd cuts an interval to 2^-30 seconds: 0.1 comes back as a little less.
std::optional<double> LoadPluginInterval() {
  const cdtime_t interval = plugin_get_interval();
  if (interval == cf_get_default_interval()) return std::nullopt;
  const double seconds = static_cast<double>(interval) /
                         static_cast<double>(TIME_T_TO_CDTIME_T_STATIC(1));
  return std::round(seconds * 1e6) / 1e6;
}

struct Module {
  ConfigParser parser;
  const Environment environment = ReadEnvironment();
  // The interval of the <LoadPlugin> block, where it is not the global one.
  const std::optional<double> load_plugin_interval = LoadPluginInterval();
  bool outside_errors_logged = false;

  std::unique_ptr<Sampler> sampler;
  PassReport report;
  std::vector<BlockLog> logs;
  // Why the last pass failed; empty when it did not. No std::string: the reason
  // may be that there is no memory.
  std::array<char, 256> failure{};
  LineBudget failure_budget;
};

std::unique_ptr<Module> module_state;

void Log(int severity, const char* text) {
  plugin_log(severity, "%s plugin: %s", kPluginName, text);
}

void Log(int severity, const std::string& text) { Log(severity, text.c_str()); }

// Runs `body`; what it throws is handed to `on_error` as text.
template <typename Body, typename OnError>
auto Guarded(Body body, OnError on_error) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return on_error(error.what());
  } catch (...) {
    return on_error("unknown exception");
  }
}

int LogAndFail(const char* what) {
  Log(LOG_ERR, what);
  return -1;
}

// Whether what comes from outside our <Plugin> blocks is valid. What is not, is
// logged the first time.
bool OutsideIsValid() {
  Module& module = *module_state;
  std::vector<std::string> errors = module.environment.errors;
  if (module.load_plugin_interval &&
      !options::kInterval.Has(*module.load_plugin_interval)) {
    errors.push_back("<LoadPlugin>: option Interval " +
                     FormatNumber(*module.load_plugin_interval) +
                     ": expected " + options::kInterval.Expected());
  }
  if (!module.outside_errors_logged) {
    for (const std::string& error : errors) Log(LOG_ERR, error);
  }
  module.outside_errors_logged = true;
  return errors.empty();
}

// Called once for each <Plugin> block. Failing keeps the daemon from starting,
// but not before it has called us for the other blocks too.
int Configure(oconfig_item_t* plugin_block) {
  const bool outside_is_valid = OutsideIsValid();
  const auto errors = module_state->parser.Add(ItemFrom(*plugin_block));
  for (const std::string& error : errors) Log(LOG_ERR, error);
  return outside_is_valid && errors.empty() ? 0 : -1;
}

struct Interval {
  double seconds;
  const char* source;
};

Interval EffectiveInterval(const Config& config) {
  if (const auto& seconds = module_state->environment.interval_seconds) {
    return {*seconds, kIntervalVariable};
  }
  if (config.interval_seconds) {
    return {*config.interval_seconds, "option Interval"};
  }
  if (module_state->load_plugin_interval) {
    return {*module_state->load_plugin_interval, "LoadPlugin"};
  }
  return {60, "default"};
}

std::string StartLine(const Interval& interval, const Config& config,
                      const std::string& discovery) {
  const size_t blocks = config.services.size();
  return "Resource attribution started: interval " +
         FormatNumber(interval.seconds) + " s (" + interval.source + "), " +
         std::to_string(blocks) + (blocks == 1 ? " block" : " blocks") +
         ", CPU in percent of " +
         (config.cpu_percent_of == CpuPercentOf::kHost ? "the host"
                                                       : "one core") +
         ", procfs at " + Printable(config.proc_path) + ", discovery " +
         Printable(discovery);
}

// A pass that could not tell anything: said once, and again when the reason
// changes.
void LogFailure(const char* reason) {
  Module& module = *module_state;
  std::array<char, 256> failure{};
  std::snprintf(failure.data(), failure.size(), "%s", reason);
  if (failure == module.failure || !module.failure_budget.Take()) return;
  module.failure = failure;
  plugin_log(LOG_ERR,
             "%s plugin: pass failed, nothing is reported until one succeeds: "
             "%s%s",
             kPluginName, failure.data(), module.failure_budget.Ending());
}

void LogRecovery() {
  Module& module = *module_state;
  if (module.failure[0] == '\0' || !module.failure_budget.Take()) return;
  module.failure = {};
  plugin_log(LOG_NOTICE, "%s plugin: pass succeeded again%s", kPluginName,
             module.failure_budget.Ending());
}

// Calls `say` when a condition begins to hold.
void SayOnce(bool holds, bool& said, auto say) {
  said = holds && (said || say());
}

// Says that a block has lost its processes, or found some.
void SayPresence(size_t processes, BlockLog::Presence& said, auto say) {
  using Presence = BlockLog::Presence;
  const Presence before = said;
  const Presence now = processes > 0 ? Presence::kPresent : Presence::kAbsent;
  if (now == before) return;
  bool is_said = true;
  if (now == Presence::kPresent && before == Presence::kAbsent) {
    is_said = say(LOG_NOTICE, "found " + std::to_string(processes) +
                                  (processes == 1 ? " process" : " processes"));
  } else if (before == Presence::kPresent) {
    is_said = say(LOG_NOTICE,
                  "no process matches any more; nothing is reported for it "
                  "until one does");
  } else if (now == Presence::kAbsent) {
    is_said = say(LOG_INFO,
                  "no process matches yet; nothing is reported for it until "
                  "one does");
  }
  if (is_said) said = now;
}

// Says what is there instead of what was; nothing when that is nothing.
void SayText(const std::string& text, std::string& said, auto say) {
  if (text != said && (text.empty() || say())) said = text;
}

// Names a process that has a problem, to stand behind what is said of it;
// nothing for 0. Another process may have the same problem in the next pass,
// without a new line.
std::string Example(pid_t pid) {
  if (pid == 0) return {};
  return "; for example process " +
         Printable(module_state->sampler->DescribeProcess(pid));
}

std::string Spread(const attribution::Comparison::Estimate& estimate,
                   int digits) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%.*f (standard deviation %.*f)",
                digits, estimate.mean, digits, estimate.deviation);
  return text.data();
}

// What changed with what a block measures of tracing.
void LogTracingChanges(const Service& service, const BlockReport& report,
                       BlockLog& log, auto say) {
  const bool is_compared =
      service.tracing_overhead == attribution::TracingOverhead::kCompared;
  SayOnce(!report.undetected.empty(), log.undetected, [&] {
    return say(LOG_WARNING, "unknown whether a process is traced: " +
                                Printable(report.undetected) +
                                Example(report.undetected_process) +
                                (is_compared ? "; it is not compared"
                                             : "; the estimate stands for it"));
  });
  // What is missing in a block without processes was said already.
  if (report.processes == 0) return;
  SayText(report.without_difference, log.without_difference, [&] {
    return say(LOG_INFO, "not compared yet, so that no overhead is reported: " +
                             report.without_difference);
  });
  SayText(report.without_threads, log.without_threads, [&] {
    return say(LOG_INFO, "no thread has a name for " +
                             Printable(report.without_threads) +
                             " yet; nothing is reported of it until one has");
  });
  SayOnce(report.difference.has_value(), log.compared, [&] {
    return say(LOG_INFO, "compared: a traced process takes " +
                             Spread(report.difference->memory_bytes, 0) +
                             " bytes and " +
                             Spread(report.difference->cpu_percent, 3) +
                             " % of a CPU more than an untraced one");
  });
  SayText(report.traffic_problem, log.traffic_problem, [&] {
    return say(LOG_WARNING, "export traffic may be missing: " +
                                Printable(report.traffic_problem) +
                                Example(report.traffic_problem_process));
  });
}

// Says what changed with a block since it was last spoken of.
void LogChanges(const Service& service, const BlockReport& report,
                BlockLog& log) {
  const auto say = [&](int severity, const std::string& text) {
    if (!log.budget.Take()) return false;
    Log(severity,
        "block \"" + service.name + "\": " + text + log.budget.Ending());
    return true;
  };
  SayPresence(report.processes, log.presence, say);
  SayText(report.problem, log.problem, [&] {
    return say(LOG_WARNING,
               "processes may be missing: " + Printable(report.problem) +
                   Example(report.problem_process));
  });
  SayText(report.missing_fields, log.missing_fields, [&] {
    return say(LOG_WARNING, "/proc/PID/status lacks " + report.missing_fields +
                                ": this is not reported");
  });
  SayOnce(!report.pss_refused.empty(), log.pss_refused, [&] {
    return say(LOG_WARNING, "memory is Rss from now on, Pss was refused: " +
                                report.pss_refused +
                                Example(report.pss_refused_process));
  });
  SayOnce(report.refused_by_instances > 0, log.refused_by_instances, [&] {
    return say(LOG_WARNING,
               "MaxInstances " + std::to_string(service.max_instances) +
                   " reached: processes with other names are left out, " +
                   std::to_string(report.refused_by_instances) +
                   " now, and so will be those to come");
  });
  SayOnce(report.exceeds_max_processes, log.exceeds_max_processes, [&] {
    return say(LOG_WARNING,
               "more than MaxProcesses " +
                   std::to_string(service.max_processes) +
                   " processes match: the largest by resident memory "
                   "are reported");
  });
  LogTracingChanges(service, report, log, say);
}

// Samples once and says what changed. Returns whether there is a report.
bool Sample() {
  Module& module = *module_state;
  const auto pass = module.sampler->Pass(module.report);
  if (!pass) {
    LogFailure(Printable(pass.error().Message()).c_str());
    return false;
  }
  LogRecovery();
  for (size_t i = 0; i < module.logs.size(); ++i) {
    LogChanges(module.sampler->config().services[i], module.report.blocks[i],
               module.logs[i]);
  }
  return true;
}

int RunPass() {
  if (!Sample()) return 0;
  const cdtime_t now = cdtime();
  for (const InstanceReport& report : module_state->report.instances) {
    Dispatch(report, now);
  }
  for (const ComponentReport& report : module_state->report.components) {
    Dispatch(report, now);
  }
  return 0;
}

// Never fails for collectd, which would call us at ever longer intervals.
int Read(user_data_t* /*unused*/) {
  return Guarded(RunPass, [](const char* error) {
    LogFailure(error);
    return 0;
  });
}

// A second is long enough for clock ticks to measure CPU.
constexpr std::chrono::seconds kBetweenPassesOfACheck{1};

int RunCheck() {
  if (!Sample()) return -1;
  std::this_thread::sleep_for(kBetweenPassesOfACheck);
  if (!Sample()) return -1;
  PrintTable(stdout, *module_state->sampler, module_state->report);
  return 0;
}

// Fails for `collectd -T`, which then does.
int ReadForCheck(user_data_t* /*unused*/) {
  return Guarded(RunCheck, LogAndFail);
}

// Says once, at start, what most likely selects nothing.
void WarnOfSelectors(const Service& service) {
  std::vector<std::string> warnings =
      discovery::SelectorWarnings(service.selectors);
  if (service.untraced) {
    for (std::string& one : discovery::SelectorWarnings(*service.untraced)) {
      warnings.push_back("<Untraced>: " + std::move(one));
    }
  }
  for (const std::string& warning : warnings) {
    Log(LOG_WARNING, "block \"" + service.name + "\": " + warning);
  }
}

// Writes the option table where resource-attribution-check asks for it. Returns
// whether it does.
bool PrintOptions(Check check) {
  if (check != Check::kOptions && check != Check::kOptionsAsJson) return false;
  const std::string text = check == Check::kOptions ? options::ListForPeople()
                                                    : options::ListAsJson();
  std::fputs(text.c_str(), stdout);
  return true;
}

int Start() {
  Module& module = *module_state;
  if (PrintOptions(module.environment.check)) return 0;
  // Without a <Plugin> block nobody has asked before.
  if (!OutsideIsValid()) return LogAndFail("not started: see the errors above");
  Config config = module.parser.Take();
  const auto& enabled = module.environment.enabled;
  if (!enabled.value_or(config.enabled)) {
    Log(LOG_INFO, std::string("Resource attribution disabled (") +
                      (enabled ? kEnabledVariable : "option Enabled") + ")");
    return 0;
  }
  for (const Service& service : config.services) WarnOfSelectors(service);
  const Interval interval = EffectiveInterval(config);
  const bool check = module.environment.check == Check::kProcesses;
  config.interval_seconds =
      check ? kBetweenPassesOfACheck.count() : interval.seconds;
  module.logs.resize(config.services.size());
  module.sampler = std::make_unique<Sampler>(std::move(config));
  const auto discovery = module.sampler->ChooseDiscovery();
  if (!discovery) {
    const std::string reason = discovery.error().Message();
    return LogAndFail(
        ("not started: option Discovery \"Events\": " + Printable(reason) +
         "; expected \"Auto\" or \"Scan\" where there are no "
         "process events")
            .c_str());
  }
  const std::string start_line =
      StartLine(interval, module.sampler->config(), *discovery);
  if (plugin_register_complex_read(
          /*group=*/nullptr, kPluginName, check ? ReadForCheck : Read,
          DOUBLE_TO_CDTIME_T_STATIC(interval.seconds),
          /*user_data=*/nullptr) != 0) {
    return LogAndFail("not started: collectd refused the read callback");
  }
  Log(LOG_INFO, start_line);
  if (module.sampler->HidesProcesses()) {
    Log(LOG_WARNING,
        "procfs at " + Printable(module.sampler->config().proc_path) +
            " hides the processes of other users (mount option hidepid): they "
            "are not found; needs root, CAP_SYS_PTRACE, or the group of the "
            "mount option gid=");
  }
  return 0;
}

int Shutdown() {
  module_state.reset();
  return 0;
}

int Register() {
  module_state = std::make_unique<Module>();
  if (module_state->environment.check != Check::kNothing) {
    plugin_register_log(kPluginName, PrintLogLine, /*user_data=*/nullptr);
  }
  plugin_register_complex_config(kPluginName, [](oconfig_item_t* item) {
    return Guarded([item] { return Configure(item); }, LogAndFail);
  });
  plugin_register_init(kPluginName, [] { return Guarded(Start, LogAndFail); });
  plugin_register_shutdown(kPluginName,
                           [] { return Guarded(Shutdown, LogAndFail); });
  return RegisterTypes();
}

}  // namespace
}  // namespace resource_attribution

extern "C" __attribute__((visibility("default"))) void module_register(void) {
  using namespace resource_attribution;  // NOLINT(google-build-using-namespace)
  if (Guarded(Register, LogAndFail) != 0) {
    Log(LOG_ERR, "collectd refused to register the module");
  }
}
