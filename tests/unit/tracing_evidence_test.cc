#include "measures/tracing_evidence.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resource_attribution::store {

void PrintTo(TracingState tracing, std::ostream* out) {
  *out << (tracing == TracingState::kTraced     ? "traced"
           : tracing == TracingState::kUntraced ? "untraced"
                                                : "unknown");
}

}  // namespace resource_attribution::store

namespace resource_attribution::measures {
namespace {

using store::TracingState;
using Strings = std::vector<std::string>;

std::string Joined(const Strings& strings) {
  std::string joined;
  for (const std::string& string : strings) joined += string + '\0';
  return joined;
}

// Where a process shows something, and what comes of it.
struct Case {
  Strings environ{};
  Strings arguments{};
  std::string mapped{};
  TracingState tracing = TracingState::kUnknown;
  std::string evidence{};
};

void PrintTo(const Case& shown, std::ostream* out) {
  for (const auto& variable : shown.environ) *out << variable << ' ';
  *out << "| ";
  for (const auto& argument : shown.arguments) *out << argument << ' ';
  *out << "| " << shown.mapped;
}

Detection Detect(const Case& shown) {
  const std::string maps =
      "55d0c0a00000-55d0c0a02000 r--p 00000000 08:01 1234   /usr/bin/x\n"
      "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n" +
      (shown.mapped.empty()
           ? ""
           : "7f0000100000-7f0000200000 r-xp 00000000 08:01 5678   " +
                 shown.mapped + "\n");
  TracingEvidence evidence;
  evidence.AddEnviron(Joined(shown.environ));
  evidence.AddArguments(Joined(shown.arguments));
  evidence.AddMaps(maps, "/usr/bin/x");
  return evidence.Decide();
}

class Shown : public testing::TestWithParam<Case> {};

TEST_P(Shown, Decides) {
  const Detection detection = Detect(GetParam());
  EXPECT_EQ(detection.tracing, GetParam().tracing);
  if (detection.tracing == TracingState::kUnknown) return;
  EXPECT_EQ(detection.evidence, GetParam().evidence);
  EXPECT_EQ(detection.is_switched_off,
            detection.tracing == TracingState::kUntraced);
}

Case On(Strings environ, const std::string& evidence) {
  return {.environ = std::move(environ),
          .tracing = TracingState::kTraced,
          .evidence = evidence};
}

Case Off(Strings environ, const std::string& evidence) {
  return {.environ = std::move(environ),
          .tracing = TracingState::kUntraced,
          .evidence = evidence};
}

Case Unknown(Strings environ) { return {.environ = std::move(environ)}; }

Case OnBy(Strings arguments, const std::string& evidence) {
  return {.arguments = std::move(arguments),
          .tracing = TracingState::kTraced,
          .evidence = evidence};
}

Case UnknownBy(Strings arguments) {
  return {.arguments = std::move(arguments)};
}

Case Mapped(const std::string& file, const std::string& evidence) {
  return {.mapped = file,
          .tracing =
              evidence.empty() ? TracingState::kUnknown : TracingState::kTraced,
          .evidence = evidence};
}

INSTANTIATE_TEST_SUITE_P(
    TurnedOff, Shown,
    testing::Values(
        Off({"OTEL_SDK_DISABLED=true"}, "OTEL_SDK_DISABLED"),
        Off({"HOME=/", "OTEL_SDK_DISABLED= TRUE\t", "OTEL_SERVICE_NAME=x"},
            "OTEL_SDK_DISABLED"),
        Off({"OTEL_TRACES_EXPORTER=none"}, "OTEL_TRACES_EXPORTER"),
        Off({"OTEL_TRACES_EXPORTER=None "}, "OTEL_TRACES_EXPORTER"),
        Off({"OTEL_TRACES_SAMPLER=always_off"}, "OTEL_TRACES_SAMPLER"),
        Off({"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"},
            "OTEL_TRACES_SAMPLER_ARG"),
        Off({"OTEL_TRACES_SAMPLER_ARG= 0.000 ",
             "OTEL_TRACES_SAMPLER=TraceIdRatio"},
            "OTEL_TRACES_SAMPLER_ARG"),
        Off({"OTEL_JAVAAGENT_ENABLED=false"}, "OTEL_JAVAAGENT_ENABLED"),
        Off({"OTEL_DOTNET_AUTO_TRACES_ENABLED=False"},
            "OTEL_DOTNET_AUTO_TRACES_ENABLED"),
        Off({"DD_TRACE_ENABLED=false"}, "DD_TRACE_ENABLED"),
        Off({"DD_TRACE_ENABLED=0"}, "DD_TRACE_ENABLED"),
        Off({"ELASTIC_APM_ENABLED=false"}, "ELASTIC_APM_ENABLED"),
        Off({"ELASTIC_APM_RECORDING=false"}, "ELASTIC_APM_RECORDING"),
        Off({"ELASTIC_APM_ACTIVE=false"}, "ELASTIC_APM_ACTIVE"),
        Off({"NEW_RELIC_ENABLED=false"}, "NEW_RELIC_ENABLED"),
        Off({"NEW_RELIC_AGENT_ENABLED=false"}, "NEW_RELIC_AGENT_ENABLED")));

INSTANTIATE_TEST_SUITE_P(
    NotTurnedOff, Shown,
    testing::Values(
        On({"OTEL_SDK_DISABLED=false"}, "OTEL_"),
        On({"OTEL_SDK_DISABLED=1"}, "OTEL_"),
        On({"OTEL_SDK_DISABLEDX=true"}, "OTEL_"),
        On({"OTEL_TRACES_EXPORTER=otlp"}, "OTEL_"),
        On({"OTEL_METRICS_EXPORTER=none"}, "OTEL_"),
        On({"OTEL_TRACES_SAMPLER=parentbased_always_off"}, "OTEL_"),
        On({"OTEL_TRACES_SAMPLER=parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG=0"},
           "OTEL_"),
        On({"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.01"},
           "OTEL_"),
        On({"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0x"},
           "OTEL_"),
        On({"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG="},
           "OTEL_"),
        On({"OTEL_TRACES_SAMPLER_ARG=0"}, "OTEL_"),
        On({"OTEL_JAVAAGENT_ENABLED=true"}, "OTEL_"),
        On({"DD_TRACE_ENABLED=true"}, "DD_TRACE_"),
        On({"ELASTIC_APM_ENABLED=true"}, "ELASTIC_APM_"),
        On({"NEW_RELIC_ENABLED=true"}, "NEW_RELIC_"),
        // The file rules over the SDK, not over whether there is an agent.
        On({"OTEL_CONFIG_FILE=/o.yaml", "OTEL_SDK_DISABLED=true"}, "OTEL_"),
        On({"OTEL_SDK_DISABLED=true", "OTEL_EXPERIMENTAL_CONFIG_FILE=o.yaml"},
           "OTEL_"),
        Off({"OTEL_CONFIG_FILE=", "OTEL_SDK_DISABLED=true"},
            "OTEL_SDK_DISABLED"),
        Off({"OTEL_CONFIG_FILE=/o.yaml", "OTEL_JAVAAGENT_ENABLED=false"},
            "OTEL_JAVAAGENT_ENABLED"),
        Unknown({"X=OTEL_SDK_DISABLED=true"}), Unknown({"OTEL_SDK_DISABLED"}),
        Unknown({"OTEL_SDK_DISABLED="}), Unknown({"OTEL_SERVICE_NAME= "}),
        Unknown({"otel_sdk_disabled=true"}),
        Unknown({"XOTEL_SERVICE_NAME=a"})));

INSTANTIATE_TEST_SUITE_P(
    FirstOfOneNameCounts, Shown,
    testing::Values(
        Off({"OTEL_SDK_DISABLED=true", "OTEL_SDK_DISABLED=false"},
            "OTEL_SDK_DISABLED"),
        On({"OTEL_SDK_DISABLED=false", "OTEL_SDK_DISABLED=true"}, "OTEL_"),
        Unknown({"NODE_OPTIONS=", "NODE_OPTIONS=-r dd-trace/init"}),
        Unknown({"JAVA_TOOL_OPTIONS=",
                 "JAVA_TOOL_OPTIONS=-javaagent:/opentelemetry-javaagent.jar"}),
        Unknown({"CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}",
                 "CORECLR_ENABLE_PROFILING=0", "CORECLR_ENABLE_PROFILING=1"}),
        Unknown({"CORECLR_PROFILER={}", "CORECLR_ENABLE_PROFILING=1",
                 "CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}"})));

INSTANTIATE_TEST_SUITE_P(
    VariablesOfAgents, Shown,
    testing::Values(
        On({"OTEL_SERVICE_NAME=checkout"}, "OTEL_"),
        On({"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4317"}, "OTEL_"),
        On({"DD_TRACE_AGENT_URL=http://x"}, "DD_TRACE_"),
        Unknown({"DD_AGENT_HOST=x"}), Unknown({"DD_ENV=prod"}),
        On({"ELASTIC_APM_SERVER_URL=http://x"}, "ELASTIC_APM_"),
        Unknown({"ELASTIC_PASSWORD=x"}),
        On({"NEW_RELIC_LICENSE_KEY=x"}, "NEW_RELIC_"),
        Unknown({"NRIA_LICENSE_KEY=x"}), On({"SW_AGENT_NAME=x"}, "SW_AGENT_"),
        Unknown({"SW_STORAGE=x"}),
        On({"APPLICATIONINSIGHTS_CONNECTION_STRING=x"},
           "APPLICATIONINSIGHTS_CONNECTION_STRING"),
        On({"NODE_OPTIONS=--require @opentelemetry/auto-instrumentations-node"
            "/register"},
           "NODE_OPTIONS"),
        On({"NODE_OPTIONS= --require "
            "/otel-auto-instrumentation-nodejs/autoinstrumentation.js"},
           "NODE_OPTIONS"),
        On({"NODE_OPTIONS=-r dd-trace/init"}, "NODE_OPTIONS"),
        On({"NODE_OPTIONS=-r elastic-apm-node/start"}, "NODE_OPTIONS"),
        On({"NODE_OPTIONS=-r newrelic"}, "NODE_OPTIONS"),
        Unknown({"NODE_OPTIONS=-r /opt/hotel/app.js"}),
        Unknown({"NODE_OPTION=-r newrelic"}),
        On({"RUBYOPT=-r opentelemetry-auto-instrumentation"}, "RUBYOPT"),
        On({"RUBYOPT=-W0 -ropentelemetry-auto-instrumentation"}, "RUBYOPT"),
        Unknown({"RUBYOPT=-rbundler/setup"}),
        On({"DOTNET_STARTUP_HOOKS=/opt/net/"
            "OpenTelemetry.AutoInstrumentation.StartupHook.dll"},
           "DOTNET_STARTUP_HOOKS"),
        Unknown({"DOTNET_STARTUP_HOOKS=/opt/net/Hook.dll"}),
        On({"PYTHONPATH=/otel-auto-instrumentation-python/opentelemetry/"
            "instrumentation/auto_instrumentation:/app"},
           "PYTHONPATH"),
        On({"PYTHONPATH=/usr/lib/python3/dist-packages/ddtrace/bootstrap"},
           "PYTHONPATH"),
        On({"PYTHONPATH=/v/site-packages/newrelic/bootstrap"}, "PYTHONPATH"),
        On({"PYTHONPATH=/v/elasticapm/instrumentation/wrapper"}, "PYTHONPATH"),
        Unknown({"PYTHONPATH=/src/opentelemetry:/src/ddtrace"}),
        On({"LD_PRELOAD=/usr/lib/opentelemetry/libotelinject.so"},
           "LD_PRELOAD"),
        On({"LD_PRELOAD=libfoo.so:/usr/lib/splunk-instrumentation/"
            "libsplunk.so"},
           "LD_PRELOAD"),
        On({"LD_PRELOAD=/opt/datadog-packages/datadog-apm-inject/stable/"
            "inject/launcher.preload.so"},
           "LD_PRELOAD"),
        Unknown({"LD_PRELOAD=/usr/lib/libjemalloc.so"}),
        On({"CORECLR_ENABLE_PROFILING=1",
            "CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}"},
           "CORECLR_PROFILER"),
        On({"CORECLR_PROFILER={846f5f1c-f9ae-4b07-969e-05c26bc060d8}",
            "CORECLR_ENABLE_PROFILING=1"},
           "CORECLR_PROFILER"),
        On({"CORECLR_ENABLE_PROFILING=1",
            "CORECLR_PROFILER={FA65FE15-F085-4681-9B20-95E04F6C03CC}"},
           "CORECLR_PROFILER"),
        On({"CORECLR_ENABLE_PROFILING=1",
            "CORECLR_PROFILER={36032161-FFC0-4B61-B559-F6C5D41BAE5A}"},
           "CORECLR_PROFILER"),
        Unknown({"CORECLR_ENABLE_PROFILING=1",
                 "CORECLR_PROFILER={00000000-0000-0000-0000-000000000000}"}),
        Unknown({"CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}"})));

INSTANTIATE_TEST_SUITE_P(
    OptionsOfJava, Shown,
    testing::Values(
        On({"JAVA_TOOL_OPTIONS=-Xmx1g "
            "-javaagent:/opt/opentelemetry-javaagent.jar"},
           "JAVA_TOOL_OPTIONS"),
        On({"JAVA_TOOL_OPTIONS= -javaagent:"
            "/otel-auto-instrumentation-java/javaagent.jar"},
           "JAVA_TOOL_OPTIONS"),
        On({"JDK_JAVA_OPTIONS=-javaagent:dd-java-agent.jar"},
           "JDK_JAVA_OPTIONS"),
        On({"_JAVA_OPTIONS=-javaagent:/elastic-apm-agent-1.50.0.jar"},
           "_JAVA_OPTIONS"),
        OnBy({"java", "-javaagent:/opt/my agents/newrelic.jar", "-jar", "a"},
             "command line"),
        OnBy({"/usr/bin/java", "-javaagent:/skywalking-agent.jar=x=y", "Main"},
             "command line"),
        OnBy({"java", "-javaagent:/applicationinsights-agent-3.7.0.jar", "M"},
             "command line"),
        OnBy({"java", "-javaagent:/splunk-otel-javaagent.jar", "M"},
             "command line"),
        OnBy({"java", "-Dotel.service.name=x", "Main"}, "otel."),
        UnknownBy({"java", "-javaagent:/opt/hotel/jmx.jar", "Main"}),
        UnknownBy({"java", "-javaagent:/jmx.jar=9404:/etc/otel/jmx.yml", "M"}),
        UnknownBy({"java", "-jar", "newrelic.jar"}),
        UnknownBy({"java", "-jar", "a.jar", "-Dotel.service.name=x"}),
        UnknownBy({"sh", "-c", "java -javaagent:/opentelemetry-javaagent.jar"}),
        UnknownBy({"java", "-Dotelx=1", "-Dotel", "-D", "-D=false", "Main"})));

Case Java(Strings environ, Strings options, TracingState tracing,
          const std::string& evidence) {
  options.insert(options.begin(),
                 {"java", "-javaagent:opentelemetry-javaagent.jar"});
  return {.environ = std::move(environ),
          .arguments = std::move(options),
          .tracing = tracing,
          .evidence = evidence};
}

INSTANTIATE_TEST_SUITE_P(
    PropertiesWinOverVariables, Shown,
    testing::Values(
        Java({}, {"-Dotel.sdk.disabled=true"}, TracingState::kUntraced,
             "otel.sdk.disabled"),
        Java({}, {"-Dotel.traces.exporter=none"}, TracingState::kUntraced,
             "otel.traces.exporter"),
        Java({}, {"-Dotel.traces.sampler=always_off"}, TracingState::kUntraced,
             "otel.traces.sampler"),
        Java({}, {"-Dotel.javaagent.enabled=false"}, TracingState::kUntraced,
             "otel.javaagent.enabled"),
        Java({"OTEL_TRACES_SAMPLER=traceidratio"},
             {"-Dotel.traces.sampler.arg=0.0"}, TracingState::kUntraced,
             "otel.traces.sampler.arg"),
        Java({"OTEL_SDK_DISABLED=true"}, {"-Dotel.sdk.disabled=false"},
             TracingState::kTraced, "OTEL_"),
        Java({"OTEL_SDK_DISABLED=false"}, {"-Dotel.sdk.disabled=true"},
             TracingState::kUntraced, "otel.sdk.disabled"),
        Java({}, {"-Dotel.sdk.disabled=true", "-Dotel.sdk.disabled=false"},
             TracingState::kTraced, "command line"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true"}, {},
             TracingState::kUntraced, "otel.sdk.disabled"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true",
              "OTEL_SDK_DISABLED=false"},
             {}, TracingState::kUntraced, "otel.sdk.disabled"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true"},
             {"-Dotel.sdk.disabled=false"}, TracingState::kTraced, "otel."),
        Java({"_JAVA_OPTIONS=-Dotel.sdk.disabled=true"},
             {"-Dotel.sdk.disabled=false"}, TracingState::kUntraced,
             "otel.sdk.disabled"),
        Java({"OTEL_SDK_DISABLED=true"}, {"-Dotel.config.file=o.yaml"},
             TracingState::kTraced, "OTEL_"),
        Java({}, {"-jar", "a.jar", "-Dotel.sdk.disabled=true"},
             TracingState::kTraced, "command line"),
        Case{.arguments = {"java", "-javaagent:dd-java-agent.jar",
                           "-Ddd.trace.enabled=false"},
             .tracing = TracingState::kUntraced,
             .evidence = "dd.trace.enabled"},
        Case{.arguments = {"java", "-javaagent:elastic-apm-agent.jar",
                           "-Delastic.apm.recording=false"},
             .tracing = TracingState::kUntraced,
             .evidence = "elastic.apm.recording"},
        Case{.arguments = {"java", "-javaagent:newrelic.jar",
                           "-Dnewrelic.config.agent_enabled=false"},
             .tracing = TracingState::kUntraced,
             .evidence = "newrelic.config.agent_enabled"}));

INSTANTIATE_TEST_SUITE_P(
    Commands, Shown,
    testing::Values(
        OnBy({"/usr/bin/python3", "/usr/bin/opentelemetry-instrument", "x.py"},
             "opentelemetry-instrument"),
        OnBy({"ddtrace-run", "python", "x.py"}, "ddtrace-run"),
        OnBy({"python", "/v/bin/newrelic-admin", "run-program", "x"},
             "newrelic-admin"),
        OnBy({"python", "/v/bin/elasticapm-run", "x"}, "elasticapm-run"),
        UnknownBy({"python", "x.py", "ddtrace-run"}),
        UnknownBy({"ddtrace-runner"}),
        OnBy({"/usr/bin/node", "--require", "@opentelemetry/x/register", "a"},
             "command line"),
        OnBy({"node", "--import=dd-trace/register.js", "a.js"}, "command line"),
        OnBy({"node", "--experimental-loader=newrelic/esm-loader.mjs", "-r",
              "newrelic", "a.js"},
             "command line"),
        OnBy({"ruby", "-ropentelemetry-auto-instrumentation", "a.rb"},
             "command line"),
        UnknownBy({"node", "newrelic.js"}),
        UnknownBy({"cp", "-r", "/src/opentelemetry", "/dst"}),
        UnknownBy({"nginx: worker process"}), UnknownBy({""}), UnknownBy({})));

INSTANTIATE_TEST_SUITE_P(
    MappedFiles, Shown,
    testing::Values(
        Mapped("/usr/lib/libopentelemetry_trace.so.1.9.0",
               "libopentelemetry_trace.so"),
        Mapped("/usr/lib/libopentelemetry_metrics.so.1.9.0", ""),
        Mapped("/opt/linux-x64/OpenTelemetry.AutoInstrumentation.Native.so",
               "OpenTelemetry.AutoInstrumentation"),
        Mapped("/app/OpenTelemetry.dll", "OpenTelemetry.dll"),
        Mapped("/app/OpenTelemetry.Api.dll", ""),
        Mapped("/opt/opentelemetry-javaagent.jar", "opentelemetry-javaagent"),
        Mapped("/usr/lib/php/20220829/opentelemetry.so (deleted)",
               "opentelemetry.so"),
        Mapped("/opt/dd-java-agent.jar", "dd-java-agent"),
        Mapped("/v/site-packages/ddtrace/internal/_encoding.so", "ddtrace"),
        Mapped("/opt/datadog-php/extensions/ddtrace-20220829.so", "ddtrace"),
        Mapped("/opt/datadog/Datadog.Trace.ClrProfiler.Native.so",
               "Datadog.Trace"),
        Mapped("/opt/elastic-apm-agent-1.50.0.jar", "elastic-apm-agent"),
        Mapped("/opt/libelastic_apm_profiler.so", "libelastic_apm_profiler.so"),
        Mapped("/opt/newrelic/newrelic.jar", "newrelic.jar"),
        Mapped("/v/newrelic/core/_thread_utilization.so", "newrelic/core"),
        Mapped("/opt/libNewRelicProfiler.so", "libNewRelicProfiler.so"),
        Mapped("/opt/skywalking-agent.jar", "skywalking-agent"),
        Mapped("/opt/applicationinsights-agent-3.7.0.jar",
               "applicationinsights-agent"),
        Mapped("/app/lib/opentelemetry-sdk-trace-1.40.0.jar",
               "opentelemetry-sdk-trace"),
        Mapped("/usr/lib/nginx/modules/ngx_otel_module.so",
               "ngx_otel_module.so"),
        Mapped("/usr/lib/libdd_trace_cpp.so", "libdd_trace_cpp.so"),
        Mapped("/usr/lib/libjaegertracing.so.0", "libjaegertracing.so"),
        Mapped("/usr/lib/php/20220829/newrelic.so", "newrelic.so"),
        Mapped("/usr/bin/newrelic-infra", ""),
        Mapped("/usr/lib/opentelemetry/libotelinject.so", ""),
        Mapped("/lib/libmyddtrace.so", "")));

INSTANTIATE_TEST_SUITE_P(
    SettingsOfOneDoNotTurnOffAnother, Shown,
    testing::Values(
        On({"OTEL_SDK_DISABLED=true", "NODE_OPTIONS=-r dd-trace/init"},
           "NODE_OPTIONS"),
        On({"OTEL_TRACES_EXPORTER=none", "ELASTIC_APM_SERVER_URL=x"},
           "ELASTIC_APM_"),
        On({"DD_TRACE_ENABLED=false", "OTEL_SERVICE_NAME=x"}, "OTEL_"),
        Case{.environ = {"OTEL_SDK_DISABLED=true"},
             .mapped = "/v/site-packages/ddtrace/internal/_encoding.so",
             .tracing = TracingState::kTraced,
             .evidence = "ddtrace"},
        Case{.environ = {"OTEL_SDK_DISABLED=true"},
             .mapped = "/usr/lib/libopentelemetry_trace.so",
             .tracing = TracingState::kUntraced,
             .evidence = "OTEL_SDK_DISABLED"},
        Off({"OTEL_SDK_DISABLED=true", "NODE_OPTIONS=-r dd-trace/init",
             "DD_TRACE_ENABLED=false"},
            "OTEL_SDK_DISABLED")));

constexpr ProgramSigns kNoSdk{.answer = ProgramSigns::Answer::kNoSdk,
                              .evidence = "none in it"};
constexpr ProgramSigns kSdk{.answer = ProgramSigns::Answer::kSdk,
                            .vendor = kOpenTelemetry,
                            .evidence = "the SDK"};

constexpr const char* kProgram = "/opt/shop/orders";
constexpr const char* kMaps =
    "55d0c0a00000-55d0c0a02000 r-xp 00000000 08:01 1234   /opt/shop/orders\n"
    "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
    "7f0000100000-7f0000200000 r-xp 00000000 08:01 5678   "
    "/usr/lib/x86_64-linux-gnu/libc.so.6\n"
    "7f0000300000-7f0000400000 r--s 00000000 08:01 5679   /srv/orders.db\n";

// What a native program shows, with an environment, and besides what `add`
// adds.
Detection Native(const ProgramSigns& program, const Strings& environ,
                 auto... add) {
  TracingEvidence evidence;
  evidence.AddEnviron(Joined(environ));
  evidence.AddMaps(kMaps, kProgram);
  evidence.AddProgram(program);
  (add(evidence), ...);
  return evidence.Decide();
}

void ExpectUnknown(const Detection& detection, std::string_view why) {
  EXPECT_EQ(detection.tracing, TracingState::kUnknown);
  EXPECT_NE(std::string_view(detection.evidence).find(why),
            std::string_view::npos)
      << detection.evidence;
}

void ExpectTraced(const Detection& detection, std::string_view evidence) {
  EXPECT_EQ(detection.tracing, TracingState::kTraced);
  EXPECT_EQ(detection.evidence, evidence);
}

void ExpectUntraced(const Detection& detection, std::string_view evidence) {
  EXPECT_EQ(detection.tracing, TracingState::kUntraced);
  EXPECT_EQ(detection.evidence, evidence);
}

TEST(TracingEvidence, AbsenceOfVariablesIsNone) {
  TracingEvidence evidence;
  evidence.AddEnviron(Joined({"HOME=/"}));
  EXPECT_EQ(evidence.Decide().tracing, TracingState::kUnknown);
}

TEST(TracingEvidence, NativeProgramWithoutAnSdkIsUntraced) {
  const Detection detection = Native(kNoSdk, {"HOME=/"});
  ExpectUntraced(detection, "none in it");
  EXPECT_FALSE(detection.is_switched_off);
}

TEST(TracingEvidence, SdkInTheProgramIsTraced) {
  ExpectTraced(Native(kSdk, {"HOME=/"}), "the SDK");
}

TEST(TracingEvidence, SettingTurnsOffTheSdkInTheProgram) {
  ExpectUntraced(Native(kSdk, {"OTEL_SDK_DISABLED=true"}), "OTEL_SDK_DISABLED");
  ExpectTraced(Native(kSdk, {"DD_TRACE_ENABLED=false"}), "the SDK");
}

// The SDK for Go does not know OTEL_SDK_DISABLED.
TEST(TracingEvidence, SettingThatTheProgramCannotHeedTurnsNothingOff) {
  ProgramSigns signs = kSdk;
  signs.unheeded = 1;
  ASSERT_STREQ(kSettings[0].variable, "OTEL_SDK_DISABLED");
  ExpectTraced(Native(signs, {"OTEL_SDK_DISABLED=true"}), "OTEL_");
  ExpectUntraced(Native(signs, {"OTEL_TRACES_SAMPLER=always_off"}),
                 "OTEL_TRACES_SAMPLER");
}

TEST(TracingEvidence, OverwrittenEnvironmentMayHaveTurnedOffTheSdk) {
  for (const Strings& environ :
       {Strings{}, Strings{"", "", ""}, Strings{"orders: worker [a=b]", ""},
        Strings{"aster", "HOME=/"}, Strings{"   "}}) {
    ExpectUnknown(Native(kSdk, environ), "overwritten its environment");
    ExpectUntraced(Native(kNoSdk, environ), "none in it");
  }
}

TEST(TracingEvidence, ConnectionToAnExportPortIsTraced) {
  const auto connect = [](TracingEvidence& evidence) {
    evidence.AddConnection();
  };
  const char* const evidence = "connection to an export port";
  ExpectTraced(Native({}, {"HOME=/"}, connect), evidence);
  ExpectTraced(Native(kNoSdk, {"HOME=/"}, connect), evidence);
  ExpectTraced(Native(kSdk, {}, connect), evidence);
}

// Metrics go there as well, and code may prevail over variables.
TEST(TracingEvidence, ConnectionOfAProcessThatIsToldNotToTraceIsUnknown) {
  ExpectUnknown(
      Native({}, {"OTEL_TRACES_EXPORTER=none"},
             [](TracingEvidence& evidence) { evidence.AddConnection(); }),
      "told not to trace");
}

TEST(TracingEvidence, ThreadOfAnSdkIsTracedUnlessToldOtherwise) {
  const auto add = [](TracingEvidence& evidence) {
    evidence.AddTracingThread();
  };
  ExpectTraced(Native({}, {"HOME=/"}, add), "thread of an SDK");
  // A sampler that takes nothing has the thread all the same.
  ExpectUntraced(Native({}, {"OTEL_TRACES_SAMPLER=always_off"}, add),
                 "OTEL_TRACES_SAMPLER");
}

// Of a process whose program is in /opt.
Detection WithMapped(const std::string& line, const char* executable) {
  TracingEvidence evidence;
  evidence.AddEnviron(Joined({"HOME=/"}));
  evidence.AddMaps(kMaps + line, executable);
  evidence.AddProgram(kNoSdk);
  return evidence.Decide();
}

TEST(TracingEvidence, ProgramOfARuntimeSaysNothingOfTheApplication) {
  for (const char* runtime :
       {"/usr/bin/python3.11", "/usr/bin/node", "/usr/bin/ruby3.1",
        "/usr/sbin/php-fpm8.2", "/usr/bin/perl", "/usr/bin/perl5.36.0",
        "/usr/lib/jvm/java-17/bin/java", "/usr/bin/dotnet",
        "/usr/lib/erlang/erts-13/bin/beam.smp", "/usr/bin/qemu-arm-static"}) {
    ExpectUnknown(WithMapped("", runtime), "interpreter or virtual machine");
  }
  for (const char* library :
       {"libpython3.11.so.1.0", "libnode.so.108", "libjvm.so", "libruby.so.3",
        "libperl.so.5.36", "libphp8.2.so", "libcoreclr.so", "liblua5.4.so.0"}) {
    ExpectUnknown(
        WithMapped("0-1 r--p 0 08:01 1 /usr/lib/" + std::string(library) + "\n",
                   kProgram),
        "interpreter or virtual machine");
  }
  ExpectUntraced(WithMapped("", kProgram), "none in it");
}

TEST(TracingEvidence, NamesThatOnlyBeginLikeARuntimeAreNone) {
  for (const std::string name : {"node_exporter", "pythia", "javelin", "Run"}) {
    TracingEvidence evidence;
    evidence.AddMaps("", "/usr/bin/" + name);
    EXPECT_FALSE(evidence.HasRuntime()) << name;
  }
}

TEST(TracingEvidence, LibraryFromElsewhereMayHoldAnything) {
  ExpectUnknown(
      WithMapped("0-1 r-xp 0 08:01 1 /opt/shop/libshop.so\n", kProgram),
      "libraries that are not those of the system");
  ExpectUnknown(WithMapped("0-1 r--p 0 08:01 1 /opt/shop/libshop.so\n"
                           "1-2 r-xp 0 08:01 1 /opt/shop/libshop.so\n",
                           kProgram),
                "libraries that are not those of the system");
  ExpectUnknown(
      WithMapped("0-1 r-xp 0 00:01 1 /memfd:jit (deleted)\n", kProgram),
      "libraries that are not those of the system");
  // Its own program, after an upgrade.
  ExpectUntraced(
      WithMapped("0-1 r-xp 0 08:01 1 /opt/shop/orders (deleted)\n", kProgram),
      "none in it");
  // The path of the program could not be read.
  ExpectUnknown(WithMapped("", ""), "libraries that are not those");
}

TEST(TracingEvidence, LibraryThatNamesTracingMayTrace) {
  ExpectUnknown(
      WithMapped("0-1 r--p 0 08:01 1 /usr/lib/libopentracing.so.1\n", kProgram),
      "may trace");
  ExpectUntraced(
      WithMapped("0-1 r--p 0 08:01 1 /usr/lib/hotels.so\n", kProgram),
      "none in it");
}

TEST(TracingEvidence, JarThatAJvmKeepsOpenIsASign) {
  TracingEvidence evidence;
  evidence.AddEnviron(Joined({"HOME=/"}));
  evidence.AddMaps("0-1 r-xp 0 08:01 1 /usr/lib/jvm/17/lib/libjvm.so\n",
                   "/usr/lib/jvm/17/bin/java");
  EXPECT_TRUE(evidence.HasJvm());
  evidence.AddOpenFile("/app/lib/opentelemetry-api-1.40.0.jar");
  EXPECT_EQ(evidence.Decide().tracing, TracingState::kUnknown);
  evidence.AddOpenFile("/app/lib/opentelemetry-sdk-trace-1.40.0.jar");
  ExpectTraced(evidence.Decide(), "opentelemetry-sdk-trace");
}

TEST(TracingEvidence, GarbageShowsNothing) {
  const std::string nuls(1000, '\0');
  const std::string title = "nginx: master process OTEL_SDK_DISABLED=true";
  const std::string bytes = "\xff\xfe=\x80\n=\n-javaagent:\n-D\n/\n";
  for (const std::string& garbage : {std::string(), nuls, title, bytes}) {
    TracingEvidence evidence;
    evidence.AddEnviron(garbage);
    evidence.AddArguments(garbage);
    evidence.AddMaps(garbage, garbage);
    EXPECT_EQ(evidence.Decide().tracing, TracingState::kUnknown);
  }
}

}  // namespace
}  // namespace resource_attribution::measures
