"""Runs the real programs from Debian's packages for the tests: collectd with
the module that was built, and whatever it watches. Everything lives in a
temporary directory, listens on loopback and ends with its test."""

import ast
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

BUILD_DIR = pathlib.Path(os.environ["BUILD_DIR"])
SOURCE_DIR = pathlib.Path(os.environ["SOURCE_DIR"])
SANITIZER_RUNTIME = os.environ.get("SANITIZER_RUNTIME", "")
MODULE = BUILD_DIR / "resource_attribution.so"
CHECK = BUILD_DIR / "resource-attribution-check"
COLLECTD = "/usr/sbin/collectd"
ACTOR = pathlib.Path(__file__).parent / "actor.py"
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


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shipped(path, replacements):
    """A file that the project ships, with nothing but these texts of it
    replaced."""
    text = (SOURCE_DIR / path).read_text()
    for old, new in replacements.items():
        assert old in text, f"{path} has no {old}"
        text = text.replace(old, str(new))
    return text


def wait_for(condition, what, log=lambda: ""):
    """The first true value of `condition()`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}\n{log()}")


needs_root = unittest.skipUnless(os.geteuid() == 0, "only root can do this")


def works(*command):
    """Whether the command is there and succeeds."""
    return shutil.which(command[0]) is not None and subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False).returncode == 0


def needs_unshare(*namespaces):
    """Skips a test that cannot make these namespaces, options of unshare(1)."""
    return unittest.skipUnless(works("unshare", *namespaces, "true"),
                               f"needs unshare {' '.join(namespaces)}")


def can_choose_pid():
    """Whether ns_last_pid can be written: the kernel asks for a capability."""
    last_pid = pathlib.Path("/proc/sys/kernel/ns_last_pid")
    try:
        last_pid.write_text(last_pid.read_text())
    except OSError:
        return False
    return True


def as_nobody(*capabilities):
    """The command that runs another as a user with only these capabilities."""
    has = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
            "--clear-groups", "--bounding-set", has, "--inh-caps", has,
            "--ambient-caps", has]


def needs_capabilities(*names):
    """Skips a test that cannot give these capabilities to another user."""
    return unittest.skipUnless(works(*as_nobody(*names), "true"),
                               f"needs the capabilities {', '.join(names)}"
                               if names else "needs to become another user")


def listens_on_loopback():
    """Whether write_prometheus can listen: it asks only for addresses of families
    of which the host has an address besides that of loopback."""
    try:
        socket.getaddrinfo("127.0.0.1", 9103, family=socket.AF_INET,
                           type=socket.SOCK_STREAM,
                           flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG)
    except socket.gaierror:
        return False
    return True


NOT_LISTENING = "write_prometheus needs an address besides loopback's"
needs_listening = unittest.skipUnless(listens_on_loopback(), NOT_LISTENING)


def has_process_events():
    """Whether the kernel answers a subscription to its process events."""
    netlink_connector, idx_proc, val_proc, mcast_listen, ack = 11, 1, 1, 1, 4711
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM,
                       netlink_connector) as events:
        events.settimeout(5)
        try:
            events.bind((0, idx_proc))
            message = struct.pack("=IIIIHHI", idx_proc, val_proc, 0, ack, 4, 0,
                                  mcast_listen)
            header = struct.pack("=IHHII", 16 + len(message), 3, 0, 0, 0)
            events.send(header + message)
            # Others' events may go on without end where there is no answer.
            end = time.monotonic() + 5
            while time.monotonic() < end:
                # Behind both headers: what it is, 0 for the answer, on which
                # CPU and when, and the error.
                answer = events.recv(4096)
                what, _, _, error = struct.unpack_from("=IIQI", answer, 36)
                if (what, answer[28:32]) == (0, struct.pack("=I", ack + 1)):
                    return error == 0
        except OSError:
            pass
    return False


needs_process_events = unittest.skipUnless(
    has_process_events(), "the kernel tells this user, or in this namespace, "
    "no process events")
# In namespaces that run_tests made.
needs_namespaces = unittest.skipUnless(
    "IN_NAMESPACES" in os.environ, "only root can make namespaces")


def run_tests(*namespaces):
    """unittest.main() in new namespaces, which options of unshare(1) name."""
    command = ["unshare", *namespaces]
    if ("IN_NAMESPACES" not in os.environ and os.geteuid() == 0 and
            subprocess.run([*command, "true"], check=False).returncode == 0):
        os.environ["IN_NAMESPACES"] = " ".join(namespaces)
        os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv])
    unittest.main()


class TestCase(unittest.TestCase):
    """A test with a directory of its own, whose programs end with it."""

    def setUp(self):
        self.directory = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(prefix="ra-test.")))
        # Programs that give up root have to get here.
        self.directory.chmod(0o755)

    def run_program(self, *command, **options):
        """Starts a program that is killed when the test ends."""
        for stream in ("stdin", "stdout", "stderr"):
            options.setdefault(stream, subprocess.DEVNULL)
        process = subprocess.Popen([str(word) for word in command], **options)
        self.addCleanup(end, process)
        return process

    def run_group(self, *command, **options):
        """The same, and kills all processes of its session."""
        process = self.run_program(*command, start_new_session=True, **options)
        self.addCleanup(end_group, process)
        return process

    def actor(self, *arguments, interpreter=sys.executable, **options):
        """Starts an actor whose command line ends with `arguments`."""
        # Other users may have no way to the sources.
        program = self.directory / ACTOR.name
        if not program.exists():
            shutil.copy(ACTOR, program)
        actor = Actor(self.run_program(
            interpreter, "-B", program, *arguments, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=None, **options))
        self.addCleanup(actor.close)
        return actor

    def record(self, read):
        """Records the results of `read` until the test ends."""
        record = Record(read)
        record.start()
        self.addCleanup(record.stopping.set)
        return record

    def collectd(self, config, **options):
        daemon = Collectd(self.directory, config, **options)
        self.addCleanup(daemon.kill)
        return daemon

    def run_check(self, *arguments, wrapper=(), **env):
        """Runs resource-attribution-check beside the module that was built."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        temporary.chmod(0o777)
        if SANITIZER_RUNTIME:
            # mawk compares beyond what it has, up to the first difference.
            env.update(LD_PRELOAD=SANITIZER_RUNTIME,
                       ASAN_OPTIONS="detect_leaks=0:strict_memcmp=0")
        build = BUILD_DIR
        if wrapper:
            # Another user may have no way to the build.
            build = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
            build.chmod(0o755)
            shutil.copy(CHECK, build)
            shutil.copy(MODULE, build)
        result = subprocess.run(
            [*wrapper, build / CHECK.name, "--plugin-dir", build, *arguments],
            capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, "TMPDIR": str(temporary), **env})
        self.assertEqual(list(temporary.iterdir()), [], "left behind")
        return result

    def start_collectd(self, *options):
        """The daemon with these options of ours, and itself as the block "self",
        once it has passed."""
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.2",
            *options,
            '<Process "self">', "Self true", "</Process>",
            "</Plugin>"])).start()
        collectd.wait_for_passes()
        return collectd

    def assert_quiet_end(self, collectd):
        """Stops the daemon; fails if it logged a warning or an error."""
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()

    def nginx_config(self, workers):
        """The path of a configuration with a socket in the directory."""
        # As root the workers would become another user, without a way in here.
        user = "user root;" if os.geteuid() == 0 else ""
        config = self.directory / "nginx.conf"
        config.write_text(f"""
            daemon off;
            {user}
            worker_processes {workers};
            pid {self.directory}/nginx.pid;
            error_log {self.directory}/nginx.log;
            events {{ }}
            http {{
              access_log off;
              client_body_temp_path {self.directory}/body;
              proxy_temp_path {self.directory}/proxy;
              fastcgi_temp_path {self.directory}/fastcgi;
              uwsgi_temp_path {self.directory}/uwsgi;
              scgi_temp_path {self.directory}/scgi;
              server {{ listen unix:{self.directory}/nginx.sock; }}
            }}""")
        return config


