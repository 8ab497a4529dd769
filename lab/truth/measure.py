"""Measures by /proc what tracing costs a service, of which copies run with and without
it at the same time, and compares this with what the plugin reports of the copies.

Prints tables, and writes them into the page that --page names.
docs/evidence/measured-overhead.md says what is measured and what the figures mean."""

import argparse
import bisect
import contextlib
import datetime
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from prometheus_client.parser import text_string_to_metric_families

from lab import report
from tests.support import daemon, proc, programs

HERE = pathlib.Path(__file__).parent
MIB = 1 << 20
# Seconds between two passes, and passes of CompareWindow.
INTERVAL, COMPARE_WINDOW = 1, 10
SPANS_OF_A_REQUEST = 4
# Longer than an exporter waits by default before it sends what it has.
EXPORT_PATIENCE = 20
# Requests a second and copy before a window.
WARM_RATE = 300

LOADED = ("--require", HERE / "tracing.js")
OFF = {"OTEL_SDK_DISABLED": "true"}
# The copies of the service: how each is started, without the address for traces.
COPIES = {
    "traced": (LOADED, {}),
    "untraced": (LOADED, OFF),
    # A second one like it, to see how much two equal copies differ.
    "control": (LOADED, OFF),
    # Without an SDK in the process.
    "bare": ((), {}),
}

CPU, MEMORY = "process_cpu_percent", "process_memory_bytes"
COMPONENT_CPU = "process_component_cpu_percent"
TRACING_CPU = "tracing_cpu_overhead_percent"
TRACING_MEMORY = "tracing_memory_overhead_bytes"
# write_prometheus names the two data sources of a cumulative type like this.
SENT = "tracing_network_bytes_sent_total"
RECEIVED = "tracing_network_bytes_received_total"

# Threads of a process and the CPU that each uses, in percent. The first two names are
# names of SDKs' threads, cut as by the kernel.
THREADS = {"BatchSpanProces": 10, "OpenTelemetry.T": 4, "retr-1": 20,
           "retr-2": 6, "main-work": 5}


class Failure(Exception):
    """The run does not count as a measurement."""


class Program:
    """A program that answers each line of its input, and ends with its input."""

    def __init__(self, stack, *command, env=None):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})},
            # Ctrl-C ends this program, which then ends the others.
            start_new_session=True)
        self.name = " ".join(str(word) for word in command[-2:])
        stack.callback(self.end)
        self.pid = self.process.pid

    def end(self):
        programs.end(self.process)
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"{self.name} has ended")
        return line.strip()

    def ask(self, text):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{text}\n")
            self.process.stdin.flush()
        return self.line()

    def ask_json(self, text):
        return json.loads(self.ask(text))

    def cpu_seconds(self):
        return proc.cpu_seconds(self.pid)


class Sink(Program):
    """The collector to which the traces go."""

    def __init__(self, stack, token):
        super().__init__(stack, "/usr/bin/python3", "-B", HERE / "sink.py",
                         token)
        self.port = self.line()
        self.history = [(0, 0, 0)]

    def counts(self):
        counts = self.ask_json("counts")
        self.history += counts["history"]
        return counts

    def at(self, moment):
        """Bytes received and sent until then."""
        later = bisect.bisect(self.history, moment, key=lambda one: one[0])
        return self.history[later - 1][1:]


