#include "measures/tracing_detection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "child_process.h"
#include "proc_tree.h"

namespace resource_attribution::measures {

void PrintTo(Tracing tracing, std::ostream* out) {
  *out << (tracing == Tracing::kOn    ? "on"
           : tracing == Tracing::kOff ? "off"
                                      : "absent");
}

namespace {

using procfs::Process;
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
  Tracing tracing = Tracing::kAbsent;
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
  return DetectTracing(Joined(shown.environ), Joined(shown.arguments), maps);
}

class Shown : public testing::TestWithParam<Case> {};

TEST_P(Shown, Decides) {
  const Detection detection = Detect(GetParam());
  EXPECT_EQ(detection.tracing, GetParam().tracing);
  EXPECT_EQ(detection.evidence, GetParam().evidence);
}

Case On(Strings environ, const std::string& evidence) {
  return {.environ = std::move(environ),
          .tracing = Tracing::kOn,
          .evidence = evidence};
}

Case Off(Strings environ, const std::string& evidence) {
  return {.environ = std::move(environ),
          .tracing = Tracing::kOff,
          .evidence = evidence};
}

Case Absent(Strings environ) { return {.environ = std::move(environ)}; }

Case OnBy(Strings arguments, const std::string& evidence) {
  return {.arguments = std::move(arguments),
          .tracing = Tracing::kOn,
          .evidence = evidence};
}

Case AbsentBy(Strings arguments) { return {.arguments = std::move(arguments)}; }

Case Mapped(const std::string& file, const std::string& evidence) {
  return {.mapped = file,
          .tracing = evidence.empty() ? Tracing::kAbsent : Tracing::kOn,
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
        Absent({"X=OTEL_SDK_DISABLED=true"}), Absent({"OTEL_SDK_DISABLED"}),
        Absent({"OTEL_SDK_DISABLED="}), Absent({"OTEL_SERVICE_NAME= "}),
        Absent({"otel_sdk_disabled=true"}), Absent({"XOTEL_SERVICE_NAME=a"})));

INSTANTIATE_TEST_SUITE_P(
    FirstOfOneNameCounts, Shown,
    testing::Values(
        Off({"OTEL_SDK_DISABLED=true", "OTEL_SDK_DISABLED=false"},
            "OTEL_SDK_DISABLED"),
        On({"OTEL_SDK_DISABLED=false", "OTEL_SDK_DISABLED=true"}, "OTEL_"),
        Absent({"NODE_OPTIONS=", "NODE_OPTIONS=-r dd-trace/init"}),
        Absent({"JAVA_TOOL_OPTIONS=",
                "JAVA_TOOL_OPTIONS=-javaagent:/opentelemetry-javaagent.jar"}),
        Absent({"CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}",
                "CORECLR_ENABLE_PROFILING=0", "CORECLR_ENABLE_PROFILING=1"}),
        Absent({"CORECLR_PROFILER={}", "CORECLR_ENABLE_PROFILING=1",
                "CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}"})));

INSTANTIATE_TEST_SUITE_P(
    VariablesOfAgents, Shown,
    testing::Values(
        On({"OTEL_SERVICE_NAME=checkout"}, "OTEL_"),
        On({"OTEL_EXPORTER_OTLP_ENDPOINT=http://x:4317"}, "OTEL_"),
        On({"DD_TRACE_AGENT_URL=http://x"}, "DD_TRACE_"),
        Absent({"DD_AGENT_HOST=x"}), Absent({"DD_ENV=prod"}),
        On({"ELASTIC_APM_SERVER_URL=http://x"}, "ELASTIC_APM_"),
        Absent({"ELASTIC_PASSWORD=x"}),
        On({"NEW_RELIC_LICENSE_KEY=x"}, "NEW_RELIC_"),
        Absent({"NRIA_LICENSE_KEY=x"}), On({"SW_AGENT_NAME=x"}, "SW_AGENT_"),
        Absent({"SW_STORAGE=x"}),
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
        Absent({"NODE_OPTIONS=-r /opt/hotel/app.js"}),
        Absent({"NODE_OPTION=-r newrelic"}),
        On({"RUBYOPT=-r opentelemetry-auto-instrumentation"}, "RUBYOPT"),
        On({"RUBYOPT=-W0 -ropentelemetry-auto-instrumentation"}, "RUBYOPT"),
        Absent({"RUBYOPT=-rbundler/setup"}),
        On({"DOTNET_STARTUP_HOOKS=/opt/net/"
            "OpenTelemetry.AutoInstrumentation.StartupHook.dll"},
           "DOTNET_STARTUP_HOOKS"),
        Absent({"DOTNET_STARTUP_HOOKS=/opt/net/Hook.dll"}),
        On({"PYTHONPATH=/otel-auto-instrumentation-python/opentelemetry/"
            "instrumentation/auto_instrumentation:/app"},
           "PYTHONPATH"),
        On({"PYTHONPATH=/usr/lib/python3/dist-packages/ddtrace/bootstrap"},
           "PYTHONPATH"),
        On({"PYTHONPATH=/v/site-packages/newrelic/bootstrap"}, "PYTHONPATH"),
        On({"PYTHONPATH=/v/elasticapm/instrumentation/wrapper"}, "PYTHONPATH"),
        Absent({"PYTHONPATH=/src/opentelemetry:/src/ddtrace"}),
        On({"LD_PRELOAD=/usr/lib/opentelemetry/libotelinject.so"},
           "LD_PRELOAD"),
        On({"LD_PRELOAD=libfoo.so:/usr/lib/splunk-instrumentation/"
            "libsplunk.so"},
           "LD_PRELOAD"),
        On({"LD_PRELOAD=/opt/datadog-packages/datadog-apm-inject/stable/"
            "inject/launcher.preload.so"},
           "LD_PRELOAD"),
        Absent({"LD_PRELOAD=/usr/lib/libjemalloc.so"}),
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
        Absent({"CORECLR_ENABLE_PROFILING=1",
                "CORECLR_PROFILER={00000000-0000-0000-0000-000000000000}"}),
        Absent({"CORECLR_PROFILER={918728DD-259F-4A6A-AC2B-B85E1B658318}"})));

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
        AbsentBy({"java", "-javaagent:/opt/hotel/jmx.jar", "Main"}),
        AbsentBy({"java", "-javaagent:/jmx.jar=9404:/etc/otel/jmx.yml", "M"}),
        AbsentBy({"java", "-jar", "newrelic.jar"}),
        AbsentBy({"java", "-jar", "a.jar", "-Dotel.service.name=x"}),
        AbsentBy({"sh", "-c", "java -javaagent:/opentelemetry-javaagent.jar"}),
        AbsentBy({"java", "-Dotelx=1", "-Dotel", "-D", "-D=false", "Main"})));

