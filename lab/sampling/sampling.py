"""Shows that services follow the sampling ratio that Jaeger tells them, what that saves
them, and that the plugin keeps the cost of tracing below a limit.

Prints a table of each part, and writes them into the page that --page names, with a
picture of the last part beside it. docs/evidence/sampling.md says what the figures
mean."""

import argparse
import contextlib
import json
import math
import os
import pathlib
import re
import signal
import statistics
import sys
import tempfile
import time
import urllib.request

from lab import chart, report
from lab.truth import plugin
from lab.truth.copies import Failure, Program
from lab.truth.tables import spread
from tests.support import daemon, loopback, waiting

HERE = pathlib.Path(__file__).parent
BUILT = pathlib.Path(os.environ.get("BUILT", "build/sampling"))
SERVICES = ("go", "java")
SPANS_OF_A_REQUEST = 28
# Milliseconds between two questions of an SDK; by default they ask once a minute.
POLLING = 5000
# What the block of a service allows: percent of its CPU, and the two ratios.
LIMITS = {"go": 15, "java": 25}
LEAST, MOST = 0.001, 1
COLOURS = {"go": "#0369a1", "java": "#b45309"}


class Jaeger:
    """A Jaeger that takes spans, and answers from the file `strategies` how many
    requests each service has to trace."""

    def __init__(self, directory):
        self.directory = directory
        self.strategies = directory / "strategies.json"
        self.ports = {name: loopback.free_port() for name in (
            "METRICS_PORT", "SAMPLING_HTTP_PORT", "SAMPLING_GRPC_PORT", "GO_PORT",
            "JAVA_PORT")}

    def start(self, stack):
        """Needs the file."""
        self.program = Program(
            stack, BUILT / "jaeger", "--config", HERE / "jaeger.yaml",
            env={**{name: str(port) for name, port in self.ports.items()},
                 "STRATEGIES": str(self.strategies),
                 "LOG": str(self.directory / "jaeger.log")})
        waiting.wait_for(self.answers, "Jaeger", self.read_log)

    def read_log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / "jaeger.log").read_text()
        return ""

    def fetch(self, port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}",
                                    timeout=waiting.PATIENCE) as reply:
            return reply.read().decode()

    def answers(self):
        with contextlib.suppress(OSError):
            return self.fetch("SAMPLING_HTTP_PORT", "/sampling?service=go")
        return None

    def write(self, ratios):
        """The file, as the plugin writes it."""
        written = self.directory / "written"
        written.write_text(json.dumps({
            "default_strategy": {"type": "probabilistic", "param": MOST},
            "service_strategies": [
                {"service": name, "type": "probabilistic", "param": ratio}
                for name, ratio in ratios.items()]}))
        written.rename(self.strategies)

    def spans(self):
        """{service: spans received so far}"""
        counts = dict.fromkeys(SERVICES, 0)
        for line in self.fetch("METRICS_PORT", "/metrics").splitlines():
            if line.startswith("otelcol_receiver_accepted_spans"):
                name = re.search(r'receiver="otlp/(\w+)"', line)[1]
                counts[name] += float(line.split()[-1])
        return counts


