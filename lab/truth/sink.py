"""Takes what an OTLP exporter sends over HTTP, and counts the bytes of the TCP streams.
Prints the port that it listens on. Answers each line of its input with what it has
counted, in JSON. Ends with its input."""

import asyncio
import json
import re
import sys
import time

REPLY = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
         b"Content-Length: 2\r\n\r\n{}")


class Sink:

    def __init__(self):
        self.connections = []
        self.requests = 0
        self.spans = 0
        self.received = self.sent = 0
        self.history = []  # (time, bytes received, bytes sent) until then

    def counts(self):
        """All counts since the start, and the history since the last call."""
        history, self.history = self.history, []
        return {"requests": self.requests, "spans": self.spans,
                "received": self.received, "sent": self.sent,
                "connections": [(one.received, one.sent)
                                for one in self.connections],
                "history": history}


class Connection(asyncio.Protocol):

    def __init__(self, sink):
        self.sink = sink
        self.received = self.sent = 0
        self.buffer = b""
        sink.connections.append(self)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += len(data)
        self.sink.received += len(data)
        self.buffer += data
        while self.take_request():
            self.transport.write(REPLY)
            self.sent += len(REPLY)
            self.sink.sent += len(REPLY)
        self.sink.history.append((time.time(), self.sink.received,
                                  self.sink.sent))

    def take_request(self):
        """Whether there was a whole request."""
        head, mark, rest = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return False
        if re.search(rb"(?i)^transfer-encoding: chunked\r?$", head, re.M):
            body, mark, rest = rest.partition(b"0\r\n\r\n")
            if not mark:
                return False
        else:
            length = int(re.search(rb"(?i)^content-length: (\d+)", head,
                                   re.M)[1])
            if len(rest) < length:
                return False
            body, rest = rest[:length], rest[length:]
        self.buffer = rest
        self.sink.requests += 1
        self.sink.spans += body.count(b'"spanId"')
        return True


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