class Series:
    """The values that the daemon served: of each name those of all passes."""

    def __init__(self, collectd):
        self.collectd = collectd
        self.values = {}  # (block, type instance, name): {time: value}

    def scrape(self):
        for family in text_string_to_metric_families(
                self.collectd.metrics_text()):
            for sample in family.samples:
                if not sample.name.startswith(daemon.PREFIX):
                    continue
                key = (sample.labels["resource_attribution"],
                       sample.labels.get("type", ""),
                       sample.name[len(daemon.PREFIX):])
                self.values.setdefault(key, {})[sample.timestamp] = sample.value

    def all(self, block, name, instance=""):
        """[(time, value)], at least one."""
        values = self.values.get((block, instance, name))
        if not values:
            of_block = sorted({key[1:] for key in self.values
                               if key[0] == block})
            raise Failure(f"block {block!r} has no {name} {instance!r}, only "
                          f"{of_block}\n{self.collectd.log()}")
        return sorted(values.items())

    def within(self, window, block, name, instance=""):
        """The values of the passes of a window, of which none is missing."""
        begin, end = window
        values = [value for time_, value in self.all(block, name, instance)
                  if begin < time_ <= end]
        due = int((end - begin) / INTERVAL)
        if len(values) < due - 2:
            raise Failure(f"block {block!r} has {name} for {len(values)} "
                          f"passes of {due}\n{self.collectd.log()}")
        return values

    def mean(self, *arguments):
        return statistics.fmean(self.within(*arguments))

    def mean_of_averages(self, *arguments):
        """The mean of values that are averages of several passes. It takes only values
        that together cover each pass of the window once."""
        values = self.within(*arguments)
        return statistics.fmean(values[::-1][::COMPARE_WINDOW])


@contextlib.contextmanager
def running_collectd(blocks):
    """The daemon with these blocks. It must log no error and no warning."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ra-measured."))
        collectd = daemon.Collectd(
            directory,
            "\n".join(["LoadPlugin resource_attribution",
                       "<Plugin resource_attribution>",
                       f"Interval {INTERVAL}", *blocks, "</Plugin>"]),
            interval=INTERVAL, wrapper=("setpriv", "--pdeathsig", "KILL"))
        stack.callback(collectd.kill)
        collectd.start()
        yield collectd
        complaints = collectd.lines("error") + collectd.lines("warning")
        if complaints:
            raise Failure("collectd complains:\n" + "\n".join(complaints))
        collectd.stop()


def block(name, command_line, *options):
    return "\n".join([f'<Process "{name}">', f'CommandLine "{command_line}"',
                      *options, "</Process>"])


def blocks_of_copies(token, port, truth_only):
    blocks = [block("estimate", f" traced-{token}$")]
    if truth_only:
        return blocks
    return blocks + [
        block("compared", f" (un)?traced-{token}$", "TracingDetect true",
              'TracingOverhead "Compared"', f"CompareWindow {COMPARE_WINDOW}",
              f"TracingExportPort {port}"),
        # Two copies that do not differ; a selector tells them apart.
        block("compared-control", f" (untraced|control)-{token}$",
              'TracingOverhead "Compared"', f"CompareWindow {COMPARE_WINDOW}",
              "<Untraced>", f'CommandLine " untraced-{token}$"', "</Untraced>"),
        block("threads", f" traced-{token}$", 'TracingOverhead "Threads"'),
        block("off", f" untraced-{token}$", "TracingDetect true"),
        block("collector", f"sink.py {token}$", "TracingProcess true"),
    ]


class Run:
    """One load on copies that were started for it."""

    def __init__(self, stack, rate, reverse):
        self.rate = rate
        self.token = f"{os.getpid()}-{time.monotonic_ns()}"
        self.sink = Sink(stack, self.token)
        names = list(COPIES)[::-1 if reverse else 1]
        self.copies = {name: self.start_copy(stack, name) for name in names}
        ports = [copy.line() for copy in self.copies.values()]
        self.load = Program(stack, "/usr/bin/python3", "-B", HERE / "load.py",
                            *ports)

    def start_copy(self, stack, name):
        options, env = COPIES[name]
        return Program(
            stack, "node", *options, HERE / "service.js",
            f"{name}-{self.token}",
            env={"OTEL_SERVICE_NAME": "orders",
                 "OTEL_EXPORTER_OTLP_ENDPOINT":
                     f"http://127.0.0.1:{self.sink.port}",
                 # Only traces; no metrics and no logs.
                 "OTEL_METRICS_EXPORTER": "none",
                 "OTEL_LOGS_EXPORTER": "none",
                 **env})

    def answered(self):
        """{copy: requests so far}"""
        return dict(zip(self.copies, self.load.ask_json("counts")))

    def readings(self):
        return {"time": time.time(), "answered": self.answered(),
                "cpu": {name: copy.cpu_seconds()
                        for name, copy in self.copies.items()},
                "load_cpu": self.load.cpu_seconds(),
                "sink_cpu": self.sink.cpu_seconds(),
                "machine_cpu": machine_cpu_seconds()}

    def measure(self, series, warm, window):
        """Readings at the beginning and the end of a window, and resident
        memory in between."""
        self.load.ask(max(WARM_RATE, self.rate))
        self.watch(series, warm)
        self.load.ask(self.rate)
        self.watch(series, 5)
        begin = self.readings()
        memory = self.watch(series, window)
        end = self.readings()
        self.load.ask(0)
        self.wait_for_spans()
        # The last pass found everything exported.
        self.watch(series, 2 * INTERVAL)
        self.check_rate(begin, end)
        return begin, end, memory

    def watch(self, series, seconds):
        """Scrapes for so long. Returns {copy: [resident bytes each second]}."""
        memory = {name: [] for name in self.copies}
        begin = time.monotonic()
        for half in range(seconds * 2):
            series.scrape()
            for name, copy in self.copies.items() if half % 2 == 0 else ():
                memory[name].append(proc.status_kb(copy.pid, "VmRSS") * 1024)
            time.sleep(max(0, begin + (half + 1) / 2 - time.monotonic()))
        return memory

    def wait_for_spans(self):
        """Until the sink has all that the traced copy has made: no span was
        lost."""
        end = time.monotonic() + EXPORT_PATIENCE
        while True:
            due = self.answered()["traced"] * SPANS_OF_A_REQUEST
            spans = self.sink.counts()["spans"]
            if spans == due:
                return
            if time.monotonic() > end:
                raise Failure(f"{spans} spans were exported, not {due}")
            time.sleep(0.2)

    def check_rate(self, begin, end):
        due = self.rate * (end["time"] - begin["time"])
        for name, count in end["answered"].items():
            count -= begin["answered"][name]
            # Requests of a moment may be under way at either end.
            if abs(count - due) > 2 + 0.01 * due:
                raise Failure(f"{name} answered {count} requests, "
                              f"not {due:.0f}")


def machine_cpu_seconds():
    """The busy time of all CPUs so far."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(
            int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf(
        "SC_CLK_TCK")