class Service:
    """A traced and an untraced copy, and a load that is the same for both."""

    def __init__(self, name, jaeger, token):
        self.name, self.token = name, token
        self.export_port = jaeger.ports[f"{name.upper()}_PORT"]

    def start(self, stack, jaeger):
        name, token = self.name, self.token
        traced, untraced, sampling, env = getattr(self, name)(jaeger)
        self.traced = Program(
            stack, *traced, f"traced-{token}", env={
                "OTEL_SERVICE_NAME": name,
                "OTEL_EXPORTER_OTLP_ENDPOINT":
                    f"http://127.0.0.1:{self.export_port}",
                # By default spans wait for up to five seconds.
                "OTEL_BSP_SCHEDULE_DELAY": "1000",
                "OTEL_TRACES_SAMPLER_ARG":
                    f"endpoint=http://127.0.0.1:{sampling},"
                    f"pollingIntervalMs={POLLING},initialSamplingRate={MOST}",
                **env})
        self.untraced = Program(stack, *untraced, f"untraced-{token}")
        self.load = Program(
            stack, "/usr/bin/python3", "-B", HERE.parent / "truth/load.py",
            self.traced.line(), self.untraced.line())

    def go(self, jaeger):
        """The commands of the copies, the address that the sampler asks, and more of
        the environment."""
        return ((BUILT / "orders", "traced"), (BUILT / "orders", "untraced"),
                f"{jaeger.ports['SAMPLING_HTTP_PORT']}/sampling", {})

    def java(self, jaeger):
        # The server writes an answer in two parts; without the option, the second waits
        # for the acknowledgement of the first.
        java = ("java", "-Xmx64m", "-XX:+UseSerialGC",
                "-Dsun.net.httpserver.nodelay=true")
        orders = ("-cp", BUILT / "classes", "Orders")
        return ((*java, f"-javaagent:{BUILT}/opentelemetry-javaagent.jar", *orders),
                (*java, *orders), jaeger.ports["SAMPLING_GRPC_PORT"], {
                    "OTEL_TRACES_SAMPLER": "parentbased_jaeger_remote",
                    "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
                    "OTEL_INSTRUMENTATION_METHODS_INCLUDE":
                        "Orders[parse,price,priceItem,render]"})

    def block(self, window, options):
        """What the daemon watches."""
        token = self.token
        word = {"go": "orders", "java": "Orders"}[self.name]
        return "\n".join([
            f'<Process "{self.name}">',
            f'CommandLine "{word}.* (un)?traced-{token}$"',
            'TracingOverhead "Compared"', f"CompareWindow {window}",
            f"TracingExportPort {self.export_port}", *options,
            "<Untraced>", f'CommandLine "{word}.* untraced-{token}$"', "</Untraced>",
            "</Process>"])

    def readings(self):
        return {"answered": self.load.ask_json("counts")[0],
                "traced": self.traced.cpu_seconds(),
                "untraced": self.untraced.cpu_seconds()}


class Host:
    """Jaeger, the services and the daemon, which averages over so many passes. With
    `step`, the daemon writes the file that Jaeger reads, once in so many seconds at the
    most."""

    def __init__(self, stack, directory, window, step=None):
        token = f"{os.getpid()}-{time.monotonic_ns()}"
        self.jaeger = Jaeger(directory)
        self.services = {name: Service(name, self.jaeger, token)
                         for name in SERVICES}
        self.blocks = [service.block(window, block_options(name, step) if step else ())
                       for name, service in self.services.items()]
        if step:
            self.blocks[:0] = plugin_options(self.jaeger)
        # Jaeger does not start without the file.
        if step:
            with plugin.running_collectd(self.blocks) as collectd:
                waiting.wait_for(self.jaeger.strategies.exists, "the file",
                                 collectd.log)
        else:
            self.jaeger.write(dict.fromkeys(SERVICES, MOST))
        self.jaeger.start(stack)
        for service in self.services.values():
            service.start(stack, self.jaeger)

    def warm(self, rate, seconds):
        """A JVM that has just started does not keep up with the full load."""
        for part in (10, 3, 1):
            self.set_rate(rate / part)
            time.sleep(seconds / 3)

    def start_daemon(self, stack):
        self.collectd = stack.enter_context(plugin.running_collectd(self.blocks))
        self.series = plugin.Series(self.collectd)

    def set_rate(self, rate):
        for service in self.services.values():
            service.load.ask(rate)

    def readings(self):
        """{service: counters since the start}, with what the daemon reports now."""
        self.series.scrape()
        now, spans = time.time(), self.jaeger.spans()
        return {name: {
            "time": now, "spans": spans[name], **service.readings(),
            "bytes": self.latest(name, plugin.SENT),
            "reported": self.latest(name, plugin.TRACING_CPU),
            "ratio": self.latest(name, "tracing_sampling_ratio")}
            for name, service in self.services.items()}

    def latest(self, name, value):
        """None if the daemon had no such value in its last passes."""
        values = self.series.values.get((name, "", value))
        if not values:
            return None
        last = max(values)
        return values[last] if time.time() - last < 3 * plugin.INTERVAL else None


