"""A service that prices orders, as lab/truth/node/service.js does. With the argument
"sdk" it loads OpenTelemetry's SDK; without, only the API, which does nothing.

Prints the port that it listens on and ends with its standard input."""

import asyncio
import json
import math
import re
import socket
import sys

import uvicorn
import uvloop
from opentelemetry import trace

tracer = trace.get_tracer("orders")
SPACES = re.compile(r"\s+")
CURRENCIES = {"EUR": 1, "USD": 1.08, "JPY": 163.2}


def rounded(amount):
    """As Math.round of JavaScript: Python rounds half to even."""
    return math.floor(amount + 0.5) / 100


def priced(item, currency):
    net = item["quantity"] * item["price"] * CURRENCIES[currency]
    return {**item, "name": SPACES.sub("-", item["name"].strip().lower()),
            "net": rounded(net * 100), "gross": rounded(net * 119)}


async def answer(body):
    with tracer.start_as_current_span("parse order"):
        order = json.loads(body)
    with tracer.start_as_current_span("price order") as span:
        # Stands for a look-up in something that is not in the process.
        await asyncio.sleep(0)
        span.set_attribute("order.items", len(order["items"]))
        span.set_attribute("order.currency", order["currency"])
        items = sorted((priced(item, order["currency"]) for item in order["items"]),
                       key=lambda item: -item["gross"])
    with tracer.start_as_current_span("render order"):
        return json.dumps({
            "id": order["id"], "items": items,
            "total": sum(item["gross"] for item in items)}).encode()


async def application(scope, receive, send):
    """An ASGI application."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    reply = await answer(body)
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(reply)).encode())]})
    await send({"type": "http.response.body", "body": reply})


async def serve(app):
    listener = socket.create_server(("127.0.0.1", 0))
    # Else the kernel keeps the body back until the head is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(
        app, lifespan="off", access_log=False, log_level="warning",
        # Idle connections stay open.
        timeout_keep_alive=3600))
    serving = asyncio.create_task(server.serve([listener]))
    print(listener.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


app = application
if sys.argv[1:] == ["sdk"]:
    import tracing
    app = tracing.instrumented(application)
uvloop.run(serve(app))
