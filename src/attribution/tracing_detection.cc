#include "attribution/tracing_detection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include "procfs/proc_environ.h"
#include "procfs/proc_maps.h"

namespace resource_attribution::attribution {
namespace {

using namespace std::string_view_literals;

// Who made what would trace. The settings of one do not turn off the others.
enum Vendor : uint8_t {
  kOpenTelemetry,
  kDatadog,
  kElastic,
  kNewRelic,
  kSkyWalking,
  kApplicationInsights,
  kVendors,
};

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

std::string_view Trimmed(std::string_view text) {
  constexpr auto kBlanks = " \t\r\n"sv;
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsTrue(std::string_view value) { return EqualIgnoringCase(value, "true"); }

bool IsFalse(std::string_view value) {
  return EqualIgnoringCase(value, "false") || value == "0";
}

bool IsNone(std::string_view value) { return EqualIgnoringCase(value, "none"); }

// Those with `parentbased_` before it still record what a sampled parent asks.
bool IsAlwaysOff(std::string_view value) {
  return EqualIgnoringCase(value, "always_off");
}

bool IsRatio(std::string_view value) {
  return EqualIgnoringCase(value, "traceidratio");
}

bool IsZero(std::string_view value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  return error == std::errc{} && stop == end && number == 0;
}

bool IsGiven(std::string_view value) { return !value.empty(); }

// A setting that matters when a condition holds for its value, which is what
// the process got, trimmed. In a JVM the system property wins over the
// variable.
struct Setting {
  Vendor vendor;
  const char* variable;
  const char* property;
  bool (*holds)(std::string_view value);
};

// Places of those in kSettings that do not turn off by themselves.
enum : size_t { kRatio, kRatioArgument, kConfigFile, kOldConfigFile, kSdkOff };

constexpr std::array kSettings = {
    // opentelemetry-specification, sdk-environment-variables.md
    Setting{kOpenTelemetry, "OTEL_TRACES_SAMPLER", "otel.traces.sampler",
            IsRatio},
    Setting{kOpenTelemetry, "OTEL_TRACES_SAMPLER_ARG",
            "otel.traces.sampler.arg", IsZero},
    Setting{kOpenTelemetry, "OTEL_CONFIG_FILE", "otel.config.file", IsGiven},
    Setting{kOpenTelemetry, "OTEL_EXPERIMENTAL_CONFIG_FILE",
            "otel.experimental.config.file", IsGiven},
    Setting{kOpenTelemetry, "OTEL_SDK_DISABLED", "otel.sdk.disabled", IsTrue},
    Setting{kOpenTelemetry, "OTEL_TRACES_EXPORTER", "otel.traces.exporter",
            IsNone},
    Setting{kOpenTelemetry, "OTEL_TRACES_SAMPLER", "otel.traces.sampler",
            IsAlwaysOff},
    // opentelemetry-java-instrumentation, AgentInitializer.java and
    // ServletWithAgentDisabledBenchmark.java
    Setting{kOpenTelemetry, "OTEL_JAVAAGENT_ENABLED", "otel.javaagent.enabled",
            IsFalse},
    // opentelemetry-dotnet-instrumentation, docs/config.md
    Setting{kOpenTelemetry, "OTEL_DOTNET_AUTO_TRACES_ENABLED", "", IsFalse},
    // dd-trace-java, supported-configurations.json; dd-trace-js, MIGRATING.md;
    // dd-trace-rb, docs/GettingStarted.md
    Setting{kDatadog, "DD_TRACE_ENABLED", "dd.trace.enabled", IsFalse},
    // apm-agent-java, docs/reference/config-core.md; apm-agent-python,
    // docs/reference/configuration.md; apm-agent-dotnet, config-core.md
    Setting{kElastic, "ELASTIC_APM_ENABLED", "elastic.apm.enabled", IsFalse},
    Setting{kElastic, "ELASTIC_APM_RECORDING", "elastic.apm.recording",
            IsFalse},
    // apm-agent-nodejs, docs/reference/configuration.md
    Setting{kElastic, "ELASTIC_APM_ACTIVE", "", IsFalse},
    // node-newrelic, lib/config/default.js
    Setting{kNewRelic, "NEW_RELIC_ENABLED", "", IsFalse},
    // newrelic-java-agent, BootstrapAgent.java
    Setting{kNewRelic, "NEW_RELIC_AGENT_ENABLED",
            "newrelic.config.agent_enabled", IsFalse},
};

// From here on they are of agents, which heed them whatever the SDK is told.
constexpr size_t kAgentOff = 7;

struct Mark {
  Vendor vendor;
  std::string_view text;  // ends with a NUL
};

// Variables that nothing else needs: somebody configured an SDK or an agent.
constexpr std::array kPrefixes = {
    Mark{kOpenTelemetry, "OTEL_"},
    Mark{kDatadog, "DD_TRACE_"},  // not all of DD_, which metrics share
    Mark{kElastic, "ELASTIC_APM_"},
    Mark{kNewRelic, "NEW_RELIC_"},
    Mark{kSkyWalking, "SW_AGENT_"},  // skywalking-java, configurations.md
    // ApplicationInsights-Java, CHANGELOG.md
    Mark{kApplicationInsights, "APPLICATIONINSIGHTS_CONNECTION_STRING"},
};

// Parts of what a runtime is told to load: of a Java agent's path, of a module
// of Node.js, a gem, a startup hook of .NET.
constexpr std::array kAgents = {
    Mark{kDatadog, "dd-java-agent"},        // dd-trace-java
    Mark{kDatadog, "dd-trace"},             // dd-trace-js, MIGRATING.md
    Mark{kElastic, "elastic-apm"},          // apm-agent-java, -nodejs
    Mark{kNewRelic, "newrelic"},            // node-newrelic, README.md
    Mark{kSkyWalking, "skywalking-agent"},  // skywalking-java
    Mark{kApplicationInsights, "applicationinsights-agent"},
    // opentelemetry-java-instrumentation, -js-contrib; the Ruby gem
    // opentelemetry-auto-instrumentation
    Mark{kOpenTelemetry, "opentelemetry"},
    Mark{kOpenTelemetry, "-ropentelemetry"},
    // opentelemetry-dotnet-instrumentation, docs/config.md
    Mark{kOpenTelemetry, "OpenTelemetry.AutoInstrumentation"},
    // opentelemetry-operator, nodejs.go; splunk-otel-java
    Mark{kOpenTelemetry, "otel"},
};

// What puts a directory before all others so that Python runs what is in it.
constexpr std::array kPythonPaths = {
    // opentelemetry-operator, python.go
    Mark{kOpenTelemetry, "opentelemetry/instrumentation/auto_instrumentation"},
    Mark{kDatadog, "ddtrace/bootstrap"},    // dd-trace-py, ddtrace_run.py
    Mark{kNewRelic, "newrelic/bootstrap"},  // newrelic-python-agent
    Mark{kElastic, "elasticapm/instrumentation/wrapper"},
};

// Those who put one of these before a command.
constexpr std::array kCommands = {
    // opentelemetry-python-contrib, opentelemetry-instrumentation/README.rst
    Mark{kOpenTelemetry, "opentelemetry-instrument"},
    Mark{kDatadog, "ddtrace-run"},      // dd-trace-py, docs/advanced_usage.rst
    Mark{kNewRelic, "newrelic-admin"},  // newrelic-python-agent, README.md
    Mark{kElastic, "elasticapm-run"},   // apm-agent-python, wrapper-support.md
};

constexpr std::array kPreloads = {
    Mark{kOpenTelemetry, "libotelinject.so"},  // opentelemetry-injector
    Mark{kOpenTelemetry, "libsplunk.so"},      // splunk-otel-collector
    Mark{kDatadog, "datadog-apm-inject"},      // datadog-agent, installer
};

// Class IDs of profilers of .NET.
constexpr std::array kProfilers = {
    // opentelemetry-dotnet-instrumentation, docs/README.md
    Mark{kOpenTelemetry, "{918728DD-259F-4A6A-AC2B-B85E1B658318}"},
    // dd-trace-dotnet, docs/Datadog.FeatureFlags.OpenFeature/README.md
    Mark{kDatadog, "{846F5F1C-F9AE-4B07-969E-05C26BC060D8}"},
    // apm-agent-dotnet, docs/reference/setup-auto-instrumentation.md
    Mark{kElastic, "{FA65FE15-F085-4681-9B20-95E04F6C03CC}"},
    // newrelic-dotnet-agent, build/Linux/build/common/setenv.sh
    Mark{kNewRelic, "{36032161-FFC0-4B61-B559-F6C5D41BAE5A}"},
};

// Parts of paths of mapped files. HotSpot maps the directory of a jar that it
// opens itself. An injector that /etc/ld.so.preload puts into every process is
// no sign.
constexpr std::array kMapped = {
    // opentelemetry-cpp, sdk/src/trace/CMakeLists.txt
    Mark{kOpenTelemetry, "libopentelemetry_trace.so"},
    Mark{kOpenTelemetry, "OpenTelemetry.AutoInstrumentation"},
    Mark{kOpenTelemetry, "OpenTelemetry.dll"},  // opentelemetry-dotnet's SDK
    Mark{kOpenTelemetry, "opentelemetry-javaagent"},
    // opentelemetry-php-instrumentation, README.md
    Mark{kOpenTelemetry, "opentelemetry.so"},
    Mark{kDatadog, "dd-java-agent"},
    Mark{kDatadog, "ddtrace"},        // dd-trace-py, dd-trace-php
    Mark{kDatadog, "Datadog.Trace"},  // dd-trace-dotnet
    Mark{kElastic, "elastic-apm-agent"},
    Mark{kElastic, "libelastic_apm_profiler.so"},  // apm-agent-dotnet
    Mark{kNewRelic, "newrelic.jar"},
    Mark{kNewRelic, "newrelic/core"},  // newrelic-python-agent
    Mark{kNewRelic, "libNewRelicProfiler.so"},
    Mark{kSkyWalking, "skywalking-agent"},
    Mark{kApplicationInsights, "applicationinsights-agent"},
};

// The first mark that begins a word of `text`: "otel" is none of "hotel".
const Mark* FindMark(std::span<const Mark> marks, std::string_view text) {
  const auto is_alphanumeric = [](char c) {
    return (Lower(c) >= 'a' && Lower(c) <= 'z') || (c >= '0' && c <= '9');
  };
  for (const Mark& mark : marks) {
    size_t at = text.find(mark.text);
    while (at != std::string_view::npos) {
      if (at == 0 || !is_alphanumeric(text[at - 1])) return &mark;
      at = text.find(mark.text, at + 1);
    }
  }
  return nullptr;
}

std::string_view NextWord(std::string_view& rest, std::string_view separators) {
  rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(separators));
  rest.remove_prefix(word.size());
  return word;
}

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Where a setting comes from; of two in a JVM the later here wins: it appends
// JAVA_TOOL_OPTIONS, what the launcher makes of JDK_JAVA_OPTIONS and of its
// arguments, and _JAVA_OPTIONS in this order (HotSpot, arguments.cpp).
enum class Source : uint8_t {
  kNone,
  kVariable,
  kJavaToolOptions,
  kJdkJavaOptions,
  kArguments,
  kJavaOptions,
};

struct JavaOptions {
  const char* variable;
  Source source;
};

constexpr std::array kJavaOptions = {
    JavaOptions{"JAVA_TOOL_OPTIONS", Source::kJavaToolOptions},
    JavaOptions{"JDK_JAVA_OPTIONS", Source::kJdkJavaOptions},
    JavaOptions{"_JAVA_OPTIONS", Source::kJavaOptions},
};

// A variable that makes a runtime load something.
struct Loader {
  const char* variable;
  std::span<const Mark> marks;
};

constexpr std::array kLoaders = {
    Loader{"NODE_OPTIONS", kAgents},         Loader{"RUBYOPT", kAgents},
    Loader{"DOTNET_STARTUP_HOOKS", kAgents}, Loader{"PYTHONPATH", kPythonPaths},
    Loader{"LD_PRELOAD", kPreloads},
};

// Whether this option of Node.js or Ruby, or the argument behind it, names a
// module to load.
bool LoadsModule(std::string_view option) {
  constexpr std::array kOptions = {"-r"sv, "--require"sv, "--import"sv,
                                   "--loader"sv, "--experimental-loader"sv};
  return std::ranges::any_of(kOptions, [option](std::string_view name) {
    return option.starts_with(name);
  });
}

// What was seen so far; no byte of the process.
class Evidence {
 public:
  void AddEnviron(std::string_view environ);
  void AddArguments(std::string_view arguments);
  void AddMaps(std::string_view maps);
  Detection Decide() const;

