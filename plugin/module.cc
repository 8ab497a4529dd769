// The functions that collectd calls: it finds module_register in the loaded
// module, and the others by the callbacks that this registers.
//
// Configuration and init run on the daemon's main thread before the first pass,
// shutdown after the last. Passes run in a reader thread of the daemon, and
// those that take more than a moment go on in a thread of the module. The state
// needs no lock: only one of them uses it at a time. No exception leaves a
// callback.

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
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
#include "pass_thread.h"
#include "procfs/printable.h"
#include "supervisor.h"
#include "trace_sampling/sampling_control.h"
#include "types.h"

namespace resource_attribution {
namespace {

// Beside the module.
constexpr const char* kSamplerProgram = "/resource_attribution_sampler";

using options::FormatNumber;
using procfs::Printable;
using procfs::PrintableLine;

// collectd's loader has made a path of the directory of plugins.
std::string DirectoryOfModule() {
  Dl_info module{};
  if (dladdr(reinterpret_cast<const void*>(&DirectoryOfModule), &module) == 0) {
    return "";
  }
  const std::unique_ptr<char, decltype(&std::free)> path(
      realpath(module.dli_fname, nullptr), std::free);
  if (path == nullptr) return "";
  const std::string text = path.get();
  return text.substr(0, text.rfind('/'));
}

struct Module {
  ConfigParser parser;
  const Environment environment = ReadEnvironment();
  // The interval of the <LoadPlugin> block, if it differs from the global one.
  const std::optional<double> load_plugin_interval = LoadPluginInterval();
  bool outside_errors_logged = false;

  // Where the sampler process is: collectd may change the directory to which
  // the path of the module is relative.
  const std::string directory = DirectoryOfModule();
  std::vector<options::Item> plugin_blocks;

