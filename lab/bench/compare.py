"""Measures what watching processes costs: with this plugin, with collectd's own
`processes` plugin, with prometheus-process-exporter, and with bare reads: all beside
each other, on the same processes and at the same time.

Prints a table, and writes bench.json, bench.svg and the table of bench.md.
docs/evidence/bench.md says what the figures mean."""

import argparse
import collections
import contextlib
import itertools
import json
import math
import operator
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from lab import chart, report
from tests.support import daemon, loopback, proc, programs, project, waiting

EXPORTER = "/usr/bin/prometheus-process-exporter"
WATCHED, BYSTANDER = "ra-watched", "ra-bystander"
MANY_FILES = 20000

BASE = "collectd alone"
EVENTS, SCAN = "this plugin, events", "this plugin, scan"
PROCESSES, EXPORTER_NAME = "collectd processes", "process-exporter"
IN_ONE = "this plugin, in one process"
DISPATCH, FLOOR = "the values alone", "bare floor"

# The contender that ran last decides what the next one finds in the CPU's caches. So each
# round starts all of them in another order: with step N each follows the one N places
# before it here. No step has a factor in common with the number of contenders. As all
# steps are odd, the four at odd places follow the same four others.
CONTENDERS = (BASE, EVENTS, SCAN, IN_ONE, DISPATCH, PROCESSES, EXPORTER_NAME, FLOOR)
STEPS = (1, 3, 5, 7)
PASSES_OF_A_ROUND = 8
DAEMONS_WITH_A_PLUGIN = (EVENTS, IN_ONE, SCAN, PROCESSES, DISPATCH)

# Beside the points in the results: the CPU of a pass by the benchmark's name, in ms.
PASSES = "pass_bench"

# Each pass has one such system call: the end of the events, the beginning of the list,
# and that of collectd's own.
MARKERS = {
    SCAN: r"lseek\(\d+, 0, SEEK_SET",
    EVENTS: r"recvmmsg(\(| resumed>).* = -1 EAGAIN",
    PROCESSES: r'openat\(AT_FDCWD, "/proc", ',
}


