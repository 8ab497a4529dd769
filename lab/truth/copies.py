"""The copies of a service that run side by side, the load on them, and the collector to
which the traces go."""

import bisect
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import time

from lab.truth import services
from tests.support import proc, programs

# Longer than an exporter waits by default before it sends what it has.
EXPORT_PATIENCE = 20
# Requests a second and copy before the first window.
WARM_RATE = 300
# Seconds with a load before its window.
SETTLE = 2


class Failure(Exception):
    """The run does not count as a measurement."""


class Program:
    """A program that answers each line of its input, and ends with its input."""

    def __init__(self, stack, *command, env=None):
        self.name = " ".join(str(word) for word in command[-2:])
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})},
            # Ctrl-C ends this program, which then ends the others.
            start_new_session=True)
        stack.callback(self.end)
        self.pid = self.process.pid

    def end(self):
        programs.end(self.process)
        with contextlib.suppress(BrokenPipeError):  # what it has not read
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
        return proc.cpu_clock(self.pid)

    def threads(self):
        """{name: CPU seconds of the threads of this name}"""
        seconds = {}
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended
                name = (task / "comm").read_text().rstrip("\n")
                nanoseconds = int((task / "schedstat").read_text().split()[0])
                seconds[name] = seconds.get(name, 0) + nanoseconds / 1e9
        return seconds


class Sink(Program):
    """The collector."""

    def __init__(self, stack):
        super().__init__(stack, services.BUILT / "python/bin/python", "-B",
                         services.HERE / "sink.py")
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


def machine_cpu_seconds():
    """The busy time of all CPUs so far."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(
            int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf(
        "SC_CLK_TCK")


class Copies:
    """Copies of a service under the same load."""

    def __init__(self, stack, service, names):
        self.service = service
        self.sink = Sink(stack)
        self.copies = {name: self.start(stack, name) for name in names}
        ports = [copy.line() for copy in self.copies.values()]
        self.load = Program(stack, "/usr/bin/python3", "-B",
                            services.HERE / "load.py", *ports)

    def start(self, stack, name):
        return Program(stack, *self.service.command(name),
                       env=self.service.environment(name, self.sink.port))

    def answered(self):
        """{copy: requests so far}"""
        return dict(zip(self.copies, self.load.ask_json("counts")))

    def readings(self):
        return {"time": time.time(), "answered": self.answered(),
                "cpu": {name: copy.cpu_seconds()
                        for name, copy in self.copies.items()},
                "threads": {name: copy.threads()
                            for name, copy in self.copies.items()},
                "load_cpu": self.load.cpu_seconds(),
                "sink_cpu": self.sink.cpu_seconds(),
                "machine_cpu": machine_cpu_seconds()}

    def warm(self, series, seconds):
        self.load.ask(f"warm {WARM_RATE}")
        self.watch(series, seconds * self.service.slow_start)
        return self.drain(series)

    def window(self, series, rate, seconds):
        """Readings at the beginning and the end of a window, and resident memory in
        between."""
        self.load.ask(rate)
        self.watch(series, SETTLE)
        begin = self.readings()
        memory = self.watch(series, seconds)
        end = self.readings()
        self.check_rate(rate, begin, end)
        return begin, end, memory

    def drain(self, series):
        """Until all is exported and the plugin has seen it. Returns the time, the
        answers and the exports until then."""
        self.load.ask(0)
        self.wait_for_spans()
        # A whole pass after the last export.
        self.watch(series, 2)
        return {"time": time.time(), "answered": self.answered(),
                "exports": self.sink.counts()["requests"]}

    def exported(self, before, after):
        """What the traced copy exported between two returns of drain."""
        received, sent = (
            later - early for early, later in
            zip(self.sink.at(before["time"]), self.sink.at(after["time"])))
        return {"received": received, "sent": sent,
                "exports": after["exports"] - before["exports"],
                "requests": after["answered"]["traced"]
                - before["answered"]["traced"]}

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
        """Until the sink has all that the traced copy has made, and nothing of the
        others: no span was lost."""
        end = time.monotonic() + EXPORT_PATIENCE
        while True:
            traced = self.answered().get("traced", 0)
            due = {"traced": traced * self.service.spans} if traced else {}
            spans = self.sink.counts()["spans"]
            if spans == due:
                return
            if time.monotonic() > end:
                raise Failure(f"exported were the spans {spans}, not {due}")
            time.sleep(0.2)

    def check_rate(self, rate, begin, end):
        due = rate * (end["time"] - begin["time"])
        for name, count in end["answered"].items():
            count -= begin["answered"][name]
            # Requests of a moment may be under way at either end.
            if abs(count - due) > 2 + 0.01 * due:
                raise Failure(f"{name} answered {count} requests, "
                              f"not {due:.0f}")


def truth(rate, begin, end, memory):
    """The results of a window by the kernel."""
    names = list(memory)
    seconds = end["time"] - begin["time"]
    cpu = {name: end["cpu"][name] - begin["cpu"][name] for name in names}
    requests = {name: end["answered"][name] - begin["answered"][name]
                for name in names}
    tools = sum(end[name] - begin[name] for name in ("load_cpu", "sink_cpu"))
    machine = end["machine_cpu"] - begin["machine_cpu"]
    return {
        "us_per_request": {name: cpu[name] / requests[name] * 1e6
                           for name in names},
        # Scaled to the same number of requests: one copy may have answered more.
        "cpu": {name: cpu[name] / requests[name] * rate * 100
                for name in names},
        "memory": {name: statistics.fmean(memory[name]) for name in names},
        "threads": {name: {thread: (used - begin["threads"][name].get(thread, 0))
                           / seconds * 100
                           for thread, used in end["threads"][name].items()}
                    for name in names},
        "others": (machine - tools - sum(cpu.values())) / seconds * 100,
    }
