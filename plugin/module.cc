// The functions that collectd calls: it finds module_register in the loaded
// module, and the others by the callbacks that this registers.
//
// Configuration and init run on the daemon's main thread before the first pass,
// passes in one reader thread at a time, shutdown after the last pass. The
// state therefore needs no lock. No exception leaves a callback.

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "change_log.h"
#include "check.h"
#include "collectd.h"
#include "config/config_parser.h"
#include "config/value_kinds.h"
#include "config_item.h"
#include "discovery/selector_warnings.h"
#include "environment.h"
#include "interval.h"
#include "log.h"
#include "procfs/printable.h"
#include "sampler/sampler.h"
#include "types.h"

namespace resource_attribution {
namespace {

using options::FormatNumber;
using procfs::Printable;

struct Module {
  ConfigParser parser;
  const Environment environment = ReadEnvironment();
  // The interval of the <LoadPlugin> block, if it differs from the global one.
  const std::optional<double> load_plugin_interval = LoadPluginInterval();
  bool outside_errors_logged = false;

  std::unique_ptr<Sampler> sampler;
  PassReport report;
  ChangeLog changes;
};

std::unique_ptr<Module> module_state;

// Runs `body`; hands an exception to `on_error` as text.
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

// Whether the settings from outside our <Plugin> blocks are valid. Logs errors
// at the first call.
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

// collectd calls this once for each <Plugin> block. If it fails, the daemon
// does not start, but first calls it for the other blocks too.
int Configure(oconfig_item_t* plugin_block) {
  const bool outside_is_valid = OutsideIsValid();
  const auto errors = module_state->parser.Add(ItemFrom(*plugin_block));
  for (const std::string& error : errors) Log(LOG_ERR, error);
  return outside_is_valid && errors.empty() ? 0 : -1;
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
         ", procfs at " + Printable(config.proc_path) +
         ", version " RESOURCE_ATTRIBUTION_VERSION ", discovery " +
         Printable(discovery);
}

// Makes a pass and logs what changed. Returns whether there is a report.
bool Sample() {
  Module& module = *module_state;
  const auto pass = module.sampler->Pass(module.report);
  if (!pass) {
    module.changes.Fail(Printable(pass.error().Message()).c_str());
    return false;
  }
  module.changes.Recover();
  module.changes.Take(module.report, *module.sampler);
  return true;
}

int RunPass() {
  if (!Sample()) return 0;
  const cdtime_t now = cdtime();
  for (const SeriesReport& report : module_state->report.series) {
    Dispatch(report, now);
  }
  for (const ComponentReport& report : module_state->report.components) {
    Dispatch(report, now);
  }
  return 0;
}

// Never fails: collectd would call us at ever longer intervals.
int Read(user_data_t* /*unused*/) {
  return Guarded(RunPass, [](const char* error) {
    module_state->changes.Fail(error);
    return 0;
  });
}

// Fails if the check fails, so that `collectd -T` fails too.
int ReadForCheck(user_data_t* /*unused*/) {
  const auto run = [] {
    return RunCheck(Sample, *module_state->sampler, module_state->report);
  };
  return Guarded(run, LogAndFail);
}

// Warns once, at start, about selectors that most likely match nothing.
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

int Start() {
  Module& module = *module_state;
  if (PrintOptions(module.environment.check)) return 0;
  // Without a <Plugin> block this is the first check.
  if (!OutsideIsValid()) return LogAndFail("not started: see the errors above");
  Config config = module.parser.Take();
  const auto& enabled = module.environment.enabled;
  if (!enabled.value_or(config.enabled)) {
    Log(LOG_INFO, std::string("Resource attribution disabled (") +
                      (enabled ? kEnabledVariable : "option Enabled") + ")");
    return 0;
  }
  for (const Service& service : config.services) WarnOfSelectors(service);
  const Interval interval = EffectiveInterval(module.environment, config,
                                              module.load_plugin_interval);
  const bool check = module.environment.check == Check::kProcesses;
  config.interval_seconds =
      check ? kBetweenPassesOfACheck.count() : interval.seconds;
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
