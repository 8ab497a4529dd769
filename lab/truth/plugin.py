"""What the plugin reports of the copies: a collectd of its own, the blocks, and their
values."""

import contextlib
import pathlib
import re
import statistics
import subprocess
import tempfile

from prometheus_client.parser import text_string_to_metric_families

from lab.truth import services
from lab.truth.copies import Failure
from tests.support import daemon, project

# Seconds between two passes, and passes of CompareWindow.
INTERVAL, COMPARE_WINDOW = 1, 10

CPU, MEMORY = "process_cpu_percent", "process_memory_bytes"
COMPONENT_CPU = "process_component_cpu_percent"
TRACING_CPU = "tracing_cpu_overhead_percent"
TRACING_MEMORY = "tracing_memory_overhead_bytes"
TRACING = {"cpu": TRACING_CPU, "memory": TRACING_MEMORY}
# write_prometheus names the two data sources of a cumulative type like this.
SENT = "tracing_network_bytes_sent_total"
RECEIVED = "tracing_network_bytes_received_total"

COMPARED = ('TracingOverhead "Compared"', f"CompareWindow {COMPARE_WINDOW}")


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

    def all(self, block_, name, instance=""):
        """[(time, value)], at least one."""
        values = self.values.get((block_, instance, name))
        if not values:
            of_block = sorted({key[1:] for key in self.values
                               if key[0] == block_})
            raise Failure(f"block {block_!r} has no {name} {instance!r}, only "
                          f"{of_block}\n{self.collectd.log()}")
        return sorted(values.items())

    def within(self, window, block_, name, instance=""):
        """The values of the passes of a window, of which none is missing."""
        begin, end = window
        values = [value for time_, value in self.all(block_, name, instance)
                  if begin < time_ <= end]
        due = int((end - begin) / INTERVAL)
        if len(values) < due - 2:
            raise Failure(f"block {block_!r} has {name} for {len(values)} "
                          f"passes of {due}\n{self.collectd.log()}")
        return values

    def mean(self, *arguments):
        return statistics.fmean(self.within(*arguments))

    def compared(self, window, block_, name):
        """The values at the ends of the parts of a window: each is the average over the
        passes of a part. None where the plugin had no value."""
        begin, end = window
        passes = [time_ for time_, _ in self.all(block_, CPU) if begin < time_ <= end]
        said = self.values.get((block_, "", name), {})
        return [said.get(time_) for time_ in passes[::-1][::COMPARE_WINDOW]
                if time_ - begin > (COMPARE_WINDOW - 2) * INTERVAL]

    def at(self, moment, block_, name):
        """The last pass until then: its time and its value."""
        return [one for one in self.all(block_, name) if one[0] <= moment][-1]


