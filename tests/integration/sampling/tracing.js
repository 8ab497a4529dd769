// Loaded before a service with --require. The endpoint of Jaeger's remote sampling, asked
// once a second, says which requests are traced; until its first answer, all are. The
// environment has that endpoint, and where traces go.
"use strict";

const { NodeSDK, tracing } = require("@opentelemetry/sdk-node");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const {
  OTLPTraceExporter,
} = require("@opentelemetry/exporter-trace-otlp-http");
const {
  JaegerRemoteSampler,
} = require("@opentelemetry/sampler-jaeger-remote");

new NodeSDK({
  instrumentations: [new HttpInstrumentation()],
  traceExporter: new OTLPTraceExporter(),
  sampler: new JaegerRemoteSampler({
    endpoint: process.env.SAMPLING_ENDPOINT,
    serviceName: process.env.OTEL_SERVICE_NAME,
    initialSampler: new tracing.AlwaysOnSampler(),
    // The option is spelled like this.
    poolingInterval: 1000,
  }),
}).start();