def truth(run, begin, end, memory):
    """The results of a window by /proc."""
    seconds = end["time"] - begin["time"]
    cpu = {name: end["cpu"][name] - begin["cpu"][name] for name in run.copies}
    requests = {name: end["answered"][name] - begin["answered"][name]
                for name in run.copies}
    tools = sum(end[name] - begin[name] for name in ("load_cpu", "sink_cpu"))
    machine = end["machine_cpu"] - begin["machine_cpu"]
    return {
        "us_per_request": {name: cpu[name] / requests[name] * 1e6
                           for name in run.copies},
        # Scaled to the same number of requests: one copy may have answered more.
        "cpu": {name: cpu[name] / requests[name] * run.rate * 100
                for name in run.copies},
        "memory": {name: statistics.fmean(memory[name]) for name in run.copies},
        "others": (machine - tools - sum(cpu.values())) / seconds * 100,
    }


def traffic(run, series):
    """What was counted, by the sink and by the plugin, between the first value
    of the plugin and its last."""
    def change(name):
        values = series.all("compared", name)
        return values[0][0], values[-1][0], values[-1][1] - values[0][1]
    begin, end, sent = change(SENT)
    _, _, received = change(RECEIVED)
    # The bytes that one side receives are those that the other has sent.
    truth_sent, truth_received = (
        after - before for before, after in
        zip(run.sink.at(begin), run.sink.at(end)))
    return {"truth_sent": truth_sent, "truth_received": truth_received,
            "sent": sent, "received": received}