def plugin_options(jaeger):
    return [f'SamplingFile "{jaeger.strategies}"', 'SamplingMode "Act"',
            f"SamplingDefault {MOST}"]


def block_options(name, step):
    return ["<Sampling>", f'Service "{name}"', f"MaxCPUShare {LIMITS[name]}",
            f"Ratio {LEAST} {MOST}", f"StepInterval {step}", "</Sampling>"]


def change(before, after):
    """What happened to a service between two readings of it."""
    seconds = after["time"] - before["time"]
    requests = after["answered"] - before["answered"]
    traced, untraced = ((after[name] - before[name]) / seconds * 100
                        for name in ("traced", "untraced"))
    return {"rate": requests / seconds, "traced": traced, "untraced": untraced,
            "tracing": traced - untraced, "share": (traced - untraced) / traced * 100,
            "spans": (after["spans"] - before["spans"]) / max(1, requests),
            "bytes": ((after["bytes"] or 0) - (before["bytes"] or 0)) / seconds}


# The first part: the file is written by hand.

def follow(host, before, ratio):
    """Writes the ratio in place of the one before, and returns {service: seconds until
    its spans reached Jaeger as the ratio says}."""
    begin = time.time()
    host.jaeger.write({name: ratio for name in SERVICES})
    took = {}
    records = [host.readings()]
    # Nearer to what is due now than to what was due before.
    middle = SPANS_OF_A_REQUEST * math.sqrt(before * ratio)
    def followed():
        time.sleep(0.5)
        records.append(host.readings())
        for name in SERVICES if len(records) > 4 else ():
            # The last two seconds.
            spans = change(records[-5][name], records[-1][name])["spans"]
            if name not in took and (spans < middle) == (ratio < before):
                took[name] = time.time() - begin
        return len(took) == len(SERVICES)
    waiting.wait_for(followed, f"services that trace {ratio}", host.jaeger.read_log)
    return took


def measure_ratios(arguments, directory):
    """[(ratio, {service: seconds until it followed}, {service: change})]"""
    results = []
    with contextlib.ExitStack() as stack:
        host = Host(stack, directory, plugin.COMPARE_WINDOW)
        host.warm(arguments.rate, arguments.warm)
        host.start_daemon(stack)
        last = MOST
        for repetition in range(arguments.repetitions):
            # The order alternates, so that what the machine does meanwhile hits all.
            ratios = arguments.ratios[::-1 if repetition % 2 else 1]
            for ratio in ratios:
                took = follow(host, last, ratio) if ratio != last else {}
                last = ratio
                # What the batches still hold.
                wait(host, 2 * POLLING / 1000)
                before = host.readings()
                reported = wait(host, arguments.window)
                after = host.readings()
                changes = {name: change(before[name], after[name])
                           for name in SERVICES}
                for name in SERVICES:
                    changes[name]["reported"] = reported[name]
                results.append((ratio, took, changes))
                print(f"[{repetition + 1}/{arguments.repetitions}] ratio {ratio}: "
                      + "; ".join(
                          f"{name} {changes[name]['tracing']:.2f} % of a CPU"
                          + (f", followed within {took[name]:.0f} s" if took else "")
                          for name in SERVICES),
                      file=sys.stderr, flush=True)
    return results


def wait(host, seconds):
    """{service: mean of what the daemon reported meanwhile, or None}"""
    values = {name: [] for name in SERVICES}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(plugin.INTERVAL)
        for name, one in host.readings().items():
            if one["reported"] is not None:
                values[name].append(one["reported"])
    return {name: statistics.fmean(some[-plugin.COMPARE_WINDOW:]) if some else None
            for name, some in values.items()}


