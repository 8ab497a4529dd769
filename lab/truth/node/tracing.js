// Loaded before a service with --require. Where traces go, and whether any are
// made, is in the environment, as OpenTelemetry's SDKs read it.
"use strict";

const { NodeSDK } = require("@opentelemetry/sdk-node");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const {
  OTLPTraceExporter,
} = require("@opentelemetry/exporter-trace-otlp-http");

new NodeSDK({
  instrumentations: [new HttpInstrumentation()],
  traceExporter: new OTLPTraceExporter(),
}).start();
