"""Takes what an OTLP exporter sends over HTTP, as JSON or as protobuf, and counts the
bytes of the TCP streams and the spans of each service.

Prints the port that it listens on. Answers each line of its input with what it has
counted, in JSON. Ends with its input."""

import asyncio
import collections
import json
import re
import sys
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest)

REPLY = (b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"
         b"Content-Length: %d\r\n\r\n%b")
JSON, PROTOBUF = b"application/json", b"application/x-protobuf"


def spans_of_json(body):
    """[(service, number of spans)]"""
    for resource in json.loads(body)["resourceSpans"]:
        [name] = [one["value"]["stringValue"] for one in
                  resource["resource"]["attributes"] if one["key"] == "service.name"]
        yield name, sum(len(scope["spans"]) for scope in resource["scopeSpans"])


def spans_of_protobuf(body):
    """[(service, number of spans)]"""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        [name] = [one.value.string_value for one in resource.resource.attributes
                  if one.key == "service.name"]
        yield name, sum(len(scope.spans) for scope in resource.scope_spans)


def field(head, name):
    found = re.search(rb"(?im)^%b: *([^\r]*)" % name, head)
    return found[1] if found else None


def without_chunks(text):
    """The body that came in chunks and what follows it, or None if it is not whole."""
    body = b""
    while True:
        size, mark, text = text.partition(b"\r\n")
        if not mark:
            return None
        length = int(size, 16)
        if len(text) < length + 2:
            return None
        body += text[:length]
        text = text[length + 2:]
        if length == 0:
            return body, text


class Sink:

    def __init__(self):
        self.requests = 0
        self.connections = 0
        self.spans = collections.Counter()  # by service
        self.received = self.sent = 0
        self.history = []  # (time, bytes received, bytes sent) until then

    def counts(self):
        """All counts since the start, and the history since the last call."""
        history, self.history = self.history, []
        return {"requests": self.requests, "connections": self.connections,
                "spans": self.spans, "received": self.received, "sent": self.sent,
                "history": history}


class Connection(asyncio.Protocol):

    def __init__(self, sink):
        self.sink = sink
        self.buffer = b""
        sink.connections += 1

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.sink.received += len(data)
        self.buffer += data
        while request := self.take_request():
            reply = self.answer(*request)
            self.transport.write(reply)
            self.sink.sent += len(reply)
        self.sink.history.append((time.time(), self.sink.received,
                                  self.sink.sent))

    def take_request(self):
        """The head and the body of a request that is whole, or None."""
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return None
        if field(head, b"transfer-encoding") == b"chunked":
            whole = without_chunks(rest)
            if not whole:
                return None
            body, self.buffer = whole
        else:
            length = int(field(head, b"content-length"))
            if len(rest) < length:
                return None
            body, self.buffer = rest[:length], rest[length:]
        return head, body

    def answer(self, head, body):
        is_json = field(head, b"content-type").startswith(JSON)
        for name, spans in (spans_of_json if is_json else spans_of_protobuf)(body):
            self.sink.spans[name] += spans
        self.sink.requests += 1
        # A message without fields has no bytes in protobuf.
        return REPLY % ((JSON, 2, b"{}") if is_json else (PROTOBUF, 0, b""))


async def main():
    sink = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines),
                                 sys.stdin)
    while await lines.readline():
        print(json.dumps(sink.counts()), flush=True)


asyncio.run(main())