 private:
  struct Known {
    Source source = Source::kNone;
    bool holds = false;
    const char* name = "";
  };

  // getenv(3) knows the first variable of a name only.
  static bool IsFirst(bool& seen) { return !std::exchange(seen, true); }

  void AddVariable(const procfs::Variable& variable);
  void AddJavaOption(std::string_view option, Source source, const char* where);
  void AddProperty(std::string_view property, Source source);
  void Set(size_t setting, std::string_view value, Source source,
           const char* name);
  void AddSign(const Mark* mark, const char* evidence);
  const char* WhatTurnsOff(Vendor vendor) const;

  std::array<Known, kSettings.size()> settings_;
  std::array<const char*, kVendors> signs_{};
  std::array<bool, kJavaOptions.size()> java_seen_{};
  std::array<bool, kLoaders.size()> loader_seen_{};
  bool profiling_seen_ = false;
  bool profiling_ = false;
  bool profiler_seen_ = false;
  const Mark* profiler_ = nullptr;
};

void Evidence::AddSign(const Mark* mark, const char* evidence) {
  if (mark == nullptr || signs_[mark->vendor] != nullptr) return;
  signs_[mark->vendor] = evidence;
}

void Evidence::Set(size_t setting, std::string_view value, Source source,
                   const char* name) {
  Known& known = settings_[setting];
  if (source < known.source) return;
  if (source == Source::kVariable && known.source == source) return;
  known = {.source = source,
           .holds = kSettings[setting].holds(Trimmed(value)),
           .name = name};
}

void Evidence::AddVariable(const procfs::Variable& variable) {
  const auto [name, value] = variable;
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const char* of_setting = kSettings[i].variable;
    if (name == of_setting) Set(i, value, Source::kVariable, of_setting);
  }
  // Empty counts as not set (opentelemetry-specification, common.md).
  if (!Trimmed(value).empty()) {
    for (const Mark& prefix : kPrefixes) {
      if (name.starts_with(prefix.text)) AddSign(&prefix, prefix.text.data());
    }
  }
  for (size_t i = 0; i < kJavaOptions.size(); ++i) {
    const auto& [of_options, source] = kJavaOptions[i];
    if (name != of_options || !IsFirst(java_seen_[i])) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      AddJavaOption(NextWord(rest, " \t\r\n"sv), source, of_options);
    }
  }
  for (size_t i = 0; i < kLoaders.size(); ++i) {
    const auto& [of_loader, marks] = kLoaders[i];
    if (name != of_loader || !IsFirst(loader_seen_[i])) continue;
    AddSign(FindMark(marks, value), of_loader);
  }
  if (name == "CORECLR_ENABLE_PROFILING" && IsFirst(profiling_seen_)) {
    profiling_ = Trimmed(value) == "1";
  }
  if (name == "CORECLR_PROFILER" && IsFirst(profiler_seen_)) {
    const auto* found =
        std::ranges::find_if(kProfilers, [value = value](const Mark& mark) {
          return EqualIgnoringCase(mark.text, Trimmed(value));
        });
    if (found != kProfilers.end()) profiler_ = found;
  }
}

