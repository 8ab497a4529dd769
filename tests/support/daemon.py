"""Runs the real collectd with the module of the build."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from tests.support import loopback, needs, proc, programs, project, waiting

COLLECTD = "/usr/sbin/collectd"
PREFIX = "collectd_resource_attribution_"
TYPES = (
    "process_memory_bytes",
    "process_memory_peak_bytes",
    "process_cpu_percent",
    "tracing_memory_overhead_bytes",
    "tracing_cpu_overhead_percent",
)


def plugin_directory():
    text = subprocess.run([COLLECTD, "-h"], capture_output=True, text=True).stdout
    return pathlib.Path(re.search(r"Plugin directory +(\S+)", text)[1])


class Collectd:
    """The daemon, in its own directory. `wrapper` is the beginning of a command that
    executes its last arguments, as prlimit(1) does. `plugins` names the plugins of
    collectd that the configuration loads. With `writer=False`, the configuration may
    have a write_prometheus of its own, at port @PORT@."""

    def __init__(self, directory, config, interval=0.5, env=None, user=None,
                 writer=True, wrapper=(), hostname="testhost", plugins=()):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="collectd.",
                                                       dir=directory))
        self.directory.chmod(0o777 if user else 0o755)
        self.config = config
        self.interval = interval
        self.env = env or {}
        self.user = user
        self.writer = writer
        self.wrapper = wrapper
        self.hostname = hostname
        self.process = None
        self._fill_plugin_directory(plugins)

    def _fill_plugin_directory(self, names):
        # The loader takes regular files from one directory, no links.
        plugins = self.directory / "plugins"
        plugins.mkdir()
        for file in project.MODULE_FILES:
            shutil.copy(file, plugins)
        for name in ("write_prometheus", "logfile", *names):
            shutil.copy(plugin_directory() / f"{name}.so", plugins)

    def write_config(self):
        self.port = loopback.free_port()
        writer = f"""
            LoadPlugin write_prometheus
            <Plugin write_prometheus>
              Host "127.0.0.1"
              Port "{self.port}"
            </Plugin>""" if self.writer else ""
        path = self.directory / "collectd.conf"
        path.write_text(f"""
            Hostname "{self.hostname}"
            FQDNLookup false
            BaseDir "{self.directory}"
            PIDFile "{self.directory}/collectd.pid"
            PluginDir "{self.directory}/plugins"
            Interval {self.interval}
            LoadPlugin logfile
            <Plugin logfile>
              LogLevel info
              File "{self.directory}/log"
              Timestamp false
              PrintSeverity true
            </Plugin>
            {writer}
            {self.config.replace("@PORT@", str(self.port))}
            """)
        return path

    def _environment(self):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("RESOURCE_ATTRIBUTION_")}
        if project.SANITIZER_RUNTIME:
            # The daemon has leaks of its own, which must not fail it. The reports
            # show ours.
            env.update({
                "LD_PRELOAD": project.SANITIZER_RUNTIME,
                "ASAN_OPTIONS": "detect_leaks=1:fast_unwind_on_malloc=0:"
                                f"log_path={self.directory}/sanitizer",
                "UBSAN_OPTIONS": "print_stacktrace=1:"
                                 f"log_path={self.directory}/sanitizer",
                "LSAN_OPTIONS": "exitcode=0",
                "TSAN_OPTIONS": "exitcode=0:"
                                f"log_path={self.directory}/sanitizer",
            })
        return {**env, **self.env}

    def _popen(self, *options):
        command = [COLLECTD, *options, "-C", str(self.write_config())]
        if self.user:
            command = ["setpriv", "--reuid", self.user, "--regid", "nogroup",
                       "--clear-groups", *command]
        stderr = open(self.directory / "stderr", "ab")
        with stderr:
            self.process = subprocess.Popen(
                [*self.wrapper, *command], stdin=subprocess.DEVNULL,
                stdout=stderr, stderr=stderr, env=self._environment(),
                cwd=self.directory)

    def start(self):
        """Starts the daemon and waits until it serves metrics."""
        if not needs.listens_on_loopback():
            raise unittest.SkipTest(needs.NOT_LISTENING)
        for _ in range(5):
            self._popen("-f")
            def ready():
                return (self.process.poll() is not None
                        or "entering read-loop" in self.log())
            waiting.wait_for(ready, "collectd to start", self.log)
            if "Opening a listening socket" not in self.log():
                break
            # Another program took the port in between.
            programs.end(self.process)
            (self.directory / "log").unlink()
        if self.process.poll() is not None:
            raise AssertionError(f"collectd did not start\n{self.log()}")
        return self

    def check(self):
        """Runs `collectd -T` and returns its exit status."""
        self._popen("-T")
        status = self.process.wait(waiting.PATIENCE)
        self._complain_of_sanitizer()
        return status

    def stop(self):
        """Stops the daemon as its service manager does."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(waiting.PATIENCE)
        self._complain_of_sanitizer()
        if status != 0:
            raise AssertionError(f"collectd ended with {status}\n{self.log()}")
        # The daemon's own complaint of values that we hand over.
        if "UNKNOWN plugin" in self.log():
            raise AssertionError(self.log())

    def kill(self):
        if self.process is not None:
            programs.end(self.process)

    def _complain_of_sanitizer(self):
        for report in self.directory.glob("sanitizer.*"):
            text = report.read_text(errors="replace")
            for record in text.split("\n\n"):
                is_leak = "leak of" in record
                if "resource_attribution" in record or (
                        not is_leak and re.search(
                            r"ERROR: AddressSanitizer|runtime error:", record)):
                    raise AssertionError(f"sanitizer:\n{record}")

    def sampler(self):
        """The PID of the child that makes the passes."""
        [pid] = waiting.wait_for(lambda: proc.children(self.process.pid),
                                 "the sampler process", self.log)
        return pid

    def log(self):
        """Everything that the daemon has logged."""
        text = ""
        for name in ("log", "stderr"):
            with contextlib.suppress(FileNotFoundError):
                text += (self.directory / name).read_text(errors="replace")
        return text

    def lines(self, severity):
        """The plugin's log lines of one severity ("error", "notice", …)."""
        mark = f"[{severity}] resource_attribution plugin: "
        return [line.split(mark)[1] for line in self.log().splitlines()
                if mark in line]

    def wait_for_line(self, text):
        """Waits until the log has this text."""
        waiting.wait_for(lambda: text in self.log(), text, self.log)

    def metrics_text(self):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/metrics",
                timeout=waiting.PATIENCE) as reply:
            return reply.read().decode()

    def all_samples(self):
        """The plugin's samples now: block, type instance, type, value, time in
        seconds."""
        try:
            text = self.metrics_text()
        except (urllib.error.URLError, ConnectionError):
            return
        for family in text_string_to_metric_families(text):
            if not family.name.startswith(PREFIX):
                continue
            for sample in family.samples:
                assert sample.labels["instance"] == self.hostname, sample
                yield (sample.labels["resource_attribution"],
                       sample.labels.get("type", ""), family.name[len(PREFIX):],
                       sample.value, float(sample.timestamp))

    def samples(self):
        """The plugin's samples now: {block: {type: (value, time in seconds)}}."""
        blocks = {}
        for block, pid, name, value, time_ in self.all_samples():
            if not pid:
                blocks.setdefault(block, {})[name] = (value, time_)
        return blocks

    def singles(self):
        """The samples of blocks with PerProcess: {block: {PID: {type: value}}}."""
        blocks = {}
        for block, pid, name, value, _ in self.all_samples():
            if pid:
                process = blocks.setdefault(block, {}).setdefault(int(pid), {})
                process[name] = value
        return blocks

    def counts(self):
        """How many processes each block had in the last pass."""
        return {block: round(values["tracing_cpu_overhead_percent"][0] / 0.5)
                for block, values in self.samples().items()
                if "tracing_cpu_overhead_percent" in values}

    def wait_for_counts(self, **counts):
        """Waits until the blocks have as many processes; 0: no values."""
        last = {}
        def reached():
            nonlocal last
            last = self.counts()
            return all(last.get(block, 0) == count
                       for block, count in counts.items())
        waiting.wait_for(reached, f"{counts}",
                         lambda: f"last: {last}\n{self.log()}")

    def wait_for_passes(self, block="self"):
        """Waits until a pass that begins after this call has handed over
        everything. `block` is the last that always has values."""
        # The first new time may be that of a pass that had begun already, and
        # the third says that the second pass is over.
        times = set()
        def passed():
            values = self.samples().get(block, {})
            times.update(time_ for _, time_ in values.values())
            return len(times) >= 4
        waiting.wait_for(passed, "passes", self.log)

    def wait_for_values(self, *blocks):
        """{block: {type: value}}, once these blocks have all five types."""
        def complete():
            samples = self.samples()
            if all(set(samples.get(block, {})) == set(TYPES)
                   for block in blocks):
                return {block: {name: value for name, (value, _) in
                                values.items()}
                        for block, values in samples.items()}
            return None
        return waiting.wait_for(complete, f"five values of {blocks}", self.log)
