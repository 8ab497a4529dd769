"""Runs the real programs from Debian's packages for the tests: collectd with
the module that was built, and whatever it watches. Everything lives in a
temporary directory, listens on loopback and ends with its test."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

BUILD_DIR = pathlib.Path(os.environ["BUILD_DIR"])
SOURCE_DIR = pathlib.Path(os.environ["SOURCE_DIR"])
SANITIZER_RUNTIME = os.environ.get("SANITIZER_RUNTIME", "")
MODULE = BUILD_DIR / "resource_attribution.so"
COLLECTD = "/usr/sbin/collectd"
PREFIX = "collectd_resource_attribution_"
TYPES = (
    "process_memory_bytes",
    "process_memory_peak_bytes",
    "process_cpu_percent",
    "tracing_memory_overhead_bytes",
    "tracing_cpu_overhead_percent",
)
# How long something may take that takes a moment: a hang is told by it, nothing
# is measured by it.
PATIENCE = 60


def plugin_directory():
    text = subprocess.run([COLLECTD, "-h"], capture_output=True, text=True).stdout
    return pathlib.Path(re.search(r"Plugin directory +(\S+)", text)[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, log=lambda: ""):
    """The first true value of `condition()`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}\n{log()}")


class TestCase(unittest.TestCase):
    """A test with a directory of its own, whose programs end with it."""

    def setUp(self):
        self.directory = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(prefix="ra-test.")))
        # Programs that give up root have to get here.
        self.directory.chmod(0o755)

    def run_program(self, *command, **options):
        """Starts a program that is killed when the test ends."""
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, **options)
        self.addCleanup(end, process)
        return process

    def collectd(self, config, **options):
        daemon = Collectd(self.directory, config, **options)
        self.addCleanup(daemon.kill)
        return daemon


def end(process):
    """Ends a program for good and collects it."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


class Collectd:
    """The daemon, in its own directory."""

    def __init__(self, directory, config, interval=0.5, env=None, user=None,
                 writer=True):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="collectd.",
                                                       dir=directory))
        self.directory.chmod(0o777 if user else 0o755)
        self.config = config
        self.interval = interval
        self.env = env or {}
        self.user = user
        self.writer = writer
        self.process = None
        self._fill_plugin_directory()

    def _fill_plugin_directory(self):
        # The loader takes regular files from one directory, no links.
        plugins = self.directory / "plugins"
        plugins.mkdir()
        shutil.copy(MODULE, plugins)
        for name in ("write_prometheus.so", "logfile.so"):
            shutil.copy(plugin_directory() / name, plugins)

    def _write_config(self):
        self.port = free_port()
        writer = f"""
            LoadPlugin write_prometheus
            <Plugin write_prometheus>
              Host "127.0.0.1"
              Port "{self.port}"
            </Plugin>""" if self.writer else ""
        path = self.directory / "collectd.conf"
        path.write_text(f"""
            Hostname "testhost"
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
            {self.config}
            """)
        return path

    def _environment(self):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("RESOURCE_ATTRIBUTION_")}
        if SANITIZER_RUNTIME:
            # Leaks of the daemon itself must not fail it; ours are looked for
            # in the reports.
            env.update({
                "LD_PRELOAD": SANITIZER_RUNTIME,
                "ASAN_OPTIONS": "detect_leaks=1:fast_unwind_on_malloc=0:"
                                f"log_path={self.directory}/sanitizer",
                "UBSAN_OPTIONS": "print_stacktrace=1:"
                                 f"log_path={self.directory}/sanitizer",
                "LSAN_OPTIONS": "exitcode=0",
            })
        return {**env, **self.env}

    def _popen(self, *options):
        stderr = open(self.directory / "stderr", "ab")
        with stderr:
            self.process = subprocess.Popen(
                [COLLECTD, *options, "-C", str(self._write_config())],
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                env=self._environment(), cwd=self.directory,
                **({"user": self.user, "group": "nogroup", "extra_groups": []}
                   if self.user else {}))

    def start(self):
        """Starts the daemon and waits until it serves metrics."""
        for _ in range(5):
            self._popen("-f")
            def ready():
                return (self.process.poll() is not None
                        or "entering read-loop" in self.log())
            wait_for(ready, "collectd to start", self.log)
            if "Opening a listening socket" not in self.log():
                break
            # Somebody else took the port in between.
            end(self.process)
            (self.directory / "log").unlink()
        if self.process.poll() is not None:
            raise AssertionError(f"collectd did not start\n{self.log()}")
        return self

    def check(self):
        """Runs `collectd -T` and returns its exit status."""
        self._popen("-T")
        status = self.process.wait(PATIENCE)
        self._complain_of_sanitizer()
        return status

    def stop(self):
        """Stops the daemon as its service manager does."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self._complain_of_sanitizer()
        if status != 0:
            raise AssertionError(f"collectd ended with {status}\n{self.log()}")

    def kill(self):
        if self.process is not None:
            end(self.process)

    def _complain_of_sanitizer(self):
        for report in self.directory.glob("sanitizer.*"):
            text = report.read_text(errors="replace")
            for record in text.split("\n\n"):
                is_leak = "leak of" in record
                if "resource_attribution" in record or (
                        not is_leak and re.search(
                            r"ERROR: AddressSanitizer|runtime error:", record)):
                    raise AssertionError(f"sanitizer:\n{record}")

    def log(self):
        """Everything that the daemon said so far."""
        text = ""
        for name in ("log", "stderr"):
            with contextlib.suppress(FileNotFoundError):
                text += (self.directory / name).read_text(errors="replace")
        return text

    def lines(self, severity):
        """Our lines of one severity ("error", "notice", …)."""
        mark = f"[{severity}] resource_attribution plugin: "
        return [line.split(mark)[1] for line in self.log().splitlines()
                if mark in line]

    def metrics_text(self):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/metrics", timeout=PATIENCE) as reply:
            return reply.read().decode()

    def samples(self):
        """Our samples now: {block: {type: (value, time in seconds)}}."""
        blocks = {}
        try:
            text = self.metrics_text()
        except urllib.error.URLError:
            return blocks
        for family in text_string_to_metric_families(text):
            if not family.name.startswith(PREFIX):
                continue
            for sample in family.samples:
                assert sample.labels["instance"] == "testhost", sample
                block = blocks.setdefault(
                    sample.labels["resource_attribution"], {})
                block[family.name[len(PREFIX):]] = (
                    sample.value, float(sample.timestamp))
        return blocks

    def wait_for_values(self, *blocks):
        """{block: {type: value}} once all five are there for these blocks."""
        def complete():
            samples = self.samples()
            if all(set(samples.get(block, {})) == set(TYPES)
                   for block in blocks):
                return {block: {name: value for name, (value, _) in
                                values.items()}
                        for block, values in samples.items()}
            return None
        return wait_for(complete, f"five values of {blocks}", self.log)


def status_kb(pid, key):
    """A size of /proc/PID/status in kB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB$", text, re.MULTILINE)[1])


def cpu_seconds(pid):
    """utime + stime of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    utime, stime = fields.split()[11:13]
    return (int(utime) + int(stime)) / os.sysconf("SC_CLK_TCK")
