// A service that prices orders: one POST of JSON in, JSON out. A request is a span of the
// HTTP instrumentation, one of its steps and one for each item. Besides, the service does
// some work ten times a second, whatever its load. Without an SDK the API of OpenTelemetry
// does nothing.
//
// Prints the port that it listens on and ends with its standard input.
"use strict";

const { createHash } = require("node:crypto");
const http = require("node:http");
const { trace } = require("@opentelemetry/api");

const tracer = trace.getTracer("orders");

const currencies = { EUR: 1, USD: 1.08, JPY: 163.2 };

function priced(item, currency) {
  return tracer.startActiveSpan("price item", (span) => {
    const net = item.quantity * item.price * currencies[currency];
    const gross = Math.round(net * 119) / 100;
    span.setAttributes({
      "item.sku": item.sku,
      "item.name": item.name,
      "item.quantity": item.quantity,
      "item.price": item.price,
      "item.gross": gross,
      "item.tags": item.tags,
    });
    span.end();
    const name = item.name.trim().toLowerCase().replace(/\s+/g, "-");
    return { ...item, name, net: Math.round(net * 100) / 100, gross };
  });
}

function answer(body) {
  return tracer.startActiveSpan("price order", (span) => {
    const order = JSON.parse(body);
    const items = order.items
      .map((item) => priced(item, order.currency))
      .sort((one, other) => other.gross - one.gross);
    const total = items.reduce((sum, item) => sum + item.gross, 0);
    span.end();
    return JSON.stringify({ id: order.id, items, total });
  });
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = answer(Buffer.concat(parts).toString());
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Content-Length", Buffer.byteLength(body));
    response.end(body);
  });
});
// Idle connections stay open.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

const stock = Buffer.alloc(16 << 20);
setInterval(() => {
  createHash("sha256").update(stock).digest().copy(stock);
}, 100);
process.stdin.on("end", () => process.exit()).resume();