void Evidence::AddEnviron(std::string_view environ) {
  while (const auto variable = procfs::NextVariable(environ)) {
    AddVariable(*variable);
  }
  if (profiling_) AddSign(profiler_, "CORECLR_PROFILER");
}

void Evidence::AddJavaOption(std::string_view option, Source source,
                             const char* where) {
  constexpr auto kAgent = "-javaagent:"sv;
  if (option.starts_with(kAgent)) {
    option.remove_prefix(kAgent.size());
    // Its own options follow the path.
    AddSign(FindMark(kAgents, option.substr(0, option.find('='))), where);
  } else if (option.starts_with("-D")) {
    AddProperty(option.substr(2), source);
  }
}

void Evidence::AddProperty(std::string_view property, Source source) {
  static constexpr Mark kPrefix{kOpenTelemetry, "otel."};
  const size_t equals = property.find('=');
  if (equals == 0 || equals == std::string_view::npos) return;
  const std::string_view name = property.substr(0, equals);
  for (size_t i = 0; i < kSettings.size(); ++i) {
    const char* of_setting = kSettings[i].property;
    if (name == of_setting) {
      Set(i, property.substr(equals + 1), source, of_setting);
    }
  }
  if (name.starts_with(kPrefix.text)) AddSign(&kPrefix, kPrefix.text.data());
}