def end(process):
    """Ends a program for good and collects it."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


def end_group(leader):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)


class Record(threading.Thread):
    """Readings of a counter, such as a CPU time, to compare with."""

    def __init__(self, read):
        super().__init__(daemon=True)
        self.read = read
        self.readings = []  # (wall clock, counter)
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.02):
            self.readings.append((time.time(), self.read()))

    def at(self, moment):
        """The counter then, interpolated; none outside of the readings."""
        for (t0, c0), (t1, c1) in zip(self.readings, self.readings[1:]):
            if t0 <= moment <= t1:
                return c0 + (c1 - c0) * (moment - t0) / (t1 - t0)
        return None


class Actor:
    """A process under command, see actor.py."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid
        self.do("None")

    def tell(self, expression):
        self.process.stdin.write(expression.encode() + b"\n")
        self.process.stdin.flush()

    def do(self, expression):
        """Returns what the expression yields in the actor."""
        self.tell(expression)
        return ast.literal_eval(self.process.stdout.readline().decode())

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


class WithoutEvents:
    """Tests on kernels that send no process events."""

    def test_scans_and_says_why(self):
        collectd = self.start_collectd(
            '<Process "later">', f'CommandLine "{self.directory}/mark"',
            "</Process>")
        self.actor(self.directory / "mark")
        collectd.wait_for_counts(later=1)
        [started] = [line for line in collectd.lines("info")
                     if "started" in line]
        self.assertRegex(started, r"discovery by scanning /proc \(process "
                                  r"events: .+\)$")
        self.assert_quiet_end(collectd)

    def test_does_not_start_where_events_are_demanded(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Discovery "Events"
              Process "sleep"
            </Plugin>""")
        self.assertNotEqual(collectd.check(), 0)
        [error] = collectd.lines("error")
        self.assertRegex(error, r'^not started: option Discovery "Events": '
                                r"process events: .+; expected ")


class Collectd:
    """The daemon, in its own directory. `wrapper` is a command that ends by
    executing the command in its last arguments, as prlimit(1) does; `plugins`
    names the plugins of collectd that the configuration loads. With
    `writer=False`, the configuration may have a write_prometheus of its own, at
    port @PORT@."""

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
        shutil.copy(MODULE, plugins)
        for name in ("write_prometheus", "logfile", *names):
            shutil.copy(plugin_directory() / f"{name}.so", plugins)

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
                "TSAN_OPTIONS": "exitcode=0:"
                                f"log_path={self.directory}/sanitizer",
            })
        return {**env, **self.env}

    def _popen(self, *options):
        command = [COLLECTD, *options, "-C", str(self._write_config())]
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
        if not listens_on_loopback():
            raise unittest.SkipTest(NOT_LISTENING)
        for _ in range(5):
            self._popen("-f")
            def ready():
                return (self.process.poll() is not None
                        or "entering read-loop" in self.log())
            wait_for(ready, "collectd to start", self.log)
            if "Opening a listening socket" not in self.log():
                break
            # Another process took the port in between.
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
        """Everything that the daemon has logged so far."""
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

    def all_samples(self):
        """Our samples now: block, type instance, type, value, time in seconds.
        """
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
        """Our samples now: {block: {type: (value, time in seconds)}}."""
        blocks = {}
        for block, pid, name, value, time_ in self.all_samples():
            if not pid:
                blocks.setdefault(block, {})[name] = (value, time_)
        return blocks

    def singles(self):
        """Samples of blocks with PerProcess: {block: {PID: {type: value}}}."""
        blocks = {}
        for block, pid, name, value, _ in self.all_samples():
            if pid:
                process = blocks.setdefault(block, {}).setdefault(int(pid), {})
                process[name] = value
        return blocks

    def counts(self):
        """How many processes each block has now, or had until a moment ago."""
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
        wait_for(reached, f"{counts}", lambda: f"last: {last}\n{self.log()}")

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
        wait_for(passed, "passes", self.log)

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