@contextlib.contextmanager
def running_collectd(blocks):
    """The daemon with these blocks. It must log no error and no warning."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ra-measured."))
        collectd = daemon.Collectd(
            directory, configuration(blocks, f"Interval {INTERVAL}"),
            interval=INTERVAL, wrapper=("setpriv", "--pdeathsig", "KILL"))
        stack.callback(collectd.kill)
        collectd.start()
        yield collectd
        complaints = collectd.lines("error") + collectd.lines("warning")
        if complaints:
            raise Failure("collectd complains:\n" + "\n".join(complaints))
        collectd.stop()


def configuration(blocks, *options):
    return "\n".join(["LoadPlugin resource_attribution",
                      "<Plugin resource_attribution>", *options, *blocks, "</Plugin>",
                      ""])


def block(name, *options):
    return "\n".join([f'<Process "{name}">', *options, "</Process>"])


class Blocks:
    """The blocks that watch copies, each by a file with its PID."""

    def __init__(self, stack, copies):
        self.copies = copies
        self.directory = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="ra-copies.")))
        pids = {name: copy.pid for name, copy in copies.copies.items()}
        for name, pid in {**pids, "sink": copies.sink.pid}.items():
            self.path(name).write_text(f"{pid}\n")

    def path(self, name):
        return self.directory / f"{name}.pid"

    def selects(self, *names):
        return [f'PIDFile "{self.path(name)}"' for name in names]

    def untraced(self, *names):
        return ["<Untraced>", *self.selects(*names), "</Untraced>"]

    def estimate(self):
        return block("estimate", *self.selects("traced"))

    def control(self):
        """Two copies that do not differ; a selector tells them apart."""
        return block("compared-control", *self.selects("control", "off"), *COMPARED,
                     *self.untraced("off"))

    def all(self):
        return [
            self.estimate(), self.control(),
            # Two on one side, so that the noise of memory is known.
            block("compared", *self.selects("traced", "off", "control"),
                  "TracingDetect true", *COMPARED,
                  f"TracingExportPort {self.copies.sink.port}"),
            block("threads", *self.selects("traced"), 'TracingOverhead "Threads"'),
            block("off", *self.selects("off"), "TracingDetect true"),
            block("collector", *self.selects("sink"), "TracingProcess true"),
        ]

    def detected(self):
        """{process: (answer, evidence)}, as resource-attribution-check says of the
        copies, and of one without variables."""
        with contextlib.ExitStack() as stack:
            unset = self.copies.start(stack, services.UNSET)
            unset.line()
            self.path(services.UNSET).write_text(f"{unset.pid}\n")
            return self.check([*self.copies.copies, services.UNSET])

    def check(self, names):
        config = self.directory / "check.conf"
        config.write_text(configuration([
            block(name, *self.selects(name), "TracingDetect true")
            for name in names]))
        said = subprocess.run(
            [project.CHECK, "--plugin-dir", project.BUILD_DIR, config],
            capture_output=True, text=True, check=False)
        answers = {}
        for name in names:
            found = re.search(rf"^{name} .*\n  \d+ .*, tracing: (\w+) \((.*)\)$",
                              said.stdout, re.MULTILINE)
            if not found:
                raise Failure(f"{project.CHECK.name} says of {name}:\n"
                              f"{said.stdout}{said.stderr}")
            answers[name] = found.groups()
        return answers


def traffic(sink, series, begin, end):
    """What was counted between two moments at which nothing was under way, by the sink
    and by the plugin."""
    (_, sent), (_, sent_later) = (series.at(moment, "compared", SENT)
                                  for moment in (begin, end))
    (_, received), (_, received_later) = (series.at(moment, "compared", RECEIVED)
                                          for moment in (begin, end))
    # The bytes that one side receives are those that the other has sent.
    truth_sent, truth_received = (
        after - before for before, after in zip(sink.at(begin), sink.at(end)))
    return {"truth_sent": truth_sent, "truth_received": truth_received,
            "sent": sent_later - sent, "received": received_later - received}


def reported(series, window, truth_only):
    """The results of a window by the plugin."""
    values = {
        "traced": {"cpu": series.mean(window, "estimate", CPU),
                   "memory": series.mean(window, "estimate", MEMORY)},
        "estimate": {name: series.mean(window, "estimate", of)
                     for name, of in TRACING.items()}}
    if truth_only:
        return values
    for name in ("compared", "compared-control"):
        values[name] = {resource: series.compared(window, name, of)
                        for resource, of in TRACING.items()}
    # Some runtimes have no thread for it: no value.
    with contextlib.suppress(Failure):
        values["threads"] = {"cpu": series.mean(window, "threads", TRACING_CPU)}
    for name in TRACING.values():
        if any(series.within(window, "off", name)):
            raise Failure(f"a process with tracing off has {name}")
    for overhead, whole in ((TRACING_CPU, CPU), (TRACING_MEMORY, MEMORY)):
        if (series.within(window, "collector", overhead)
                != series.within(window, "collector", whole)):
            raise Failure(f"TracingProcess: {overhead} is not {whole}")
    return values