Case Java(Strings environ, Strings options, Tracing tracing,
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
        Java({}, {"-Dotel.sdk.disabled=true"}, Tracing::kOff,
             "otel.sdk.disabled"),
        Java({}, {"-Dotel.traces.exporter=none"}, Tracing::kOff,
             "otel.traces.exporter"),
        Java({}, {"-Dotel.traces.sampler=always_off"}, Tracing::kOff,
             "otel.traces.sampler"),
        Java({}, {"-Dotel.javaagent.enabled=false"}, Tracing::kOff,
             "otel.javaagent.enabled"),
        Java({"OTEL_TRACES_SAMPLER=traceidratio"},
             {"-Dotel.traces.sampler.arg=0.0"}, Tracing::kOff,
             "otel.traces.sampler.arg"),
        Java({"OTEL_SDK_DISABLED=true"}, {"-Dotel.sdk.disabled=false"},
             Tracing::kOn, "OTEL_"),
        Java({"OTEL_SDK_DISABLED=false"}, {"-Dotel.sdk.disabled=true"},
             Tracing::kOff, "otel.sdk.disabled"),
        Java({}, {"-Dotel.sdk.disabled=true", "-Dotel.sdk.disabled=false"},
             Tracing::kOn, "command line"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true"}, {}, Tracing::kOff,
             "otel.sdk.disabled"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true",
              "OTEL_SDK_DISABLED=false"},
             {}, Tracing::kOff, "otel.sdk.disabled"),
        Java({"JAVA_TOOL_OPTIONS=-Dotel.sdk.disabled=true"},
             {"-Dotel.sdk.disabled=false"}, Tracing::kOn, "otel."),
        Java({"_JAVA_OPTIONS=-Dotel.sdk.disabled=true"},
             {"-Dotel.sdk.disabled=false"}, Tracing::kOff, "otel.sdk.disabled"),
        Java({"OTEL_SDK_DISABLED=true"}, {"-Dotel.config.file=o.yaml"},
             Tracing::kOn, "OTEL_"),
        Java({}, {"-jar", "a.jar", "-Dotel.sdk.disabled=true"}, Tracing::kOn,
             "command line"),
        Case{.arguments = {"java", "-javaagent:dd-java-agent.jar",
                           "-Ddd.trace.enabled=false"},
             .tracing = Tracing::kOff,
             .evidence = "dd.trace.enabled"},
        Case{.arguments = {"java", "-javaagent:elastic-apm-agent.jar",
                           "-Delastic.apm.recording=false"},
             .tracing = Tracing::kOff,
             .evidence = "elastic.apm.recording"},
        Case{.arguments = {"java", "-javaagent:newrelic.jar",
                           "-Dnewrelic.config.agent_enabled=false"},
             .tracing = Tracing::kOff,
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
        AbsentBy({"python", "x.py", "ddtrace-run"}),
        AbsentBy({"ddtrace-runner"}),
        OnBy({"/usr/bin/node", "--require", "@opentelemetry/x/register", "a"},
             "command line"),
        OnBy({"node", "--import=dd-trace/register.js", "a.js"}, "command line"),
        OnBy({"node", "--experimental-loader=newrelic/esm-loader.mjs", "-r",
              "newrelic", "a.js"},
             "command line"),
        OnBy({"ruby", "-ropentelemetry-auto-instrumentation", "a.rb"},
             "command line"),
        AbsentBy({"node", "newrelic.js"}),
        AbsentBy({"cp", "-r", "/src/opentelemetry", "/dst"}),
        AbsentBy({"nginx: worker process"}), AbsentBy({""}), AbsentBy({})));

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
             .tracing = Tracing::kOn,
             .evidence = "ddtrace"},
        Case{.environ = {"OTEL_SDK_DISABLED=true"},
             .mapped = "/usr/lib/libopentelemetry_trace.so",
             .tracing = Tracing::kOff,
             .evidence = "OTEL_SDK_DISABLED"},
        Off({"OTEL_SDK_DISABLED=true", "NODE_OPTIONS=-r dd-trace/init",
             "DD_TRACE_ENABLED=false"},
            "OTEL_SDK_DISABLED")));