class Point:
    """How many processes the host has, and which of them are watched."""

    def __init__(self, key, title, bystanders, watched, blocks=1, storm=0,
                 interval=10.0):
        self.key, self.title = key, f"{title}, every {interval:g} s"
        self.bystanders, self.watched = bystanders, watched
        self.blocks, self.storm = blocks, storm
        self.interval = interval  # seconds between two passes of all contenders

    def herd(self):
        """The arguments of the program that starts the processes."""
        names = [str(self.bystanders), BYSTANDER]
        if self.blocks == 1:
            names += [str(self.watched), WATCHED]
        else:
            names += [str(self.watched), WATCHED + "%"]
        return names + (["--storm", str(self.storm)] if self.storm else [])

    def names(self):
        if self.blocks == 1:
            return [WATCHED]
        return [f"{WATCHED}{number}" for number in range(self.blocks)]

    def configurations(self):
        """What the daemons load: {contender: configuration}."""
        blocks = "\n".join(f'Process "{name}"' for name in self.names())
        ours = {name: f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval {self.interval}
              Discovery "{discovery}"
              MaxOpenFiles {MANY_FILES}
              {blocks}
            </Plugin>""" for name, discovery in (
                (EVENTS, "Events"), (IN_ONE, "Events"), (SCAN, "Scan"))}
        others = {name: f"""
            LoadPlugin {plugin}
            <Plugin {plugin}>
              {blocks}
            </Plugin>""" for name, plugin in ((PROCESSES, "processes"),
                                              (DISPATCH, "dispatch"))}
        return {BASE: "", **ours, **others}


POINTS = [
    Point("400", "400 processes, 4 watched", 396, 4),
    Point("4000", "4,000 processes, 4 watched", 3996, 4),
    Point("watched-1000", "1,000 watched in one block", 0, 1000),
    Point("400-1s", "400 processes, 4 watched", 396, 4, interval=1),
    Point("1000-1s", "1,000 processes, 4 watched", 996, 4, interval=1),
    Point("4000-1s", "4,000 processes, 4 watched", 3996, 4, interval=1),
    Point("10000-1s", "10,000 processes, 4 watched", 9996, 4, interval=1),
    Point("watched-1000-1s", "1,000 watched in one block", 0, 1000, interval=1),
    Point("watched-4000-1s", "4,000 watched in one block", 0, 4000, interval=1),
    Point("blocks-200-1s", "200 blocks of one process", 0, 200, blocks=200,
          interval=1),
    Point("storm-1s", "4,000 processes, 4 watched, 500 forks a second", 3996, 4,
          storm=500, interval=1),
]


def herd_is_gone():
    names = (WATCHED.encode(), BYSTANDER.encode())
    return not any(comm.startswith(names) for _, comm in proc.of_all("comm"))


def processes_of(collectd):
    """The daemon and its children."""
    return [collectd.process.pid, *proc.children(collectd.process.pid)]


def threads_of(pids):
    """CPU of all threads of these processes by name, in seconds."""
    return sum(map(proc.cpu_by_thread, pids), collections.Counter())


def private_kib(pids):
    """Memory that only these processes have, each by itself; proc_pid_smaps(5)."""
    return sum(int(kib) for pid in pids for kib in re.findall(
        r"^Private_(?:Clean|Dirty):\s+(\d+) kB$",
        pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))


def wait_until(due):
    """Waits until the monotonic clock shows `due`."""
    time.sleep(max(0, due - time.monotonic()))


@contextlib.contextmanager
def running(*command, **options):
    """Runs a program during the body."""
    process = subprocess.Popen([str(word) for word in command], **options)
    try:
        yield process
    finally:
        programs.end(process)


@contextlib.contextmanager
def exporter(point, directory):
    """Runs process-exporter during the body: the process, and what scrapes it once."""
    names = ", ".join(point.names())
    config = directory / "exporter.yml"
    config.write_text('process_names:\n- name: "{{.Comm}}"\n'
                      f"  comm: [{names}]\n")
    address = f"127.0.0.1:{loopback.free_port()}"

    def scrape():
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://{address}/metrics",
                                        timeout=waiting.PATIENCE) as reply:
                return WATCHED in reply.read().decode()
        return False

    with running(EXPORTER, "-config.path", config, "-web.listen-address", address,
                 # The cheapest options: -children=false costs much more.
                 "-threads=false", "-gather-smaps=false",
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        waiting.wait_for(scrape, "process-exporter")
        yield process, scrape


@contextlib.contextmanager
def repeated(action, interval):
    """Calls `action` now and in each interval during the body."""
    ending = threading.Event()

    def repeat():
        due = time.monotonic()
        while not ending.wait(max(0, due - time.monotonic())):
            action()
            due = max(due + interval, time.monotonic())

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


@contextlib.contextmanager
def herd(point):
    """Runs the processes of a point during the body."""
    with running(project.BUILD_DIR / "lab/bench/herd", *point.herd(),
                 stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield
        process.stdin.close()
        process.wait()
    waiting.wait_for(herd_is_gone, "the processes to be gone")


@contextlib.contextmanager
def floor(point):
    """Runs the bare floor during the body."""
    with running(project.BUILD_DIR / "lab/bench/floor", WATCHED,
                 int(point.interval * 1000), stdout=subprocess.PIPE,
                 text=True) as process:
        count = int(process.stdout.readline())
        if count != point.watched:
            raise SystemExit(f"bench: the floor found {count} processes")
        yield process


class Bench:
    def __init__(self, directory, passes_of_a_round):
        self.directory, self.passes = directory, passes_of_a_round

    @contextlib.contextmanager
    def collectd(self, name, configuration, interval):
        """Runs the daemon with a writer that nothing scrapes."""
        hard = max(MANY_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        collectd = daemon.Collectd(
            self.directory, configuration, interval=interval, plugins=["processes"],
            wrapper=["prlimit", f"--nofile={MANY_FILES}:{hard}"])
        programs_of_bench = project.BUILD_DIR / "lab/bench"
        plugins = collectd.directory / "plugins"
        shutil.copy(programs_of_bench / "dispatch.so", plugins)
        if name == IN_ONE:
            shutil.copy(programs_of_bench / "in_one_process" / project.MODULE.name,
                        plugins)
        try:
            yield collectd.start()
        finally:
            collectd.kill()
            shutil.rmtree(collectd.directory)

    def measure(self, pids, first, interval):
        """CPU of all contenders in each interval of a round, in microseconds:
        {name: [CPU]}, and the same by thread: {name: {thread: [CPU]}}. `pids` are the
        processes of each; the clocks are read at `first` and after each interval."""
        def used():
            return (time.monotonic(),
                    {name: sum(map(proc.cpu_clock, its)) for name, its in pids.items()},
                    {name: threads_of(its) for name, its in pids.items()})

        readings = []
        for number in range(self.passes + 1):
            wait_until(first + number * interval)
            readings.append(used())

        def each(value_of):
            """How much a value grew from reading to reading, for an interval."""
            return [(value_of(after) - value_of(before)) / (after[0] - before[0])
                    * interval * 1e6
                    for before, after in itertools.pairwise(readings)]

        return ({name: each(lambda reading: reading[1][name]) for name in pids},
                {name: {thread: each(lambda reading: reading[2][name][thread])
                        for thread in readings[-1][2][name]} for name in pids})

    def count_calls(self, pids, marker):
        """System calls of these processes, opened files and reads of a pass. Each pass
        has one call that matches `marker`."""
        output = self.directory / "strace"
        output.write_text("")

        def between_markers():
            lines = output.read_text(errors="replace").splitlines()
            at = [i for i, line in enumerate(lines) if re.search(marker, line)]
            return (lines[at[0]:at[-1]], len(at) - 1) if len(at) > 3 else None

        with subprocess.Popen(
                ["strace", "-f", "-o", output,
                 *(word for pid in pids for word in ("-p", str(pid)))],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as strace:
            lines, passes = waiting.wait_for(between_markers, f"passes ({marker})")
            strace.send_signal(signal.SIGINT)

        def count(pattern):
            return round(sum(1 for line in lines
                             if re.match(rf"\d+ +({pattern})\(", line)
                             and "= -1 E" not in line) / passes, 1)

        opened = count("open|openat")
        return {"system_calls": round(sum(
                    1 for line in lines if re.match(r"\d+ +\w+\(", line))
                    / passes, 1),
                "files_opened": opened,
                # A file of a process that an event names is opened first.
                "kept_files_read": round(count("pread64") - opened, 1)}

    @contextlib.contextmanager
    def contenders(self, point, step):
        """Runs all contenders during the body: {name: its processes}, {name: daemon},
        and when the clocks may be read. Each begins its passes in a slot of its own of
        the interval."""
        configurations = point.configurations()
        pids, daemons = {}, {}
        slot = point.interval / len(CONTENDERS)
        with contextlib.ExitStack() as stack:
            program, scrape = stack.enter_context(exporter(point, self.directory))
            pids[EXPORTER_NAME] = [program.pid]
            begun = time.monotonic()

            def wait_for_slot(number):
                """Returns when the slot of this number begins."""
                now = time.monotonic()
                intervals = math.ceil((now - begun) / point.interval
                                      - number / len(CONTENDERS))
                due = begun + max(0, intervals) * point.interval + number * slot
                wait_until(due)
                return due

            for number in range(len(CONTENDERS)):
                name = CONTENDERS[number * step % len(CONTENDERS)]
                wait_for_slot(number)
                if name == EXPORTER_NAME:
                    stack.enter_context(repeated(scrape, point.interval))
                elif name == FLOOR:
                    pids[name] = [stack.enter_context(floor(point)).pid]
                else:
                    daemons[name] = stack.enter_context(self.collectd(
                        name, configurations[name], point.interval))
            os.sync()  # what was copied to start them
            # The first pass looks at everything.
            time.sleep(2 * point.interval)
            for name, how in ((EVENTS, "by process events"), (SCAN, "by scanning"),
                              (IN_ONE, "by process events")):
                if how not in daemons[name].log():
                    raise SystemExit(f"bench: not {how}:\n{daemons[name].log()}")
            pids |= {name: processes_of(collectd)
                     for name, collectd in daemons.items()}
            yield pids, daemons, wait_for_slot(len(CONTENDERS) - 0.5)

    def add_round(self, point, step, results):
        """Measures all contenders beside each other, and adds the round to {name:
        result}."""
        with herd(point), self.contenders(point, step) as (pids, daemons, first):
            passes, threads = self.measure(pids, first, point.interval)
            if not results:
                calls, private = self.calls_and_memory(point, pids, daemons)
                results |= {name: {
                    "interval_s": point.interval, "passes_us": [], "threads_us": [],
                    "private_kib": private.get(name), "calls": calls.get(name)}
                    for name in CONTENDERS}
        base = statistics.median(passes[BASE])
        for name in CONTENDERS:
            one = results[name]
            base_cpu = base if name in DAEMONS_WITH_A_PLUGIN else 0
            one["passes_us"].append([cpu - base_cpu for cpu in passes[name]])
            one["cpu_us"] = statistics.median(map(statistics.median, one["passes_us"]))
            one["threads_us"].append({
                thread: statistics.median(cpu) for thread, cpu in threads[name].items()})

    def calls_and_memory(self, point, pids, daemons):
        """The calls of a pass and the private memory of contenders: {name: value} of
        each."""
        # Four passes take long at a long interval.
        calls = {name: self.count_calls(pids[name], marker)
                 for name, marker in MARKERS.items() if point.interval <= 1}
        calls[FLOOR] = {"system_calls": 2 * point.watched, "files_opened": 0,
                        "kept_files_read": 2 * point.watched}
        # As long as two daemons map the libraries of the plugin, these are
        # private memory of neither.
        for name in (SCAN, IN_ONE):
            daemons[name].kill()
        private = {name: private_kib(pids[name])
                   for name in (BASE, EVENTS, PROCESSES, EXPORTER_NAME)}
        for name in (EVENTS, PROCESSES):
            private[name] -= private[BASE]
        return calls, private

    def run(self, points, results, write):
        """Measures and hands the results so far to `write` after each round. A round has
        all points, so that the host is as slow or as fast at one as at the next."""
        begun = time.monotonic()
        for number, (step, point) in enumerate(itertools.product(STEPS, points), 1):
            print(f"{report.elapsed(begun)} [{number}/{len(STEPS) * len(points)}] "
                  f"{point.title} … ", end="", file=sys.stderr, flush=True)
            its = results.setdefault(point.key, {})
            self.add_round(point, step, its)
            print(", ".join(
                f"{name} {statistics.median(one['passes_us'][-1]):,.0f} µs"
                for name, one in its.items()), file=sys.stderr)
            if point is points[-1]:
                write(results)
        print(f"{report.elapsed(begun)} done", file=sys.stderr)
        return results


def by_round(combine, *contenders):
    """What `combine` makes of the medians of these results, in each round. The host slows
    the machine down and speeds it up, by a third and for seconds to minutes, so that only
    passes of the same round are compared."""
    return [combine(*medians) for medians in zip(*(
        map(statistics.median, one["passes_us"]) for one in contenders))]


def quotients(one, other):
    """How many times the CPU of `other` a pass of `one` takes, in each round."""
    return by_round(operator.truediv, one, other)


def budgets(results):
    """The budgets: [what, reached, budget, text, met]. What was measured in rounds is judged
    by their median. Those of one point are of passes every 10 s if these were measured,
    or else every second."""
    rows = []

    def at(key):
        return results.get(key) or results.get(f"{key}-1s")

    def add(what, rounds, budget, show):
        """`rounds` has a value for each round; `show` makes text of one."""
        reached = statistics.median(rounds)
        text = show(reached)
        if len(rounds) > 1:
            text += f" ({show(min(rounds))} to {show(max(rounds))})"
        rows.append({"what": what, "reached": reached, "budget": budget, "text": text,
                     "met": reached <= budget})

    def one_part_of(share):
        return f"1/{1 / share:.0f}" if share < 0.1 else f"1/{1 / share:.1f}"

    few, many, watched = at("400"), at("4000"), at("watched-1000")
    counted = results.get("watched-1000-1s")
    if watched:
        add("pass over 1,000 watched ÷ floor, ≤ 1.2",
            quotients(watched[EVENTS], watched[FLOOR]), 1.2, "{:.2f}".format)
    if counted:
        add("files read for each watched process and pass, 2",
            [counted[EVENTS]["calls"]["kept_files_read"] / 1000], 2, "{:.2f}".format)
    if many:
        ours, scan, stock = (many[name] for name in (EVENTS, SCAN, PROCESSES))
        add("events ÷ collectd's processes, 4,000 / 4, ≤ 1/250",
            quotients(ours, stock), 1 / 250, one_part_of)
        # One of 360 passes at 60 s scans.
        add("the same with the scan of every six hours, at 60 s, ≤ 1/250",
            by_round(lambda ours, scan, stock: (ours + scan / 360) / stock,
                     ours, scan, stock), 1 / 250, one_part_of)
        add("scan ÷ collectd's processes, 4,000 / 4, ≤ 1/5",
            quotients(scan, stock), 1 / 5, one_part_of)
        add("share of a CPU at 60 s, 4,000 / 4, events and that scan, < 0.002 %",
            by_round(lambda ours, scan: (ours + scan / 360) / 60e6 * 100,
                     ours, scan), 0.002, "{:.5f} %".format)
        add("the way to the sampler process and back, 4,000 / 4, ≤ 60 µs",
            by_round(operator.sub, ours, many[IN_ONE]), 60, "{:.0f} µs".format)
        add("private memory, child included, 4,000 / 4, ≤ 6 MiB",
            [ours["private_kib"] / 1024], 6, "{:.1f} MiB".format)
    if few and many and few[EVENTS]["interval_s"] == many[EVENTS]["interval_s"]:
        add("growth of a pass from 400 to 4,000 processes, events, ≤ 10 %",
            by_round(lambda ours, before: (ours / before - 1) * 100,
                     many[EVENTS], few[EVENTS]), 10, "{:+.1f} %".format)
    for name, budget, what in (
            ("BM_Measured/Threads/10000", 10, 'TracingOverhead "Threads", a process '
             "of 10,000 threads, ≤ 10 ms"),
            ("BM_OtherConnections/5000", 2, "export traffic, 5,000 connections of "
             "others, ≤ 2 ms")):
        if name in results.get(PASSES, {}):
            add(what, [results[PASSES][name]], budget, "{:.1f} ms".format)
    if "watched-4000-1s" in results and "watched-1000-1s" in results:
        kib = (results["watched-4000-1s"][EVENTS]["private_kib"]
               - results["watched-1000-1s"][EVENTS]["private_kib"]) / 3000
        add("memory of the plugin for each watched process, ≤ 1 KiB",
            [kib], 1, "{:.2f} KiB".format)
    return rows


def table(points, results):
    lines = ["| | CPU of a pass, µs | rounds | private memory, KiB | system calls "
             "| files opened | ÷ floor |", "| --- | ---: | ---: | ---: | ---: "
             "| ---: | ---: |"]
    for point in points:
        lines.append(f"| **{point.title}** | | | | | | |")
        floor = results[point.key][FLOOR]
        for name, one in results[point.key].items():
            calls = one["calls"]
            rounds = by_round(float, one)
            def number(value):
                return "" if value is None else f"{value:,.0f}"
            lines.append(
                f"| {name} | {one['cpu_us']:,.0f} "
                f"| {min(rounds):,.0f}–{max(rounds):,.0f} "
                f"| {number(one['private_kib'])} "
                f"| {number(calls and calls['system_calls'])} "
                f"| {number(calls and calls['files_opened'])} "
                f"| {statistics.median(quotients(one, floor)):,.1f} |")
    rows = budgets(results)
    if rows:
        lines += ["", "| budget | reached (rounds) | |", "| --- | ---: | --- |"]
        lines += [f"| {row['what']} | {row['text']} | "
                  f"{'met' if row['met'] else '**not met**'} |" for row in rows]
    point = next((point for point in points
                  if point.bystanders + point.watched == 4000), None)
    if point:
        lines += ["", *table_of_threads(point, results[point.key])]
    return "\n".join(lines)


def table_of_threads(point, result):
    """Which thread uses the CPU of a pass by events. The module's own thread, which makes
    late passes, has the name of the sampler process."""
    threads = {"collectd, main thread": "collectd", "collectd, readers": "reader",
               "collectd, writers": "writer", "sampler process": "resource_attrib"}
    columns = (EVENTS, IN_ONE, DISPATCH, BASE)
    lines = [f"| {point.title}: median CPU by thread, µs | {' | '.join(columns)} |",
             "| --- |" + " ---: |" * len(columns)]
    for title, thread in threads.items():
        used = (statistics.median(one.get(thread, 0) for one in result[name]["threads_us"])
                for name in columns)
        lines.append(f"| {title} | {' | '.join(f'{us:,.0f}' for us in used)} |")
    return lines


def picture(results):
    """CPU of a pass by the number of processes, 4 watched, both logarithmic."""
    totals = [total for total in (400, 1000, 4000, 10000)
              if f"{total}-1s" in results]
    colours = {EVENTS: "#0a7d38", SCAN: "#2a6fdb", PROCESSES: "#c2410c",
               EXPORTER_NAME: "#9333ea", FLOOR: "#6b7280"}
    left, right, top, bottom = 80, 560, 50, 380
    def x(total):
        return left + (right - left) * math.log(total / 400) / math.log(25)
    def y(us):
        return bottom - (bottom - top) * math.log10(max(us, 10) / 10) / 5
    drawing = chart.Chart(760, 440)
    drawing.title(left, 28, "CPU of one pass, 4 processes watched, every second")
    for power in range(1, 7):
        us = 10 ** power
        label = f"{us} µs" if us < 1000 else (
            f"{us // 1000} ms" if us < 10 ** 6 else "1 s")
        drawing.level(left, right, y(us), label)
    for total in totals:
        drawing.centred(x(total), bottom + 20, f"{total:,}")
    drawing.centred((left + right) / 2, bottom + 44, "processes on the host")
    ends = []
    for name, colour in colours.items() if totals else ():
        points = [(x(total), y(results[f"{total}-1s"][name]["cpu_us"]))
                  for total in totals]
        drawing.curve(points, colour, 2.5)
        drawing.dots(points, colour)
        ends.append((points[-1][1], name, colour))
    drawing.names(right + 12, ends)
    return drawing.svg()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true",
                        help="one small point, few passes")
    parser.add_argument("--passes", type=pathlib.Path,
                        help="what Google Benchmark has written of pass_bench")
    parser.add_argument("--points", help="only these, by key: "
                        + ", ".join(point.key for point in POINTS))
    arguments = parser.parse_args()
    points = POINTS
    passes = PASSES_OF_A_ROUND
    if arguments.quick:
        points = [point for point in POINTS if point.key == "400-1s"]
        passes = 3
    if arguments.points:
        by_key = {point.key: point for point in POINTS}
        try:
            points = [by_key[key] for key in arguments.points.split(",")]
        except KeyError as error:
            parser.error(f"--points: there is no {error}; known: {', '.join(by_key)}")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    about = report.machine("collectd-core", "prometheus-process-exporter")
    with tempfile.TemporaryDirectory(prefix="ra-bench.") as directory:
        results = Bench(pathlib.Path(directory), passes).run(
            points, medians(arguments.passes),
            lambda results: write(arguments.output, about, results))
    print(describe(about, results))


def medians(path):
    """The results of pass_bench, if it ran."""
    if not path:
        return {}
    return {PASSES: {one["run_name"]: one["cpu_time"] / 1e6
                     for one in json.loads(path.read_text())["benchmarks"]
                     if one.get("aggregate_name") == "median"}}


def describe(about, results):
    measured = [point for point in POINTS if point.key in results]
    return f"{report.describe(about)}\n\n{table(measured, results)}"


def write(output, about, results):
    """The results as JSON, as a picture, and as the table of the page."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "bench.json").write_text(json.dumps(
        {"machine": about, "results": results, "budgets": budgets(results)},
        indent=1) + "\n")
    (output / "bench.svg").write_text(picture(results))
    page = output / "bench.md"
    if page.exists():
        report.write_tables(
            page, "![CPU of one pass by the number of processes](bench.svg)\n\n"
            f"{describe(about, results)}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    except AssertionError as error:  # It waited in vain.
        sys.exit(f"bench: {error}")