def reported(run, series, window, truth_only):
    """The results of a window by the plugin."""
    values = {
        "traced": {"cpu": series.mean(window, "estimate", CPU),
                   "memory": series.mean(window, "estimate", MEMORY)},
        "estimate": {"cpu": series.mean(window, "estimate", TRACING_CPU),
                     "memory": series.mean(window, "estimate",
                                           TRACING_MEMORY)}}
    if truth_only:
        return values
    for name in ("compared", "compared-control"):
        values[name] = {
            "cpu": series.mean_of_averages(window, name, TRACING_CPU),
            "memory": series.mean_of_averages(window, name, TRACING_MEMORY)}
    # Node.js has no thread for it: 0, or no value.
    with contextlib.suppress(Failure):
        values["threads"] = {"cpu": series.mean(window, "threads", TRACING_CPU)}
    values["traffic"] = traffic(run, series)
    for name in (TRACING_CPU, TRACING_MEMORY):
        if any(series.within(window, "off", name)):
            raise Failure(f"a process with tracing off has {name}")
    for overhead, whole in ((TRACING_CPU, CPU), (TRACING_MEMORY, MEMORY)):
        if (series.within(window, "collector", overhead)
                != series.within(window, "collector", whole)):
            raise Failure(f"TracingProcess: {overhead} is not {whole}")
    return values


def measure_load(rate, reverse, arguments):
    with contextlib.ExitStack() as stack:
        run = Run(stack, rate, reverse)
        collectd = stack.enter_context(running_collectd(blocks_of_copies(
            run.token, run.sink.port, arguments.truth_only)))
        series = Series(collectd)
        begin, end, memory = run.measure(series, arguments.warm,
                                         arguments.window)
        window = begin["time"], end["time"]
        counts = run.sink.counts()
        return {"truth": truth(run, begin, end, memory),
                "sink": {name: counts[name] for name in (
                    "received", "sent", "spans", "requests", "connections")},
                "answered": run.answered(),
                "reported": reported(run, series, window,
                                     arguments.truth_only)}


def blocks_of_threads(token, truth_only):
    command_line = f" {token}=0$"
    blocks = [block("whole", command_line)]
    if truth_only:
        return blocks
    return blocks + [
        block("known", command_line, 'TracingOverhead "Threads"'),
        block("named", command_line, 'TracingOverhead "Threads"',
              'TracingThread "^retr-"'),
        block("component", command_line, '<Component "retrieval">',
              'Thread "^retr-"', "</Component>"),
    ]


def measure_threads(arguments):
    """[what, truth in percent of a CPU, what the plugin says]"""
    with contextlib.ExitStack() as stack:
        token = f"t{os.getpid()}"
        program = Program(
            stack, os.environ["THREADS"],
            *(f"{name}={share}" for name, share in THREADS.items()),
            f"{token}=0")
        collectd = stack.enter_context(running_collectd(
            blocks_of_threads(token, arguments.truth_only)))
        series = Series(collectd)
        readings = []
        for seconds in (3 * INTERVAL, arguments.window):
            for _ in range(seconds * 2):
                series.scrape()
                time.sleep(0.5)
            readings.append((time.time(), program.ask("").split()))
        (begin, before), (end, after) = readings
        shares = {name: (float(new) - float(old)) / (end - begin) * 100
                  for name, old, new in zip(THREADS, before, after)}
        rows = [("all threads: `process_cpu_percent`", sum(shares.values()),
                 series.mean((begin, end), "whole", CPU))]
        if arguments.truth_only:
            return rows
        retrieval = shares["retr-1"] + shares["retr-2"]
        return rows + [
            ("`BatchSpanProces` and `OpenTelemetry.T`: "
             '`TracingOverhead "Threads"`',
             shares["BatchSpanProces"] + shares["OpenTelemetry.T"],
             series.mean((begin, end), "known", TRACING_CPU)),
            ('`retr-1` and `retr-2`: `TracingThread "^retr-"`', retrieval,
             series.mean((begin, end), "named", TRACING_CPU)),
            ('`retr-1` and `retr-2`: `<Component "retrieval">`', retrieval,
             series.mean((begin, end), "component", COMPONENT_CPU,
                         "retrieval"))]