void Evidence::AddArguments(std::string_view arguments) {
  constexpr auto kEnd = "\0"sv;
  constexpr auto kWhere = "command line";
  std::string_view rest = arguments;
  const std::string_view program = BaseName(NextWord(rest, kEnd));
  const bool loads_modules =
      program.starts_with("node") || program.starts_with("ruby");

  // A script with `#!` has its interpreter before it.
  std::string_view behind = rest;
  for (const std::string_view command :
       {program, BaseName(NextWord(behind, kEnd))}) {
    const auto* found = std::ranges::find(kCommands, command, &Mark::text);
    if (found != kCommands.end()) AddSign(found, found->text.data());
  }

  bool module_follows = false;
  while (!rest.empty()) {
    const std::string_view argument = NextWord(rest, kEnd);
    // What follows is for the application.
    if (argument == "-jar") break;
    AddJavaOption(argument, Source::kArguments, kWhere);
    if (!loads_modules) continue;
    const bool loads = LoadsModule(argument);
    if (loads || module_follows) AddSign(FindMark(kAgents, argument), kWhere);
    module_follows = loads;
  }
}

void Evidence::AddMaps(std::string_view maps) {
  std::string_view previous;
  while (const auto file = procfs::NextMappedFile(maps)) {
    if (*file == previous) continue;
    previous = *file;
    const Mark* mark = FindMark(kMapped, *file);
    if (mark != nullptr) AddSign(mark, mark->text.data());
  }
}

