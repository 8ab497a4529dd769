#ifndef RESOURCE_ATTRIBUTION_MEASURES_KNOWN_TRACERS_H_
#define RESOURCE_ATTRIBUTION_MEASURES_KNOWN_TRACERS_H_

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>

// What is known of SDKs and agents that trace: by which settings, files,
// threads, connections and words in its program a process shows that it has
// one. Each entry names its source.

namespace resource_attribution::measures {

using namespace std::string_view_literals;

/// Who made what would trace. The settings of one do not turn off the others.
enum Vendor : uint8_t {
  kOpenTelemetry,
  kDatadog,
  kElastic,
  kNewRelic,
  kSkyWalking,
  kApplicationInsights,
  kOthers,  ///< without a setting that is known
  kVendors,
};

/// What a setting does.
enum class Effect : uint8_t {
  kSdkOff,             ///< turns the SDK off, unless a file configures it
  kAgentOff,           ///< turns the agent off, whatever the SDK is told
  kSamplesByRatio,     ///< the ratio decides what is sampled
  kRatioIsZero,        ///< with the above, turns the SDK off
  kFileConfiguresSdk,  ///< a file takes precedence over variables
};

inline char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

inline bool IsTrue(std::string_view value) {
  return EqualIgnoringCase(value, "true");
}

inline bool IsFalse(std::string_view value) {
  return EqualIgnoringCase(value, "false") || value == "0";
}

inline bool IsNone(std::string_view value) {
  return EqualIgnoringCase(value, "none");
}

// Samplers with `parentbased_` still record what a sampled parent asks for.
inline bool IsAlwaysOff(std::string_view value) {
  return EqualIgnoringCase(value, "always_off");
}

inline bool IsRatio(std::string_view value) {
  return EqualIgnoringCase(value, "traceidratio");
}

inline bool IsZero(std::string_view value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  return error == std::errc{} && stop == end && number == 0;
}

inline bool IsGiven(std::string_view value) { return !value.empty(); }

/// A setting of an SDK or an agent that has an effect when a condition holds
/// for its value, which is what the process got, trimmed. In a JVM the system
/// property wins over the variable.
struct Setting {
  Vendor vendor;
  Effect effect;
  const char* variable;
  const char* property;
  bool (*holds)(std::string_view value);
};

inline constexpr std::array kSettings = {
    // opentelemetry-specification, sdk-environment-variables.md
    Setting{kOpenTelemetry, Effect::kSdkOff, "OTEL_SDK_DISABLED",
            "otel.sdk.disabled", IsTrue},
    Setting{kOpenTelemetry, Effect::kSdkOff, "OTEL_TRACES_EXPORTER",
            "otel.traces.exporter", IsNone},
    Setting{kOpenTelemetry, Effect::kSdkOff, "OTEL_TRACES_SAMPLER",
            "otel.traces.sampler", IsAlwaysOff},
    Setting{kOpenTelemetry, Effect::kSamplesByRatio, "OTEL_TRACES_SAMPLER",
            "otel.traces.sampler", IsRatio},
    Setting{kOpenTelemetry, Effect::kRatioIsZero, "OTEL_TRACES_SAMPLER_ARG",
            "otel.traces.sampler.arg", IsZero},
    Setting{kOpenTelemetry, Effect::kFileConfiguresSdk, "OTEL_CONFIG_FILE",
            "otel.config.file", IsGiven},
    Setting{kOpenTelemetry, Effect::kFileConfiguresSdk,
            "OTEL_EXPERIMENTAL_CONFIG_FILE", "otel.experimental.config.file",
            IsGiven},
    // opentelemetry-java-instrumentation, AgentInitializer.java and
    // ServletWithAgentDisabledBenchmark.java
    Setting{kOpenTelemetry, Effect::kAgentOff, "OTEL_JAVAAGENT_ENABLED",
            "otel.javaagent.enabled", IsFalse},
    // opentelemetry-dotnet-instrumentation, docs/config.md
    Setting{kOpenTelemetry, Effect::kAgentOff,
            "OTEL_DOTNET_AUTO_TRACES_ENABLED", "", IsFalse},
    // dd-trace-java, supported-configurations.json; dd-trace-js, MIGRATING.md;
    // dd-trace-rb, docs/GettingStarted.md
    Setting{kDatadog, Effect::kAgentOff, "DD_TRACE_ENABLED", "dd.trace.enabled",
            IsFalse},
    // apm-agent-java, docs/reference/config-core.md; apm-agent-python,
    // docs/reference/configuration.md; apm-agent-dotnet, config-core.md
    Setting{kElastic, Effect::kAgentOff, "ELASTIC_APM_ENABLED",
            "elastic.apm.enabled", IsFalse},
    Setting{kElastic, Effect::kAgentOff, "ELASTIC_APM_RECORDING",
            "elastic.apm.recording", IsFalse},
    // apm-agent-nodejs, docs/reference/configuration.md
    Setting{kElastic, Effect::kAgentOff, "ELASTIC_APM_ACTIVE", "", IsFalse},
    // node-newrelic, lib/config/default.js
    Setting{kNewRelic, Effect::kAgentOff, "NEW_RELIC_ENABLED", "", IsFalse},
    // newrelic-java-agent, BootstrapAgent.java
    Setting{kNewRelic, Effect::kAgentOff, "NEW_RELIC_AGENT_ENABLED",
            "newrelic.config.agent_enabled", IsFalse},
};

/// A text that shows an SDK or an agent.
struct Mark {
  Vendor vendor;
  std::string_view text;  // ends with a NUL
};

/// Variables that nothing but an SDK or an agent needs.
inline constexpr std::array kPrefixes = {
    Mark{kOpenTelemetry, "OTEL_"},
    Mark{kDatadog, "DD_TRACE_"},  // not all of DD_, which metrics share
    Mark{kElastic, "ELASTIC_APM_"},
    Mark{kNewRelic, "NEW_RELIC_"},
    Mark{kSkyWalking, "SW_AGENT_"},  // skywalking-java, configurations.md
    // ApplicationInsights-Java, CHANGELOG.md
    Mark{kApplicationInsights, "APPLICATIONINSIGHTS_CONNECTION_STRING"},
};

/// Parts of what a runtime is told to load: of a Java agent's path, of a module
/// of Node.js, a gem, a startup hook of .NET.
inline constexpr std::array kAgents = {
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

/// What puts a directory before all others so that Python runs what is in it.
inline constexpr std::array kPythonPaths = {
    // opentelemetry-operator, python.go
    Mark{kOpenTelemetry, "opentelemetry/instrumentation/auto_instrumentation"},
    Mark{kDatadog, "ddtrace/bootstrap"},    // dd-trace-py, ddtrace_run.py
    Mark{kNewRelic, "newrelic/bootstrap"},  // newrelic-python-agent
    Mark{kElastic, "elasticapm/instrumentation/wrapper"},
};

/// Programs that execute another with tracing.
inline constexpr std::array kCommands = {
    // opentelemetry-python-contrib, opentelemetry-instrumentation/README.rst
    Mark{kOpenTelemetry, "opentelemetry-instrument"},
    Mark{kDatadog, "ddtrace-run"},      // dd-trace-py, docs/advanced_usage.rst
    Mark{kNewRelic, "newrelic-admin"},  // newrelic-python-agent, README.md
    Mark{kElastic, "elasticapm-run"},   // apm-agent-python, wrapper-support.md
};

inline constexpr std::array kPreloads = {
    Mark{kOpenTelemetry, "libotelinject.so"},  // opentelemetry-injector
    Mark{kOpenTelemetry, "libsplunk.so"},      // splunk-otel-collector
    Mark{kDatadog, "datadog-apm-inject"},      // datadog-agent, installer
};

/// Class IDs of profilers of .NET.
inline constexpr std::array kProfilers = {
    // opentelemetry-dotnet-instrumentation, docs/README.md
    Mark{kOpenTelemetry, "{918728DD-259F-4A6A-AC2B-B85E1B658318}"},
    // dd-trace-dotnet, docs/Datadog.FeatureFlags.OpenFeature/README.md
    Mark{kDatadog, "{846F5F1C-F9AE-4B07-969E-05C26BC060D8}"},
    // apm-agent-dotnet, docs/reference/setup-auto-instrumentation.md
    Mark{kElastic, "{FA65FE15-F085-4681-9B20-95E04F6C03CC}"},
    // newrelic-dotnet-agent, build/Linux/build/common/setenv.sh
    Mark{kNewRelic, "{36032161-FFC0-4B61-B559-F6C5D41BAE5A}"},
};

/// Parts of paths of mapped files. HotSpot maps the directory of a jar that it
/// opens itself. An injector that /etc/ld.so.preload puts into every process is
/// no sign.
inline constexpr std::array kMapped = {
    // opentelemetry-cpp, sdk/src/trace/CMakeLists.txt
    Mark{kOpenTelemetry, "libopentelemetry_trace.so"},
    // opentelemetry-java, sdk/trace; a JVM keeps the jars of its class path
    // open
    Mark{kOpenTelemetry, "opentelemetry-sdk-trace"},
    Mark{kOpenTelemetry, "ngx_otel_module.so"},  // nginxinc/nginx-otel
    // opentelemetry-cpp-contrib, instrumentation/nginx and
    // otel-webserver-module
    Mark{kOpenTelemetry, "otel_ngx_module.so"},
    Mark{kOpenTelemetry, "ngx_http_opentelemetry_module.so"},
    Mark{kOpenTelemetry, "mod_apache_otel"},
    Mark{kOpenTelemetry, "OpenTelemetry.AutoInstrumentation"},
    Mark{kOpenTelemetry, "OpenTelemetry.dll"},  // opentelemetry-dotnet's SDK
    Mark{kOpenTelemetry, "opentelemetry-javaagent"},
    // opentelemetry-php-instrumentation, README.md
    Mark{kOpenTelemetry, "opentelemetry.so"}, Mark{kDatadog, "dd-java-agent"},
    Mark{kDatadog, "ddtrace"},             // dd-trace-py, dd-trace-php
    Mark{kDatadog, "libdd_trace_cpp.so"},  // dd-trace-cpp, CMakeLists.txt
    Mark{kDatadog, "libdd_opentracing"},   // dd-opentracing-cpp
    Mark{kDatadog, "ngx_http_datadog_module.so"},  // nginx-datadog
    Mark{kDatadog, "Datadog.Trace"},               // dd-trace-dotnet
    Mark{kElastic, "elastic-apm-agent"},
    Mark{kElastic, "libelastic_apm_profiler.so"},  // apm-agent-dotnet
    Mark{kNewRelic, "newrelic.jar"},
    Mark{kNewRelic, "newrelic/core"},  // newrelic-python-agent
    Mark{kNewRelic, "libNewRelicProfiler.so"},
    Mark{kSkyWalking, "skywalking-agent"},
    Mark{kApplicationInsights, "applicationinsights-agent"},
    Mark{kNewRelic, "newrelic.so"},            // newrelic-php-agent
    Mark{kSkyWalking, "skywalking_agent.so"},  // skywalking-php
    Mark{kOthers, "libjaegertracing.so"},      // jaeger-client-cpp
    Mark{kOthers, "libzipkin_opentracing"},    // zipkin-cpp-opentracing
};

/// Where a setting comes from; of two in a JVM the later here wins: it appends
/// JAVA_TOOL_OPTIONS, what the launcher makes of JDK_JAVA_OPTIONS and of its
/// arguments, and _JAVA_OPTIONS in this order (HotSpot, arguments.cpp).
enum class Source : uint8_t {
  kNone,
  kVariable,
  kJavaToolOptions,
  kJdkJavaOptions,
  kArguments,
  kJavaOptions,
};

/// A variable with options for a JVM.
struct JavaOptions {
  const char* variable;
  Source source;
};

inline constexpr std::array kJavaOptions = {
    JavaOptions{"JAVA_TOOL_OPTIONS", Source::kJavaToolOptions},
    JavaOptions{"JDK_JAVA_OPTIONS", Source::kJdkJavaOptions},
    JavaOptions{"_JAVA_OPTIONS", Source::kJavaOptions},
};

/// A variable that makes a runtime load something.
struct Loader {
  const char* variable;
  std::span<const Mark> marks;
};

inline constexpr std::array kLoaders = {
    Loader{"NODE_OPTIONS", kAgents},         Loader{"RUBYOPT", kAgents},
    Loader{"DOTNET_STARTUP_HOOKS", kAgents}, Loader{"PYTHONPATH", kPythonPaths},
    Loader{"LD_PRELOAD", kPreloads},
};

/// TCP ports to which spans are sent.
inline constexpr std::array<uint16_t, 5> kExportPorts = {
    // opentelemetry-specification, protocol/exporter.md: OTLP over gRPC and
    // HTTP. Metrics and logs go there as well.
    4317,  4318,
    14268,  // Jaeger, its collector over HTTP
    9411,   // Zipkin
    8126,   // datadog-agent, apm_config.receiver_port
};

/// An SDK for Go.
struct GoSdk {
  Vendor vendor;
  /// In the names of the functions of a Go program. The packages of an API
  /// alone trace nothing, and many libraries bring them along.
  std::string_view package;  // ends with a NUL
  /// In the build information of a Go program, if it differs from the package.
  std::string_view module{};  // likewise
};

inline constexpr std::array kGoSdks = {
    GoSdk{kOpenTelemetry, "go.opentelemetry.io/otel/sdk/trace",
          "go.opentelemetry.io/otel/sdk"},
    GoSdk{kDatadog, "gopkg.in/DataDog/dd-trace-go",
          "gopkg.in/DataDog/dd-trace-go.v1"},
    GoSdk{kDatadog, "github.com/DataDog/dd-trace-go"},
    GoSdk{kElastic, "go.elastic.co/apm"},
    GoSdk{kNewRelic, "github.com/newrelic/go-agent"},
    GoSdk{kSkyWalking, "github.com/apache/skywalking-go"},
    GoSdk{kSkyWalking, "github.com/SkyAPM/go2sky"},
    GoSdk{kOthers, "github.com/uber/jaeger-client-go"},
    GoSdk{kOthers, "github.com/openzipkin/zipkin-go"},
    // Each exporter is a module of its own.
    GoSdk{kOthers, "contrib.go.opencensus.io/exporter"},
};

/// Packages of Go that may trace: a program that has one is not said to
/// be untraced.
inline constexpr std::array kGoHints = {
    "github.com/getsentry/sentry-go"sv, "github.com/honeycombio/beeline-go"sv,
    "lightstep/lightstep-tracer"sv,     "github.com/instana/go-sensor"sv,
    "github.com/aws/aws-xray-sdk-go"sv, "github.com/Dynatrace/"sv,
    "go.opencensus.io/exporter"sv,      "sourcegraph.com/sourcegraph/appdash"sv,
};

/// A word in a program that shows something of it.
struct ProgramWord {
  Vendor vendor;
  std::string_view text;
  const char* shown;  ///< for people
};

/// In the constants and the symbols of another native program: SDKs that are
/// linked into it.
inline constexpr std::array kNativeWords = {
    // opentelemetry-cpp, names of types: opentelemetry::v1::sdk::trace. v2 is
    // the other ABI (api/include/opentelemetry/version.h).
    ProgramWord{kOpenTelemetry, "opentelemetry2v13sdk5trace",
                "opentelemetry-cpp"},
    ProgramWord{kOpenTelemetry, "opentelemetry2v23sdk5trace",
                "opentelemetry-cpp"},
    // opentelemetry-rust, opentelemetry-sdk/src/trace: paths of sources, which
    // panics name
    ProgramWord{kOpenTelemetry, "opentelemetry_sdk", "opentelemetry_sdk"},
    // opentelemetry-specification: variables of the batching of spans, which
    // each SDK has that can be configured by variables
    ProgramWord{kOpenTelemetry, "OTEL_BSP_", "OTEL_BSP_"},
    ProgramWord{kDatadog, "DD_TRACE_", "DD_TRACE_"},  // dd-trace-cpp, -rs
    ProgramWord{kOthers, "13jaegertracing", "jaeger-client-cpp"},
    ProgramWord{kOthers, "cpp2sky", "cpp2sky"},  // SkyAPM/cpp2sky
};

/// The same, of programs that may trace without one of these.
inline constexpr std::array kNativeHints = {
    "opentelemetry"sv, "OpenTelemetry"sv,  "OTEL_EXPORTER_"sv, "OTEL_TRACES_"sv,
    "OTEL_SERVICE_"sv, "OTEL_RESOURCE_"sv, "opentracing"sv,    "OpenTracing"sv,
    "traceparent"sv,   "jaeger"sv,         "Jaeger"sv,         "zipkin"sv,
    "Zipkin"sv,        "X-B3-TraceId"sv,   "x-b3-traceid"sv,   "skywalking"sv,
    "newrelic"sv,      "NEW_RELIC_"sv,     "dynatrace"sv,      "lightstep"sv,
    "datadog"sv,
};

/// The same, of runtimes that are linked into a program: the application is
/// elsewhere.
inline constexpr std::array kRuntimeWords = {
    "NODE_OPTIONS"sv,      "PYTHONPATH"sv,     "PERL5LIB"sv, "RUBYLIB"sv,
    "PHP_INI_SCAN_DIR"sv,  "LuaJIT 2."sv,      "hostfxr"sv,  "coreclr"sv,
    "JAVA_TOOL_OPTIONS"sv, "com.oracle.svm"sv, "ERL_LIBS"sv, "JavaScriptCore"sv,
};

/// Parts of paths of libraries that may trace: a process that has mapped one is
/// not said to be untraced.
inline constexpr std::array kMappedHints = {
    Mark{kOthers, "otel"},           Mark{kOthers, "opentelemetry"},
    Mark{kOthers, "libotel"},        Mark{kOthers, "libopentelemetry"},
    Mark{kOthers, "opentracing"},    Mark{kOthers, "libopentracing"},
    Mark{kOthers, "jaeger"},         Mark{kOthers, "libjaeger"},
    Mark{kOthers, "zipkin"},         Mark{kOthers, "libzipkin"},
    Mark{kOthers, "datadog"},        Mark{kOthers, "libdatadog"},
    Mark{kOthers, "libddtrace"},     Mark{kOthers, "newrelic"},
    Mark{kOthers, "libnewrelic"},    Mark{kOthers, "skywalking"},
    Mark{kOthers, "libskywalking"},  Mark{kOthers, "dynatrace"},
    Mark{kOthers, "liboneagent"},    Mark{kOthers, "appdynamics"},
    Mark{kOthers, "libappdynamics"}, Mark{kOthers, "instana"},
    Mark{kOthers, "libinstana"},     Mark{kOthers, "elastic_apm"},
};

/// Names of programs that run an application that is not in them, followed by
/// nothing or by a version: "python3.11".
inline constexpr std::array kRuntimes = {
    "python"sv,   "pypy"sv,  "node"sv,     "nodejs"sv,   "deno"sv,   "bun"sv,
    "ruby"sv,     "php"sv,   "php-fpm"sv,  "php-cgi"sv,  "perl"sv,   "java"sv,
    "dotnet"sv,   "mono"sv,  "beam"sv,     "erl"sv,      "lua"sv,    "luajit"sv,
    "tclsh"sv,    "guile"sv, "julia"sv,    "R"sv,        "racket"sv, "sbcl"sv,
    "electron"sv, "qemu-"sv, "wine"sv,     "wine64"sv,   "box64"sv,  "gjs"sv,
    "uwsgi"sv,    "gdb"sv,   "valgrind"sv, "ocamlrun"sv,
};

/// Beginnings of the names of libraries that contain such a runtime.
inline constexpr std::array kRuntimeLibraries = {
    "libpython"sv,  "libnode.so"sv, "libjvm.so"sv,
    "libruby"sv,    "libperl.so"sv, "libphp"sv,
    "libcoreclr"sv, "libhostfxr"sv, "libmono"sv,
    "liblua"sv,     "libmozjs"sv,   "libv8"sv,
    "libguile"sv,   "libtcl"sv,     "libjulia"sv,
    "libR.so"sv,    "libwasm"sv,    "libjavascriptcore"sv,
};

/// Where the libraries of the system are. Their names say what they are; those
/// elsewhere may have anything linked into them.
inline constexpr std::array kLibraryDirectories = {
    "/lib/"sv,   "/usr/lib/"sv,   "/lib64/"sv,  "/usr/lib64/"sv,
    "/lib32/"sv, "/usr/lib32/"sv, "/libx32/"sv, "/usr/libx32/"sv,
};

/// RE2 expressions for the names of threads that do nothing but tracing:
/// batching, sampling and exporting spans.
///
/// The kernel keeps 15 bytes of a name (TASK_COMM_LEN). Most runtimes cut it
/// there; later versions of HotSpot keep the first 7 and the last 6 with `..`
/// between (JDK-8368124), so that names of the JVM stand here both ways.
///
/// Not here are threads that work for metrics or logs (PeriodicMetricReader,
/// BatchLogRecordProcessor), those of HTTP and gRPC clients, whose names do not
/// say whose spans, metrics or logs they send (okhttp-dispatch), and those that
/// have no name of their own: opentelemetry-cpp leaves names to the application
/// (sdk/common/thread_instrumentation.h), and CPython before 3.14 does not pass
/// them to the kernel (What's New in Python 3.14, threading).
///
/// "Seen" names the version in whose process the kernel showed the name. The
/// others, and all with `..`, are from the source only.
inline constexpr auto kTracingThreads = std::to_array<const char*>({
    // BatchSpanProcessor_WorkerThread-1; opentelemetry-java,
    // sdk/trace/…/BatchSpanProcessor.java
    // Seen: its agent 2.31.1.
    R"(^BatchSpanProces$)",
    R"(^BatchSp\.\..*-\d+$)",
    // JaegerRemoteSampler_WorkerThread-1; opentelemetry-java,
    // sdk-extensions/jaeger-remote-sampler/…/JaegerRemoteSampler.java
    // Seen: its agent 2.31.1.
    R"(^JaegerRemoteSam$)",
    R"(^JaegerR\.\..*-\d+$)",
    // OpenTelemetry.Traces.BatchProcessor; opentelemetry-rust,
    // opentelemetry-sdk/src/trace/span_processor.rs
    // Seen: 0.33.1.
    R"(^OpenTelemetry\.T$)",
    // OpenTelemetry-BatchExportProcessor-OtlpTraceExporter;
    // opentelemetry-dotnet, Internal/BatchExportThreadWorker.cs. Those of
    // exporters of logs have the same first 15 bytes.
    R"(^OpenTelemetry-B$)",
    // OtelBatchSpanRecordProcessor, before OtelBatchSpanProcessor;
    // opentelemetry-python, sdk/_shared_internal/__init__.py
    R"(^OtelBatchSpan(Re|Pr)$)",

    // dd-trace-processor, dd-trace-monitor, dd-span-sampling-processor;
    // dd-trace-java, AgentThreadFactory.java
    // Seen: 1.68.1.
    R"(^dd-trace-(proces|monito)$)",
    R"(^dd-trac\.\..*(ssor|itor)$)",
    R"(^dd-span-samplin$)",
    R"(^dd-span\.\..*ssor$)",
    // ddtrace.internal.writer.writer:AgentWriter, now …:NativeWriter;
    // dd-trace-py, ddtrace/internal/_threads.cpp keeps what is behind the colon
    // Seen: NativeWriter, 4.16.0, in Python 3.11.
    R"(^(Agent|Native)Writer$)",

    // The only senders of the agents below: metrics are among what they send.
    // elastic-apm-server-reporter; apm-agent-java, ApmServerReporter.java.
    // elastic-apm-server-healthcheck, which looks the same, ends soon.
    // Seen: 1.55.1.
    R"(^elastic-apm-ser$)",
    R"(^elastic\.\..*rter$)",
    // ElasticApmPayloadSenderV2; apm-agent-dotnet, PayloadSenderV2.cs
    R"(^ElasticApmPaylo$)",
    // eapm event processor thread; apm-agent-python, transport/base.py
    R"(^eapm event proc$)",
    // New Relic Harvest Service, New Relic Faster Harvest Service;
    // newrelic-java-agent, HarvestServiceImpl.java. Shortened in the later way
    // they look like its other services, which are not for tracing.
    R"(^New Relic (Harve|Faste)$)",
    // New Relic Transaction Service Processor; TransactionService.java
    // Seen: 8.19.0.
    R"(^New Relic Trans$)",
    R"(^New Rel\.\..*(ssor|or \d+)$)",
    // New Relic Infinite Tracing #1; InfiniteTracing.java
    R"(^New Relic Infin$)",
    R"(^New Rel\.\..*g #\d+$)",
    // NR-Harvest-Thread, NR-StreamingRpc-process-responses;
    // newrelic-python-agent, core/agent.py, core/agent_streaming.py
    R"(^NR-Harvest-Thre$)",
    R"(^NR-StreamingRpc$)",
    // DataCarrier.DEFAULT.Consumer.0.Thread; skywalking-java,
    // TraceSegmentServiceClient.java, ConsumeDriver.java. That of its logs
    // (gRPC-log for DEFAULT) looks the same when shortened in the later way.
    R"(^DataCarrier\.DEF$)",
    R"(^DataCar\.\..*read$)",
    // BatchItemProcessor_WorkerThread-1; ApplicationInsights-Java,
    // BatchItemProcessor.java
    // Seen: 3.5.3.
    R"(^BatchItemProces$)",
    R"(^BatchIt\.\..*-\d+$)",
});

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_KNOWN_TRACERS_H_