def spread(values, digits):
    """Their mean and standard deviation."""
    values = list(values)
    if not values:
        return "none"
    text = f"{statistics.fmean(values):,.{digits}f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):,.{digits}f}"
    return text


def differences(runs, resource, one, other):
    return [run["truth"][resource][one] - run["truth"][resource][other]
            for run in runs]


def against_truth(runs, resource, name, scale, digits, one="traced",
                  other="untraced"):
    """What the plugin reports, and the error of it."""
    values = [run["reported"][name][resource] for run in runs
              if name in run["reported"]]
    if not values:
        return "none"
    errors = [value - difference for value, difference in
              zip(values, differences(runs, resource, one, other))]
    return (f"{spread((value / scale for value in values), digits)} "
            f"({spread((error / scale for error in errors), digits)})")


def resource_table(results, resource, scale, digits, truth_only):
    columns = ["requests/s", "traced", "untraced", "**tracing**",
               "noise: control − untraced", "SDK loaded, but off", "estimate"]
    if not truth_only:
        columns += ["Compared (error)", "Compared, control (error)"]
        columns += ["Threads"] if resource == "cpu" else []
    lines = [row(columns), row(["---:"] * len(columns))]
    for rate, runs in results.items():
        def copy(name):
            return spread((run["truth"][resource][name] / scale
                           for run in runs), digits)
        def difference(one, other):
            return spread((value / scale for value in
                           differences(runs, resource, one, other)), digits)
        cells = [rate, copy("traced"), copy("untraced"),
                 f"**{difference('traced', 'untraced')}**",
                 difference("control", "untraced"),
                 difference("untraced", "bare"),
                 spread((run["reported"]["estimate"][resource] / scale
                         for run in runs), digits)]
        if not truth_only:
            cells += [against_truth(runs, resource, "compared", scale, digits),
                      against_truth(runs, resource, "compared-control", scale,
                                    digits, "control", "untraced")]
            cells += [spread((run["reported"]["threads"]["cpu"] for run in runs
                              if "threads" in run["reported"]), digits)
                      ] if resource == "cpu" else []
        lines.append(row(cells))
    return "\n".join(lines)


def row(cells):
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def request_table(results):
    lines = [row(["requests/s", *COPIES, "bytes exported", "answered",
                  "exports"]),
             row(["---:"] * (len(COPIES) + 4))]
    for rate, runs in results.items():
        traced = [run["answered"]["traced"] for run in runs]
        lines.append(row(
            [rate, *(spread((run["truth"]["us_per_request"][name]
                             for run in runs), 0) for name in COPIES)] +
            [spread((run["sink"][name] / count
                     for run, count in zip(runs, traced)), digits)
             for name, digits in (("received", 0), ("sent", 2),
                                  ("requests", 4))]))
    return "\n".join(lines)


def traffic_table(results):
    lines = [row(["requests/s", "sent: sink", "reported", "error",
                  "received: sink", "reported", "error"]), row(["---:"] * 7)]
    for rate, runs in results.items():
        cells = [rate]
        for name in ("sent", "received"):
            counted, said = (
                sum(run["reported"]["traffic"][key] for run in runs)
                for key in (f"truth_{name}", name))
            if counted == 0:
                raise Failure(f"the sink has no bytes {name} to compare with")
            cells += [f"{counted:,}", f"{said:,.0f}",
                      f"{said - counted:+,.0f} "
                      f"({(said / counted - 1) * 100:+.3f} %)"]
        lines.append(row(cells))
    return "\n".join(lines)