// Null: nothing does.
const char* Evidence::WhatTurnsOff(Vendor vendor) const {
  const bool by_file =
      settings_[kConfigFile].holds || settings_[kOldConfigFile].holds;
  for (size_t i = kSdkOff; i < kSettings.size(); ++i) {
    if (kSettings[i].vendor != vendor || !settings_[i].holds) continue;
    // The file takes precedence (opentelemetry-specification,
    // sdk-environment-variables.md, "Declarative configuration").
    if (by_file && i < kAgentOff) continue;
    return settings_[i].name;
  }
  if (vendor == kOpenTelemetry && !by_file && settings_[kRatio].holds &&
      settings_[kRatioArgument].holds) {
    return settings_[kRatioArgument].name;
  }
  return nullptr;
}

Detection Evidence::Decide() const {
  const char* off = nullptr;
  for (size_t vendor = 0; vendor < kVendors; ++vendor) {
    const char* turned_off = WhatTurnsOff(static_cast<Vendor>(vendor));
    if (turned_off == nullptr && signs_[vendor] != nullptr) {
      return {.tracing = Tracing::kOn, .evidence = signs_[vendor]};
    }
    if (off == nullptr) off = turned_off;
  }
  if (off != nullptr) return {.tracing = Tracing::kOff, .evidence = off};
  return {};
}

tl::unexpected<procfs::Error> TooLarge(const char* file) {
  return tl::unexpected(procfs::Error{.file = file, .system_error = EFBIG});
}

}  // namespace

Detection DetectTracing(std::string_view environ, std::string_view cmdline,
                        std::string_view maps) {
  Evidence evidence;
  evidence.AddEnviron(environ);
  evidence.AddArguments(cmdline);
  evidence.AddMaps(maps);
  return evidence.Decide();
}

procfs::Result<Detection> DetectTracing(const procfs::Process& process,
                                        procfs::Buffer& buffer) {
  Evidence evidence;
  const auto environ = process.ReadEnviron(buffer);
  if (!environ) return tl::unexpected(environ.error());
  evidence.AddEnviron(environ->bytes);
  // Passwords are common there; they need not lie around in the daemon.
  std::fill_n(buffer.begin(), environ->bytes.size(), '\0');

  const auto arguments = process.ReadArguments(buffer);
  if (!arguments) return tl::unexpected(arguments.error());
  evidence.AddArguments(*arguments);
  if (const Detection detection = evidence.Decide();
      detection.tracing == Tracing::kOn) {
    return detection;
  }

  const auto maps = process.ReadMaps(buffer);
  if (!maps) return tl::unexpected(maps.error());
  evidence.AddMaps(maps->bytes);
  const Detection detection = evidence.Decide();
  if (detection.tracing == Tracing::kAbsent) {
    if (environ->cut) return TooLarge("/proc/PID/environ");
    if (maps->cut) return TooLarge("/proc/PID/maps");
  }
  return detection;
}

}  // namespace resource_attribution::attribution
