"""Serves what write_prometheus of many aggregators would serve, of as many hosts
as are wanted. The history of hours goes by in minutes: each scrape of an aggregator
gets the values of later minutes, until now."""

import http.server
import random
import threading
import time

import daemon

VARIANTS = 8  # Values come back after so many minutes.


def lines(hosts, blocks, recorded, chance):
    """What one aggregator serves, as collectd writes it. Memory of every other
    process and CPU of all change from variant to variant. `recorded`: with what
    the rules record of them first."""
    host_names = [f"host{number:04}-AGGR.example.net"
                  for number in range(hosts)]
    block_names = [f"service-{number:02}" for number in range(blocks)]
    values = {name: [] for name in daemon.TYPES}
    for _ in block_names:
        for number in range(hosts):
            memory = 4096 * (20000 + (chance.randrange(1000) if number % 2
                                      else number))
            values["process_memory_bytes"].append(memory)
            values["process_memory_peak_bytes"].append(4096 * (90000 + number))
            values["process_cpu_percent"].append(
                chance.randrange(600) / 60.0003)
            values["tracing_memory_overhead_bytes"].append(memory * 0.015)
            values["tracing_cpu_overhead_percent"].append(0.5)
    for name in daemon.TYPES:
        yield f"# TYPE {daemon.PREFIX}{name} gauge\n"
        places = ((block, host) for block in block_names for host in host_names)
        for (block, host), value in zip(places, values[name]):
            yield (f'{daemon.PREFIX}{name}{{resource_attribution="{block}",'
                   f'instance="{host}"}} {value:.15g} TIME_IN_MILLI\n')
            if recorded and "peak" not in name:
                yield (f'instance_process:{name}:sum{{process="{block}",'
                       f'instance="{host}"}} {value:.15g} TIME_IN_MILLI\n')


class Aggregator(http.server.ThreadingHTTPServer):
    """Serves the variants of `texts` in turn, of hosts with its number in their
    names, for so many minutes until now, some of them in each scrape."""

    daemon_threads = True

    def __init__(self, number, texts, minutes, scrape_minutes):
        self._number, self._texts = number, texts
        self._minutes, self._scrape_minutes = minutes, scrape_minutes
        self.minute = 0
        self.samples = scrape_minutes * texts[0].count(b"TIME_IN_MILLI")
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """At the end of a test the server ends in the middle of a scrape."""

    def is_done(self):
        return self.minute == self._minutes

    def text(self):
        """Nothing once it has served all minutes."""
        first = self.minute
        self.minute = min(self._minutes, first + self._scrape_minutes)
        return b"".join(map(self._text, range(first, self.minute)))

    def _text(self, minute):
        time_ = (time.time() - 60 * (self._minutes - 1 - minute)) * 1000
        return self._texts[minute % VARIANTS].replace(
            b"AGGR", b"%04d" % self._number).replace(
                b"TIME_IN_MILLI", b"%d" % time_)


class Handler(http.server.BaseHTTPRequestHandler):

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = self.server.text()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def start(test, aggregators, hosts, blocks, minutes, scrape_minutes=1,
          recorded=False):
    """They end with the test."""
    chance = random.Random(1)
    texts = ["".join(lines(hosts, blocks, recorded, chance)).encode()
             for _ in range(VARIANTS)]
    servers = [Aggregator(number, texts, minutes, scrape_minutes)
               for number in range(aggregators)]
    for server in servers:
        test.addCleanup(server.server_close)
        test.addCleanup(server.shutdown)
    return servers
