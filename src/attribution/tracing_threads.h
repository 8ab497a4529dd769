#ifndef RESOURCE_ATTRIBUTION_ATTRIBUTION_TRACING_THREADS_H_
#define RESOURCE_ATTRIBUTION_ATTRIBUTION_TRACING_THREADS_H_

#include <array>

namespace resource_attribution::attribution {

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
inline constexpr auto kTracingThreads = std::to_array<const char*>({
    // BatchSpanProcessor_WorkerThread-1; opentelemetry-java,
    // sdk/trace/…/BatchSpanProcessor.java
    R"(^BatchSpanProces$)",
    R"(^BatchSp\.\..*-\d+$)",
    // JaegerRemoteSampler_WorkerThread-1; opentelemetry-java,
    // sdk-extensions/jaeger-remote-sampler/…/JaegerRemoteSampler.java
    R"(^JaegerRemoteSam$)",
    R"(^JaegerR\.\..*-\d+$)",
    // OpenTelemetry.Traces.BatchProcessor; opentelemetry-rust,
    // opentelemetry-sdk/src/trace/span_processor.rs
    R"(^OpenTelemetry\.T$)",
    // OpenTelemetry-BatchExportProcessor-OtlpTraceExporter;
    // opentelemetry-dotnet, Internal/BatchExportThreadWorker.cs. Of exporters
    // of
    // logs the first 15 bytes are the same.
    R"(^OpenTelemetry-B$)",
    // OtelBatchSpanRecordProcessor, before OtelBatchSpanProcessor;
    // opentelemetry-python, sdk/_shared_internal/__init__.py
    R"(^OtelBatchSpan(Re|Pr)$)",

    // dd-trace-processor, dd-trace-monitor, dd-span-sampling-processor;
    // dd-trace-java, AgentThreadFactory.java
    R"(^dd-trace-(proces|monito)$)",
    R"(^dd-trac\.\..*(ssor|itor)$)",
    R"(^dd-span-samplin$)",
    R"(^dd-span\.\..*ssor$)",
    // ddtrace.internal.writer.writer:AgentWriter, now …:NativeWriter;
    // dd-trace-py, ddtrace/internal/_threads.cpp keeps what is behind the colon
    R"(^(Agent|Native)Writer$)",

    // The only senders of the agents below: metrics are among what they send.
    // elastic-apm-server-reporter; apm-agent-java, ApmServerReporter.java.
    // elastic-apm-server-healthcheck, which looks the same, ends soon.
    R"(^elastic-apm-ser$)",
    R"(^elastic\.\..*rter$)",
    // ElasticApmPayloadSenderV2; apm-agent-dotnet, PayloadSenderV2.cs
    R"(^ElasticApmPaylo$)",
    // eapm event processor thread; apm-agent-python, transport/base.py
    R"(^eapm event proc$)",
    // New Relic Harvest Service, New Relic Faster Harvest Service;
    // newrelic-java-agent, HarvestServiceImpl.java. Shortened in the later way
    // they look
    // like its other services, which are not for tracing.
    R"(^New Relic (Harve|Faste)$)",
    // New Relic Transaction Service Processor; TransactionService.java
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
    R"(^BatchItemProces$)",
    R"(^BatchIt\.\..*-\d+$)",
});

}  // namespace resource_attribution::attribution

#endif  // RESOURCE_ATTRIBUTION_ATTRIBUTION_TRACING_THREADS_H_