def ratio_table(results, name):
    rows = ["| ratio | traced, % of a CPU | untraced | **tracing** | reported | "
            "share of its CPU, % | spans a request | bytes/s | followed within, s |",
            "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for ratio in sorted({one[0] for one in results}, reverse=True):
        changes = [one[2][name] for one in results if one[0] == ratio]
        def cell(column, digits):
            return spread([one[column] for one in changes
                           if one[column] is not None], digits)
        times = [one[1][name] for one in results if one[0] == ratio and one[1]]
        rows.append(f"| {ratio} | {cell('traced', 2)} | {cell('untraced', 2)} | "
                    f"**{cell('tracing', 2)}** | {cell('reported', 2)} | "
                    f"{cell('share', 1)} | {cell('spans', 3)} | {cell('bytes', 0)} | "
                    f"{f'{max(times):.0f}' if times else ''} |")
    return "\n".join(rows)


# The second part: the daemon writes the file.

def measure_loop(arguments, directory):
    """A record a second: {service: change over the last ten seconds, ratio, …}."""
    readings, records = [], []
    with contextlib.ExitStack() as stack:
        host = Host(stack, directory, arguments.compare_window, arguments.step)
        host.warm(arguments.rate, arguments.warm)
        host.start_daemon(stack)
        begin = time.monotonic()
        readings.append(host.readings())
        for seconds, rate in arguments.profile:
            host.set_rate(rate)
            print(f"{report.elapsed(begin)} {rate} requests/s", file=sys.stderr,
                  flush=True)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(plugin.INTERVAL)
                readings.append(host.readings())
                before = readings[max(0, len(readings) - 11)]
                records.append({"time": time.monotonic() - begin, **{
                    name: {**change(before[name], one),
                           "ratio": one["ratio"], "reported": one["reported"]}
                    for name, one in readings[-1].items()}})
        notices = host.collectd.lines("notice")
    return records, notices


def draw(records):
    """The picture: load, overhead, ratio and bytes of both services over time."""
    left, right, height, gap = 70, 760, 110, 52
    panels = (
        ("Load, requests a second", lambda one: one["rate"], {}),
        ("Tracing, percent of the service's CPU; thin: the limit",
         lambda one: max(0, one["share"]), LIMITS),
        ("Sampling ratio, percent (logarithmic)",
         lambda one: one["ratio"] and math.log10(one["ratio"] * 100), {}),
        ("Exported, KB/s", lambda one: one["bytes"] / 1000, {}))
    drawing = chart.Chart(860, len(panels) * (height + gap) + 40)
    longest = records[-1]["time"]
    for index, (title, of, limits) in enumerate(panels):
        top = 40 + index * (height + gap)
        bottom = top + height
        curves = {name: [(record["time"], value) for record in records
                         if (value := of(record[name])) is not None]
                  for name in SERVICES}
        drawing.title(left, top - 12, title)
        logarithmic = "logarithmic" in title
        low = math.floor(min(value for points in curves.values()
                             for _, value in points)) if logarithmic else 0
        high = math.log10(MOST * 100) if logarithmic else max(
            [*limits.values(), *(value for points in curves.values()
                                 for _, value in points)]) * 1.05 or 1
        def y(value):
            return bottom - (value - low) / (high - low) * height
        def x(moment):
            return left + moment / longest * (right - left)
        for value in ([low + step for step in range(round(high - low) + 1)]
                      if logarithmic else levels(high)):
            drawing.level(left, right, y(value),
                          f"{10 ** value:g}" if logarithmic else f"{value:g}")
        for name, limit in limits.items():
            drawing.curve([(left, y(limit)), (right, y(limit))], COLOURS[name], 1)
        for name, points in curves.items():
            drawing.curve([(x(moment), y(value)) for moment, value in points],
                          COLOURS[name], 2)
        drawing.names(right + 8, [
            (y(points[-1][1]), name.capitalize(), COLOURS[name])
            for name, points in curves.items() if points])
    for minutes in range(0, math.floor(longest / 60) + 1, max(
            1, round(longest / 60 / 10))):
        drawing.centred(x(minutes * 60), bottom + 18, f"{minutes} min")
    return drawing.svg()


def levels(high):
    """Three to six round values up to this one."""
    step = 10 ** math.floor(math.log10(high))
    step = next(one for one in (step / 5, step / 2, step, 2 * step)
                if high / one <= 6)
    return [step * number for number in range(math.floor(high / step) + 1)]


def loop_table(records, arguments):
    """The last half minute of each part of the profile."""
    rows = ["| minutes | requests/s | service | tracing, % of its CPU | ratio | "
            "exported, bytes/s |", "| --- | ---: | --- | ---: | ---: | ---: |"]
    begin = 0
    for seconds, rate in arguments.profile:
        end = begin + seconds
        last = [one for one in records if end - 30 < one["time"] <= end]
        for name in SERVICES:
            def mean(column):
                return statistics.fmean(
                    one[name][column] for one in last
                    if one[name][column] is not None)
            rows.append(
                f"| {begin / 60:.0f}–{end / 60:.0f} | {rate} | {name} | "
                f"{mean('share'):.1f} | {mean('ratio'):.3g} | {mean('bytes'):,.0f} |")
        begin = end
    return "\n".join(rows)


def describe_ratios(results, arguments):
    parts = [report.describe(report.machine("collectd-core")),
             f"{arguments.rate} requests/s to each copy of a service, "
             f"{arguments.repetitions} × {arguments.window} s for each ratio; the SDKs "
             f"ask every {POLLING // 1000} s."]
    for name in SERVICES:
        parts += [f"{name.capitalize()}:", ratio_table(results, name)]
    return "\n\n".join(parts)


def describe_loop(records, notices, arguments):
    limits = " and ".join(f"{LIMITS[name]} of {name.capitalize()}" for name in SERVICES)
    return "\n\n".join([
        report.describe(report.machine("collectd-core")),
        f"The daemon writes the file, with `StepInterval {arguments.step}`, "
        f"`CompareWindow {arguments.compare_window}` and as `MaxCPUShare` {limits}; the "
        f"SDKs ask every {POLLING // 1000} s. The last half minute of each load:",
        loop_table(records, arguments), "What the daemon said:",
        "\n".join(f"    {line}" for line in notices)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=pathlib.Path,
                        help="the page to write into, between the marks of each part; "
                        "the picture goes beside it")
    parser.add_argument("--rate", type=int, default=200,
                        help="requests a second and copy")
    parser.add_argument("--ratios", default=[1, 0.5, 0.1, 0.01, 0.001],
                        type=lambda text: [float(one) for one in text.split(",")])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--warm", type=int, default=120,
                        help="seconds before the first window")
    parser.add_argument("--window", type=int, default=30, help="seconds")
    parser.add_argument("--part", choices=("ratios", "loop"),
                        help="only this one")
    parser.add_argument("--quick", action="store_true",
                        help="short windows, which show that it works")
    arguments = parser.parse_args()
    low, high, minutes = 20, arguments.rate, 60
    # A step is as long as it takes until the services have asked and a window is full.
    # The ratio falls in large steps and returns in small ones.
    arguments.step, arguments.compare_window = 30, 20
    arguments.profile = [(2 * minutes, low), (5 * minutes, high), (7 * minutes, low)]
    if arguments.quick:
        arguments.ratios, arguments.repetitions = [1, 0.001], 1
        arguments.warm, arguments.window = 30, plugin.COMPARE_WINDOW
        arguments.step, arguments.compare_window = 20, plugin.COMPARE_WINDOW
        arguments.profile = [(30, low), (90, high), (120, low)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="ra-sampling.") as directory:
        for part in ("ratios", "loop") if not arguments.part else (arguments.part,):
            own = pathlib.Path(directory) / part
            own.mkdir()
            if part == "ratios":
                text = describe_ratios(measure_ratios(arguments, own), arguments)
            else:
                records, notices = measure_loop(arguments, own)
                text = describe_loop(records, notices, arguments)
            print(text, flush=True)
            if arguments.page:
                report.write_tables(arguments.page, text, part)
                if part == "loop":
                    arguments.page.with_suffix(".svg").write_text(draw(records))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("sampling: interrupted")
    except Failure as failure:
        sys.exit(f"sampling: {failure}")