TEST(TracingDetection, GarbageShowsNothing) {
  EXPECT_EQ(DetectTracing("", "", "").tracing, Tracing::kAbsent);
  const std::string nuls(1000, '\0');
  EXPECT_EQ(DetectTracing(nuls, nuls, nuls).tracing, Tracing::kAbsent);
  const std::string title = "nginx: master process OTEL_SDK_DISABLED=true";
  EXPECT_EQ(DetectTracing(title, title, title).tracing, Tracing::kAbsent);
  const std::string bytes = "\xff\xfe=\x80\n=\n-javaagent:\n-D\n/\n";
  EXPECT_EQ(DetectTracing(bytes, bytes, bytes).tracing, Tracing::kAbsent);
}

class TracingDetectionTest : public testing::Test {
 protected:
  // What comes of `sleep` with these variables alone.
  procfs::Result<Detection> DetectWith(const Strings& environ) {
    ChildProcess child({[] {},
                        [&] {
                          clearenv();
                          for (const std::string& variable : environ) {
                            putenv(strdup(variable.c_str()));
                          }
                          execl("/bin/sleep", "sleep", "1000", nullptr);
                          _exit(1);
                        }});
    child.Next();
    return DetectTracing(*Process::Open(proc_.get(), child.pid()), buffer_);
  }

  procfs::FileDescriptor proc_{open("/proc", O_RDONLY | O_DIRECTORY)};
  procfs::Buffer buffer_;
};

TEST_F(TracingDetectionTest, ProgramsAreToldByTheirEnvironment) {
  const auto on = DetectWith({"HOME=/", "OTEL_SERVICE_NAME=checkout"});
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, Tracing::kOn);
  EXPECT_STREQ(on->evidence, "OTEL_");

  const auto off =
      DetectWith({"OTEL_SERVICE_NAME=checkout", "OTEL_SDK_DISABLED=true"});
  ASSERT_TRUE(off) << off.error().Message();
  EXPECT_EQ(off->tracing, Tracing::kOff);
  EXPECT_STREQ(off->evidence, "OTEL_SDK_DISABLED");

  const auto absent = DetectWith({"HOME=/"});
  ASSERT_TRUE(absent) << absent.error().Message();
  EXPECT_EQ(absent->tracing, Tracing::kAbsent);
  EXPECT_STREQ(absent->evidence, "");

  const auto empty = DetectWith({});
  ASSERT_TRUE(empty) << empty.error().Message();
  EXPECT_EQ(empty->tracing, Tracing::kAbsent);
}

