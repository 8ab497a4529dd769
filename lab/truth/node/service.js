// A service that prices orders: one POST of JSON in, JSON out. A request is
// four spans, that of the HTTP instrumentation included. Without an SDK the API
// of OpenTelemetry does nothing.
//
// Prints the port that it listens on and ends with its standard input.
"use strict";

const http = require("node:http");
const { trace } = require("@opentelemetry/api");

const tracer = trace.getTracer("orders");
const currencies = { EUR: 1, USD: 1.08, JPY: 163.2 };

function step(name, work) {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await work(span);
    } finally {
      span.end();
    }
  });
}

// Stands for a look-up in something that is not in the process.
function later() {
  return new Promise((resolve) => setImmediate(resolve));
}

function priced(item, currency) {
  const net = item.quantity * item.price * currencies[currency];
  return {
    ...item,
    name: item.name.trim().toLowerCase().replace(/\s+/g, "-"),
    net: Math.round(net * 100) / 100,
    gross: Math.round(net * 119) / 100,
  };
}

async function answer(body) {
  const order = await step("parse order", () => JSON.parse(body));
  const items = await step("price order", async (span) => {
    await later();
    span.setAttribute("order.items", order.items.length);
    span.setAttribute("order.currency", order.currency);
    return order.items
      .map((item) => priced(item, order.currency))
      .sort((one, other) => other.gross - one.gross);
  });
  return step("render order", () =>
    JSON.stringify({
      id: order.id,
      items,
      total: items.reduce((sum, item) => sum + item.gross, 0),
    }),
  );
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const body = await answer(Buffer.concat(parts).toString());
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Content-Length", Buffer.byteLength(body));
    response.end(body);
  });
});
// Idle connections stay open.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