  // How long the daemon's reader thread waits for a pass that is late.
  std::chrono::milliseconds patience{900};
  // What the daemon knows of the thread that calls Read: plugin and interval.
  std::optional<plugin_ctx_t> context;
  std::unique_ptr<Supervisor> supervisor;
  PassReport report;
  ChangeLog changes;
  std::optional<trace_sampling::SamplingControl> sampling;
  std::unique_ptr<PassThread> thread;
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
  const options::Item item = ItemFrom(*plugin_block);
  const auto errors = module_state->parser.Add(item);
  module_state->plugin_blocks.push_back(item);
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
         PrintableLine(discovery);
}

void DispatchReport() {
  const Module& module = *module_state;
  const cdtime_t now = cdtime();
  for (const SeriesReport& one : module.report.series) Dispatch(one, now);
  for (const ComponentReport& one : module.report.components) {
    Dispatch(one, now);
  }
  if (!module.sampling) return;
  for (const auto& one : module.sampling->controlled()) {
    // A service without a process has no values.
    if (module.report.processes[one.service] > 0) Dispatch(one, now);
  }
}

void ControlSampling(PassReport* report) {
  auto& sampling = module_state->sampling;
  if (sampling) sampling->Take(std::chrono::steady_clock::now(), report);
}

// Changes the sampling, and logs what changed.
void TakeReport() {
  Module& module = *module_state;
  module.changes.Recover();
  ControlSampling(&module.report);
  module.changes.Take(module.report, *module.supervisor);
}

// Makes a pass and logs what changed. Returns whether there is a report.
bool MakePass() {
  Module& module = *module_state;
  if (const auto failure = module.supervisor->Pass(module.report)) {
    if (!failure->empty()) module.changes.Fail(failure->c_str());
    ControlSampling(/*report=*/nullptr);
    return false;
  }
  TakeReport();
  return true;
}

// In the reader thread of the daemon. Returns whether the pass is over.
bool TryPass() {
  const auto& sampling = module_state->sampling;
  // The reader thread does not wait for a disk.
  if (sampling && sampling->MayWrite()) return false;
  return Guarded(
      [] {
        if (!module_state->supervisor->TryPass(module_state->report)) {
          return false;
        }
        TakeReport();
        DispatchReport();
        return true;
      },
      [](const char* error) {
        module_state->changes.Fail(error);
        return true;
      });
}

void PassInThread() {
  plugin_set_ctx(*module_state->context);
  Guarded(
      [] {
        if (MakePass()) DispatchReport();
      },
      [](const char* error) { module_state->changes.Fail(error); });
}

// Never fails: collectd would call us at ever longer intervals. A pass that is
// late goes on without the reader thread of the daemon.
int Read(user_data_t* /*unused*/) {
  if (!module_state->context) module_state->context = plugin_get_ctx();
  module_state->thread->Run(module_state->patience);
  return 0;
}

// Fails if the check fails, so that `collectd -T` fails too.
int ReadForCheck(user_data_t* /*unused*/) {
  const auto run = [] { return RunCheck(MakePass, *module_state->supervisor); };
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

// Errors of the options by which sampling is controlled. A check looks at the
// files too; a daemon warns of them while it runs, and tries again.
std::vector<std::string> SamplingErrors(const Config& config, bool check) {
  if (config.sampling_mode == SamplingMode::kObserve) return {};
  const SamplingFiles& files = config.sampling_files;
  if (files.strategies.empty() && files.answers.empty()) {
    return {"expected SamplingFile or SamplingAnswers beside it"};
  }
  if (!check) return {};
  return trace_sampling::SamplingControl(config).Check();
}

// Returns whether the sampling is as configured; logs what is not.
bool BeginSampling(const Config& config, bool check) {
  if (!trace_sampling::SamplingControl::IsWanted(config)) return true;
  const auto errors = SamplingErrors(config, check);
  for (const std::string& error : errors) {
    Log(LOG_ERR, "option SamplingMode \"Act\": " + PrintableLine(error));
  }
  if (!errors.empty()) return false;
  if (!check) module_state->sampling.emplace(config);
  return true;
}

Supervisor::Options SupervisorOptions(const Config& config,
                                      double interval_seconds) {
  Supervisor::Options options{
      .program = module_state->directory + kSamplerProgram,
      .proc_path = config.proc_path,
      .assignment = {.version = RESOURCE_ATTRIBUTION_VERSION,
                     .plugin_blocks = std::move(module_state->plugin_blocks),
                     .interval_seconds = interval_seconds}};
  for (const Service& service : config.services) {
    options.services.push_back(service.name);
  }
  return options;
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
  if (!BeginSampling(config, check)) {
    return LogAndFail("not started: see the errors above");
  }
  // collectd warns of a read that takes longer than the interval. TryPass has
  // waited before.
  module.patience = std::min(
      module.patience,
      std::chrono::milliseconds(static_cast<int64_t>(interval.seconds * 400)));
  module.supervisor = std::make_unique<Supervisor>(SupervisorOptions(
      config, check ? kBetweenPassesOfACheck.count() : interval.seconds));
  child::Ready ready;
  if (const auto failure = module.supervisor->Begin(ready)) {
    return LogAndFail(("not started: " + *failure).c_str());
  }
  const std::string start_line = StartLine(interval, config, ready.discovery);
  module.thread = std::make_unique<PassThread>(TryPass, PassInThread);
  if (plugin_register_complex_read(
          /*group=*/nullptr, kPluginName, check ? ReadForCheck : Read,
          DOUBLE_TO_CDTIME_T_STATIC(interval.seconds),
          /*user_data=*/nullptr) != 0) {
    return LogAndFail("not started: collectd refused the read callback");
  }
  Log(LOG_INFO, start_line);
  for (const std::string& warning : ready.warnings) {
    Log(LOG_WARNING, PrintableLine(warning));
  }
  if (!ready.connections.empty()) {
    Log(LOG_INFO, PrintableLine(ready.connections));
  }
  return 0;
}

// The thread uses the state until it has ended.
int Shutdown() {
  if (module_state && module_state->supervisor) {
    module_state->supervisor->Interrupt();
    module_state->thread.reset();
  }
  if (module_state && module_state->sampling) {
    Guarded(
        [] {
          for (const std::string& error : module_state->sampling->Return()) {
            Log(LOG_WARNING, PrintableLine(error));
          }
          return 0;
        },
        LogAndFail);
  }
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