TEST_F(TracingDetectionTest, ProgramsAreToldByWhatTheyMapped) {
  const TemporaryDirectory directory;
  const auto library = directory.path() / "libopentelemetry_trace.so";
  Write(library, "x");
  const ChildProcess child({[&] {
    const int fd = open(library.c_str(), O_RDONLY);
    if (mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) {
      _exit(1);
    }
  }});
  const auto detection =
      DetectTracing(*Process::Open(proc_.get(), child.pid()), buffer_);
  ASSERT_TRUE(detection) << detection.error().Message();
  EXPECT_EQ(detection->tracing, Tracing::kOn);
  EXPECT_STREQ(detection->evidence, "libopentelemetry_trace.so");
}

TEST_F(TracingDetectionTest, NothingOfTheEnvironmentIsLeft) {
  // Behind what the command line overwrites.
  ASSERT_TRUE(DetectWith({"OTEL_SERVICE_NAME=checkout", "PASSWORD=fa7e7d"}));
  const std::string_view left(buffer_.data(), buffer_.size());
  EXPECT_EQ(left.find("fa7e7d"), std::string_view::npos);
}

TEST_F(TracingDetectionTest, ProcessesOfOthersCannotBeTold) {
  if (geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(3);
    const auto parent = Process::Open(proc_.get(), getppid());
    if (!parent) _exit(4);
    const auto detection = DetectTracing(*parent, buffer_);
    _exit(!detection && detection.error().system_error == EACCES ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A process whose files are what the test wrote.
class TracingDetectionFixture : public TracingDetectionTest {
 protected:
  TracingDetectionFixture() {
    tree_.Put({.pid = 5});
    Write(tree_.path() + "/5/environ", "");
    Write(tree_.path() + "/5/maps", "");
  }

  procfs::Result<Detection> Detect() {
    const procfs::FileDescriptor root(
        open(tree_.path().c_str(), O_RDONLY | O_DIRECTORY));
    return DetectTracing(*Process::Open(root.get(), 5), buffer_);
  }

  ProcTree tree_;
};

TEST_F(TracingDetectionFixture, EnvironmentThatIsTooLargeCannotBeTold) {
  const std::string large(2 << 20, 'x');
  Write(tree_.path() + "/5/environ", large);
  const auto cut = Detect();
  ASSERT_FALSE(cut);
  EXPECT_STREQ(cut.error().file, "/proc/PID/environ");
  EXPECT_EQ(cut.error().system_error, EFBIG);

  Write(tree_.path() + "/5/environ", "OTEL_SERVICE_NAME=a" + ('\0' + large));
  const auto on = Detect();
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, Tracing::kOn);
}

TEST_F(TracingDetectionFixture, MapsThatAreTooLargeCannotBeTold) {
  const std::string large(5 << 20, '\n');
  Write(tree_.path() + "/5/maps", large);
  const auto cut = Detect();
  ASSERT_FALSE(cut);
  EXPECT_STREQ(cut.error().file, "/proc/PID/maps");
  EXPECT_EQ(cut.error().system_error, EFBIG);

  Write(tree_.path() + "/5/maps", "0-1 r 0 0:0 1 /dd-java-agent.jar\n" + large);
  const auto on = Detect();
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, Tracing::kOn);
}

TEST_F(TracingDetectionFixture, MapsAreNotReadWhereTheEnvironmentShowsTracing) {
  const FileAccess maps(tree_.path() + "/5/maps");
  Write(tree_.path() + "/5/environ", "OTEL_SERVICE_NAME=a");
  ASSERT_TRUE(Detect());
  EXPECT_FALSE(maps.Happened());
  Write(tree_.path() + "/5/environ", "");
  ASSERT_TRUE(Detect());
  EXPECT_TRUE(maps.Happened());
}

TEST_F(TracingDetectionFixture, ProcessThatIsGoneCannotBeTold) {
  std::filesystem::remove(tree_.path() + "/5/environ");
  const auto gone = Detect();
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().Gone());
}

}  // namespace
}  // namespace resource_attribution::measures
