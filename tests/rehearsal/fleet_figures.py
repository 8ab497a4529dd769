"""Measures what a fleet costs: a host, an aggregator, Prometheus and
VictoriaMetrics, by their size. Prints the tables that
docs/evidence/fleet.md keeps, which says more."""

import argparse
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import daemon
import fleet_server
import network_values
import prometheus
import victoria_metrics

BLOCKS = 10
INTERVAL = 60  # Seconds.
BLOCK_NAMES = [f"service-{number:02}" for number in range(BLOCKS)]
MEMORY = "collectd_resource_attribution_process_memory_bytes{"
# Minutes of history in Prometheus: the last chunk of a series then has half of
# its 120 samples, as it has on average.
MINUTES = 55
# A day, for the rules that look back so far.
DAY = 24 * 60 - 10
SCRAPE_MINUTES = 20  # of it in each scrape
begin = time.monotonic()


def say(text):
    minutes, seconds = divmod(int(time.monotonic() - begin), 60)
    print(f"{minutes:2}:{seconds:02}  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def run():
    """A directory for programs, which end with it."""
    test = daemon.TestCase()
    try:
        test.setUp()
        yield test
    finally:
        test.doCleanups()


def fetch(port):
    """Text of /metrics and the seconds that it took."""
    started = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        text = reply.read().decode()
    return text, time.monotonic() - started


def metric(port, name):
    """The value of a metric without labels of a program about itself."""
    return float(re.search(rf"^{name} (\S+)", fetch(port)[0], re.MULTILINE)[1])


def wait(condition):
    while not condition():
        time.sleep(0.2)


class Aggregator:
    """collectd with aggregator.conf, and hosts that send to it."""

    def __init__(self, test):
        port = daemon.free_port(socket.SOCK_DGRAM)
        passwords = test.directory / "network.passwd"
        passwords.write_text(daemon.shipped(
            "deploy/collectd/network.passwd",
            {"#hosts: PASSWORD": "hosts: secret"}))
        self.collectd = test.collectd(daemon.shipped(
            "deploy/collectd/aggregator.conf", {
                "0.0.0.0": "127.0.0.1",
                "25826": port,
                "9103": "@PORT@",
                "/etc/collectd/network.passwd": passwords,
                "/usr/share/collectd/resource_attribution_types.db":
                    daemon.SOURCE_DIR / "plugin/types.db",
            }), writer=False, hostname="aggregator", interval=10,
            plugins=["network"]).start()
        self.encoder = network_values.Encoder("hosts", "secret", INTERVAL)
        self.socket = test.enterContext(socket.socket(type=socket.SOCK_DGRAM))
        self.socket.connect(("127.0.0.1", port))
        self.octets = 0

    def cpu(self):
        return daemon.cpu_seconds(self.collectd.process.pid)

    def resident(self):
        return daemon.status_kb(self.collectd.process.pid, "VmRSS") / 1024

    def receive(self, hosts, blocks, seconds):
        """CPU seconds of the aggregator for an interval of all hosts, which
        send one after the other within these seconds."""
        before, started = self.cpu(), time.monotonic()
        for number in range(hosts):
            time.sleep(max(0, started + number * seconds / hosts
                           - time.monotonic()))
            for packet in self.encoder.packets(
                    f"host{number:04}-0000.example.net", BLOCK_NAMES[:blocks],
                    time.time(), 81920000 + number):
                self.socket.send(packet)
        # Over once it is idle, which takes it less than two ticks a second.
        last = -1
        while (now := self.cpu()) - last > 0.02:
            last = now
            time.sleep(1)
        return now - before


def measure_aggregator(hosts, blocks):
    with run() as test:
        aggregator = Aggregator(test)
        first = aggregator.receive(hosts, blocks, hosts / 100)
        cpu = min(aggregator.receive(hosts, blocks, 10) for _ in range(3))
        before = aggregator.cpu()
        scrapes = [fetch(aggregator.collectd.port) for _ in range(5)]
        scrape_cpu = (aggregator.cpu() - before) / len(scrapes)
        text, duration = min(scrapes, key=lambda scrape: scrape[1])
        assert text.count(MEMORY) == hosts * blocks, "values were lost"
        say(f"aggregator, {hosts} hosts of {blocks} blocks: the first values "
            f"took {first:.1f} s")
        return (f"| {hosts:,} × {blocks} | {5 * hosts * blocks:,} | {first:.1f} "
                f"| {cpu / hosts * 1e3:.2f} | {aggregator.resident():.0f} "
                f"| {len(text) / 1e6:.1f} | {scrape_cpu:.3f} "
                f"| {duration:.2f} |")


def measure_host():
    """What one real host sends in an interval, and a scrape of it."""
    with run() as test:
        receiver = test.enterContext(socket.socket(type=socket.SOCK_DGRAM))
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(daemon.PATIENCE)
        blocks = "".join(f'<Process "{name}">\nSelf true\n</Process>\n'
                         for name in BLOCK_NAMES)
        agent = daemon.shipped("deploy/collectd/agent.conf", {
            "aggregator.example": "127.0.0.1",
            "25826": receiver.getsockname()[1],
            "FlushInterval 5": "FlushInterval 1",
        })
        collectd = test.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 2
              {blocks}
            </Plugin>
            {agent}""", interval=2, hostname="host0000-0000.example.net",
            plugins=["network"]).start()
        # The first two are of the first reading, which has no CPU.
        packets = [len(receiver.recv(65536)) for _ in range(4)][2:]
        return (f"{len(packets)} packets, {sum(packets):,} bytes without "
                f"headers; {len(collectd.metrics_text()):,} bytes a scrape")


def prometheus_config(test, aggregators, rules=""):
    targets = test.directory / "collectd.yml"
    addresses = [f"127.0.0.1:{server.server_port}" for server in aggregators]
    targets.write_text(daemon.shipped(
        "deploy/prometheus/targets/collectd.yml",
        {'["localhost:9103"]': f"{addresses}"}))
    samples = sum(server.samples for server in aggregators)
    interval = max(1, round(samples / 300e3))
    return daemon.shipped("deploy/prometheus/prometheus.yml", {
        "scrape_interval: 30s":
            f"scrape_interval: {interval}s\n  scrape_timeout: {interval}s",
        "rules/resource_attribution_*.yml": rules or "no-rules/*.yml",
        "targets/collectd*.yml": targets,
        '["localhost:9093"]': "[]",
    })


def disk(*paths):
    """Bytes that the files below these take."""
    return sum(file.stat().st_blocks * 512 for path in paths
               for file in path.rglob("*"))


def measure_prometheus(aggregators):
    with run() as test:
        servers = fleet_server.start(
            test, aggregators, 1000, BLOCKS, MINUTES)
        server = prometheus.Prometheus(test, prometheus_config(test, servers))
        wait(lambda: all(one.is_done() for one in servers))
        wait(lambda: metric(server.port, "prometheus_tsdb_head_series")
             >= aggregators * 50e3)
        time.sleep(5)
        series = int(metric(server.port, "prometheus_tsdb_head_series"))
        samples = series * MINUTES
        resident = metric(server.port, "process_resident_memory_bytes") / 2**20
        cpu = metric(server.port, "process_cpu_seconds_total")
        data = server.directory / "data"
        head = disk(data / "wal", data / "chunks_head")
    say(f"Prometheus, {series:,} series: {resident:.0f} MiB")
    return (f"| {series:,} | {resident:,.0f} "
            f"| {resident / 1024 / series * 1e6:.1f} "
            f"| {cpu / samples * 1e6:.2f} | {head / samples:.1f} |")


def measure_victoria_metrics(aggregators):
    with run() as test:
        servers = fleet_server.start(
            test, aggregators, 1000, BLOCKS, MINUTES)
        config = test.directory / "scrape.yml"
        config.write_text(prometheus_config(test, servers))
        store = victoria_metrics.VictoriaMetrics(
            test, f"-promscrape.config={config}",
            "-promscrape.config.strictParse=false")
        wait(lambda: all(one.is_done() for one in servers))
        time.sleep(10)
        # A query of them all would be in the memory that is measured, and more
        # than 300,000 are refused.
        [series] = json.loads(store.get("/api/v1/series/count"))["data"]
        samples = series * MINUTES
        resident = metric(store.port, "process_resident_memory_bytes") / 2**20
        # Most while the series are new.
        peak = metric(store.port, "process_resident_memory_peak_bytes") / 2**20
        cpu = metric(store.port, "process_cpu_seconds_total")
        store.get("/internal/force_flush")
        data = disk(store.directory / "data")
    say(f"VictoriaMetrics, {series:,} series: {resident:.0f} MiB")
    return (f"| {series:,} | {resident:,.0f} | {peak:,.0f} "
            f"| {peak / 1024 / series * 1e6:.1f} "
            f"| {cpu / samples * 1e6:.2f} | {data / samples:.1f} |")


def post(server, path):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/{path}", method="POST")
    urllib.request.urlopen(request).close()


def measure_rules(hosts):
    """The rules with a day of history."""
    with run() as test:
        [source] = fleet_server.start(
            test, 1, hosts, BLOCKS, DAY, SCRAPE_MINUTES, recorded=True)
        samples = DAY * source.samples / SCRAPE_MINUTES
        rules = test.directory / "rules"
        rules.mkdir()
        server = prometheus.Prometheus(
            test, prometheus_config(test, [source], f"{rules}/*.yml").replace(
                "evaluation_interval: 1m", "evaluation_interval: 15s"),
            # A head of two days, so that it takes values that are a day old.
            "--storage.tsdb.min-block-duration=48h",
            "--storage.tsdb.max-block-duration=48h",
            "--web.enable-lifecycle", "--web.enable-admin-api")
        wait(source.is_done)
        time.sleep(5)
        post(server, "api/v1/admin/tsdb/snapshot")
        block = disk(server.directory / "data/snapshots")
        before = metric(server.port, "prometheus_tsdb_head_series")
        for file in (daemon.SOURCE_DIR / "deploy/prometheus/rules").iterdir():
            (rules / file.name).write_text(file.read_text())
        post(server, "-/reload")
        # The first evaluations begin within 15 seconds, and rules use what
        # earlier ones recorded.
        time.sleep(30)
        cpu = metric(server.port, "process_cpu_seconds_total")
        time.sleep(45)
        cpu = (metric(server.port, "process_cpu_seconds_total") - cpu) / 3
        series = metric(server.port, "prometheus_tsdb_head_series") - before
        times = {
            rule["name"]: rule["evaluationTime"]
            for group in server.get("rules")["groups"]
            for rule in group["rules"]}
    long = sum(time_ for name, time_ in times.items()
               if name.endswith(("1h", "1d")))
    say(f"rules, {hosts} hosts: {cpu:.2f} s of CPU an evaluation; "
        + ", ".join(f"{name} {time_:.3f}" for name, time_ in
                    sorted(times.items(), key=lambda rule: -rule[1])[:8]))
    return (f"| {hosts:,} × {BLOCKS} | {series / hosts / BLOCKS + 4:.1f} "
            f"| {cpu:.2f} | {sum(times.values()):.2f} "
            f"| {long / sum(times.values()):.0%} | {block / samples:.1f} |")


def machine():
    version = {package: subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package],
        capture_output=True, text=True).stdout
        for package in ("collectd-core", "prometheus", "victoria-metrics")}
    model = re.search(r"model name\s*: (.+)",
                      open("/proc/cpuinfo").read())[1]
    memory = int(re.search(r"\d+", open("/proc/meminfo").read())[0]) / 2**20
    return (f"{time.strftime('%F')}, {os.cpu_count()} × {model}, {memory:.0f} GiB, "
            f"Linux {os.uname().release}; "
            + ", ".join(" ".join(pair) for pair in version.items()) + ".")


def table(head, columns, rows):
    print(f"| {head} | " + " | ".join(columns) + " |\n| ---"
          + " | ---:" * len(columns) + " |")
    for row in rows:
        print(row, flush=True)
    print()


def measure(sizes):
    print(machine() + "\n")
    print(f"One host of {BLOCKS} blocks: {measure_host()}.\n", flush=True)
    table("hosts × blocks", [
        "series", "first values, CPU s", "CPU of a host and interval, ms",
        "resident, MiB", "/metrics, MB", "CPU of a scrape, s", "scrape, s"],
        itertools.starmap(measure_aggregator, sizes.aggregators))
    table("series in Prometheus", [
        "resident, MiB", "GiB for a million series",
        "CPU s for a million samples", "WAL and head, bytes a sample"],
        map(measure_prometheus, sizes.prometheus))
    table("rules, hosts × blocks", [
        "series for a host and block", "CPU of an evaluation, s",
        "evaluation, s", "of which averages of 1h and 1d",
        "blocks on disk, bytes a sample"], map(measure_rules, sizes.rules))
    table("series in VictoriaMetrics", [
        "resident, MiB", "at most, MiB", "at most, GiB for a million series",
        "CPU s for a million samples", "disk, bytes a sample"],
        map(measure_victoria_metrics, sizes.victoria_metrics))


class Full:
    aggregators = [(100, 10), (1000, 10), (5000, 2)]
    # Aggregators of 1,000 hosts, 50,000 series each.
    prometheus = [2, 6, 20]
    rules = [100, 300]  # Hosts.
    victoria_metrics = [6, 20]


class Quick:
    aggregators = [(10, 10)]
    prometheus = [1]
    rules = [10]
    victoria_metrics = [1]


def main():
    parser = argparse.ArgumentParser(prog="scripts/fleet-figures")
    parser.add_argument("--quick", action="store_true",
                        help="only shows that it works, in three minutes")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        measure(Quick if arguments.quick else Full)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
