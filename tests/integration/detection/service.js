// Configures the SDK in its code, as its documentation shows. With the argument
// "export" it ends a span, which goes to the port of a collector.
"use strict";

const { NodeSDK } = require("@opentelemetry/sdk-node");
const {
  OTLPTraceExporter,
} = require("@opentelemetry/exporter-trace-otlp-http");
const { trace } = require("@opentelemetry/api");

new NodeSDK({
  // The sink does not answer.
  traceExporter: new OTLPTraceExporter({ timeoutMillis: 600000 }),
}).start();
if (process.argv[2] === "export") {
  setInterval(() => {
    trace.getTracer("orders").startSpan("order").end();
  }, 100);
}
setInterval(() => {}, 1000);
