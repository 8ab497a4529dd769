"""Sends the same requests to several copies of a service, at a rate that does
not depend on how they answer.

    load.py PORT...

Each line of its input is a number of requests a second and copy, or "counts". It
answers both with the number of requests that each copy has answered so far, in JSON.
After "warm" and a number, requests for which a copy has no time yet are left out.
Ends with its input, and with an error if a copy does not keep up or its first answer is
wrong."""

import asyncio
import collections
import itertools
import json
import os
import re
import sys

import order

CONNECTIONS = 4
# Requests of a copy that wait for a connection.
MOST_WAITING = 200

BODY = json.dumps(order.ORDER).encode()
REQUEST = (b"POST /orders HTTP/1.1\r\nHost: localhost\r\n"
           b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
           % (len(BODY), BODY))
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def fail(text):
    """Ends the process, even if requests are under way."""
    print(f"load: {text}", file=sys.stderr, flush=True)
    os._exit(1)


class Copy:
    """A copy of the service, and the connections to it."""

    def __init__(self, port):
        self.port = port
        self.idle = collections.deque()
        self.waiting = 0
        self.answered = 0

    async def connect(self):
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, connection = await loop.create_connection(
                lambda: Connection(self), "127.0.0.1", self.port)
            self.idle.append(connection)

    def send(self, may_wait):
        if self.idle:
            self.idle.popleft().send()
        elif may_wait:
            self.waiting += 1
            if self.waiting > MOST_WAITING:
                fail(f"the copy at port {self.port} does not keep up")

    def was_answered(self, connection):
        self.answered += 1
        self.idle.append(connection)
        if self.waiting:
            self.waiting -= 1
            self.send(True)


class Connection(asyncio.Protocol):

    def __init__(self, copy):
        self.copy = copy
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        fail(f"the copy at port {self.copy.port} closed a connection: {error}")

    def send(self):
        self.transport.write(REQUEST)

    def data_received(self, data):
        self.buffer += data
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            fail(f"the copy at port {self.copy.port} answers {head!r}")
        length = int(LENGTH.search(head)[1])
        if len(body) == length:
            self.buffer = b""
            if not self.copy.answered and not order.is_right(body):
                fail(f"the copy at port {self.copy.port} answers {body!r}")
            self.copy.was_answered(self)


class Load:

    def __init__(self, copies):
        self.copies = copies
        self.rate = 0
        self.may_wait = True
        self.changed = asyncio.Event()

    def set_rate(self, line):
        self.may_wait = not line.startswith("warm ")
        self.rate = float(line.removeprefix("warm "))
        self.changed.set()

    async def run(self):
        """The copies take turns, so that none finds the CPUs busier."""
        loop = asyncio.get_running_loop()
        for copy in itertools.cycle(self.copies):
            if self.changed.is_set() or not self.rate:
                await self.changed.wait()
                self.changed.clear()
                next_time = loop.time()
            if self.rate:
                next_time += 1 / self.rate / len(self.copies)
                await asyncio.sleep(max(0, next_time - loop.time()))
                copy.send(self.may_wait)


async def main():
    copies = [Copy(int(port)) for port in sys.argv[1:]]
    for copy in copies:
        await copy.connect()
    load = Load(copies)
    running = asyncio.create_task(load.run())
    running.add_done_callback(lambda task: fail(f"{task}"))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        if line != "counts":
            load.set_rate(line)
        print(json.dumps([copy.answered for copy in copies]), flush=True)
    os._exit(0)


asyncio.run(main())