def threads_table(rows):
    lines = [row(["threads", "truth, %", "reported, %", "error"]),
             row(["---", "---:", "---:", "---:"])]
    lines += [row([what, f"{share:.2f}", f"{said:.2f}", f"{said - share:+.2f}"])
              for what, share, said in rows]
    return "\n".join(lines)


def about(results, arguments):
    node = subprocess.run(["node", "--version"], capture_output=True, text=True,
                          check=True).stdout.strip()
    sdk = json.loads((HERE / "package.json").read_text())["devDependencies"]
    others = [run["truth"]["others"]
              for runs in results.values() for run in runs]
    checked = [run["reported"]["traced"]["cpu"] - run["truth"]["cpu"]["traced"]
               for runs in results.values() for run in runs]
    kernel = ".".join(platform.release().split(".")[:2])
    return (f"{datetime.date.today().isoformat()}, {os.cpu_count()} × "
            f"{report.cpu_model()}, Linux {kernel}, Node.js {node}, OpenTelemetry SDK "
            f"{sdk['@opentelemetry/sdk-node']}; {arguments.repetitions} × "
            f"{arguments.window} s for each load. Meanwhile the rest of the "
            f"machine used {spread(others, 0)} % of a CPU, this comparison and "
            f"collectd included. `process_cpu_percent` of the traced copy was "
            f"{spread(checked, 2)} points from the truth.")


def describe(results, threads, arguments):
    truth_only = arguments.truth_only
    parts = [
        about(results, arguments), "CPU, percent of one core:",
        resource_table(results, "cpu", 1, 2, truth_only),
        "Resident memory, MiB:",
        resource_table(results, "memory", MIB, 1, truth_only),
        "One request: µs of CPU in each copy, and bytes of the TCP "
        "streams between the traced copy and the collector:",
        request_table(results)]
    if not truth_only:
        parts += ["`tracing_network_bytes`, all windows:",
                  traffic_table(results)]
    parts += ["Threads that use known shares of a CPU:", threads_table(threads)]
    return "\n\n".join(parts)


def measure(arguments):
    results = {rate: [] for rate in arguments.rates}
    for repetition in range(arguments.repetitions):
        # Loads alternate, so that what the machine does meanwhile hits all.
        for rate, runs in results.items():
            one = measure_load(rate, repetition % 2 == 1, arguments)
            runs.append(one)
            cost = {name: one["truth"][name]["traced"]
                    - one["truth"][name]["untraced"]
                    for name in ("cpu", "memory")}
            print(f"[{repetition + 1}/{arguments.repetitions}] {rate} "
                  f"requests/s: {cost['cpu']:.2f} % of a CPU, "
                  f"{cost['memory'] / MIB:.1f} MiB",
                  file=sys.stderr, flush=True)
    return describe(results, measure_threads(arguments), arguments)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=pathlib.Path,
                        help="the page to write the tables into")
    parser.add_argument("--truth-only", action="store_true",
                        help="none of the options that measure overhead")
    parser.add_argument("--rates", type=lambda text: [
        int(rate) for rate in text.split(",")], default=[20, 100, 300],
        help="requests a second and copy, such as 20,100,300")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--warm", type=int, default=20,
                        help="seconds before a window")
    parser.add_argument("--window", type=int, default=30,
                        help=f"seconds, a multiple of {COMPARE_WINDOW}")
    parser.add_argument("--quick", action="store_true",
                        help="one short window, which shows that it works")
    arguments = parser.parse_args()
    if arguments.window % COMPARE_WINDOW:
        parser.error(f"--window is no multiple of {COMPARE_WINDOW}")
    if arguments.quick:
        arguments.rates, arguments.repetitions = [100], 1
        arguments.warm, arguments.window = COMPARE_WINDOW, COMPARE_WINDOW
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    text = measure(arguments)
    print(text)
    if arguments.page:
        report.write_tables(arguments.page, text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("measure: interrupted")
    except Failure as failure:
        sys.exit(f"measure: {failure}")
