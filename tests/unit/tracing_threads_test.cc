#include <gtest/gtest.h>
#include <pthread.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <string>
#include <thread>

#include "measures/known_tracers.h"
#include "proc_tree.h"

namespace resource_attribution::measures {
namespace {

bool IsOfTracing(const std::string& name) {
  return std::ranges::any_of(kTracingThreads, [&name](const char* expression) {
    return RE2::PartialMatch(name, expression);
  });
}

std::string CutByKernel(const std::string& name) { return name.substr(0, 15); }

// As later versions of HotSpot do, see JDK-8368124.
std::string CutByHotSpot(const std::string& name) {
  if (name.size() <= 15) return name;
  return name.substr(0, 7) + ".." + name.substr(name.size() - 6);
}

TEST(TracingThreads, ExpressionsAreValid) {
  for (const char* expression : kTracingThreads) {
    const RE2 compiled(expression, RE2::Quiet);
    EXPECT_TRUE(compiled.ok()) << expression << ": " << compiled.error();
  }
}

TEST(TracingThreads, ThoseOfSdksAndAgentsAreKnown) {
  for (const std::string name : {
           "BatchSpanProcessor_WorkerThread-1",
           "BatchSpanProcessor_WorkerThread-12",
           "JaegerRemoteSampler_WorkerThread-1",
           "OpenTelemetry.Traces.BatchProcessor",
           "OpenTelemetry-BatchExportProcessor-OtlpTraceExporter",
           "OtelBatchSpanRecordProcessor",
           "OtelBatchSpanProcessor",
           "dd-trace-processor",
           "dd-trace-monitor",
           "dd-span-sampling-processor",
           "AgentWriter",
           "NativeWriter",
           "elastic-apm-server-reporter",
           "ElasticApmPayloadSenderV2",
           "eapm event processor thread",
           "New Relic Harvest Service",
           "New Relic Faster Harvest Service",
           "New Relic Transaction Service Processor",
           "New Relic Infinite Tracing #1",
           "NR-Harvest-Thread",
           "NR-StreamingRpc-process-responses",
           "DataCarrier.DEFAULT.Consumer.0.Thread",
           "BatchItemProcessor_WorkerThread-1",
       }) {
    EXPECT_TRUE(IsOfTracing(CutByKernel(name))) << CutByKernel(name);
  }
}

TEST(TracingThreads, ThoseOfTheJvmAreKnownByBothEnds) {
  for (const std::string name : {
           "BatchSpanProcessor_WorkerThread-1",
           "BatchSpanProcessor_WorkerThread-12",
           "JaegerRemoteSampler_WorkerThread-1",
           "dd-trace-processor",
           "dd-trace-monitor",
           "dd-span-sampling-processor",
           "elastic-apm-server-reporter",
           "New Relic Transaction Service Processor",
           "New Relic Transaction Service Processor 2",
           "New Relic Infinite Tracing #1",
           "DataCarrier.DEFAULT.Consumer.0.Thread",
           "BatchItemProcessor_WorkerThread-1",
       }) {
    EXPECT_TRUE(IsOfTracing(CutByHotSpot(name))) << CutByHotSpot(name);
  }
}

TEST(TracingThreads, OthersAreNot) {
  for (const std::string name : {
           "",
           "java",
           "main",
           "tokio-runtime-worker",
           "C2 CompilerThread0",
           "BatchLogRecordProcessor_WorkerThread-1",
           "PeriodicMetricReader-1",
           "prometheus-http-server-1",
           "okhttp-dispatch-1",
           "BatchSize-1",
           "BatchScheduler-worker-1",
           "MyBatchSpanProcessor",
           "OpenTelemetry.Metrics.PeriodicReader",
           "OpenTelemetry.Logs.BatchProcessor",
           "OpenTelemetry-PeriodicExportingMetricReader-X",
           "OtelBatchLogRecordProcessor",
           "OtelPeriodicExportingMetricReader",
           "OtelBatchSpan",
           "dd-task-scheduler",
           "dd-telemetry",
           "dd-remote-config",
           "dd-profiler-recording-scheduler",
           "dd-otlp-metrics-exporter",
           "dd-jmx-collector",
           "dd-tracer-flare",
           "AgentWriterX",
           "elastic-apm-remote-config-poller",
           "elastic-apm-shared",
           "ElasticApmCentralConfigurationFetcher",
           "eapm metrics collect timer",
           "New Relic JFR Service",
           "New Relic Sampler Service",
           "New Relic Deadlock Detector",
           "NR-Profiler-Thread",
           "NR-Activate-Session/x",
           "SkywalkingAgent-1-JVMService-produce-0",
       }) {
    EXPECT_FALSE(IsOfTracing(CutByKernel(name))) << CutByKernel(name);
    EXPECT_FALSE(IsOfTracing(CutByHotSpot(name))) << CutByHotSpot(name);
  }
}

TEST(TracingThreads, KernelShowsTheirNames) {
  std::promise<pid_t> named;
  std::promise<void> read;
  std::thread thread([&] {
    const std::string name = CutByKernel("OpenTelemetry.Traces.BatchProcessor");
    EXPECT_EQ(pthread_setname_np(pthread_self(), name.c_str()), 0);
    named.set_value(gettid());
    read.get_future().wait();
  });
  const std::string task =
      "/proc/self/task/" + std::to_string(named.get_future().get());
  std::string comm = ContentOf(task + "/comm");
  read.set_value();
  thread.join();
  ASSERT_TRUE(comm.ends_with('\n'));
  comm.pop_back();
  EXPECT_TRUE(IsOfTracing(comm)) << comm;
}

}  // namespace
}  // namespace resource_attribution::measures
