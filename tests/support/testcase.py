"""A test that runs real programs: the daemon with the module, and what it watches."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from tests.support import daemon, programs, project, waiting


def run_tests(*namespaces):
    """unittest.main() in new namespaces, given as options of unshare(1)."""
    command = ["unshare", *namespaces]
    if ("IN_NAMESPACES" not in os.environ and os.geteuid() == 0 and
            subprocess.run([*command, "true"], check=False).returncode == 0):
        os.environ["IN_NAMESPACES"] = " ".join(namespaces)
        os.execvp("unshare", [*command, sys.executable, "-B", *sys.argv])
    unittest.main()


class Record(threading.Thread):
    """Reads a counter, such as a CPU time, all the time."""

    def __init__(self, read):
        super().__init__(daemon=True)
        self.read = read
        self.readings = []  # (wall clock, counter)
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(0.02):
            self.readings.append((time.time(), self.read()))

    def at(self, moment):
        """The counter at this time, interpolated. None if no readings surround it."""
        for (t0, c0), (t1, c1) in zip(self.readings, self.readings[1:]):
            if t0 <= moment <= t1:
                return c0 + (c1 - c0) * (moment - t0) / (t1 - t0)
        return None


class TestCase(unittest.TestCase):
    """A test with a directory of its own, whose programs end with it."""

    def setUp(self):
        self.directory = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory(prefix="ra-test.")))
        # Programs that run as another user need the directory, too.
        self.directory.chmod(0o755)

    def run_program(self, *command, **options):
        """Starts a program that is killed when the test ends."""
        for stream in ("stdin", "stdout", "stderr"):
            options.setdefault(stream, subprocess.DEVNULL)
        process = subprocess.Popen([str(word) for word in command], **options)
        self.addCleanup(programs.end, process)
        return process

    def run_group(self, *command, **options):
        """Starts a program in a session of its own. What it starts there is killed with
        it."""
        process = self.run_program(*command, start_new_session=True, **options)
        self.addCleanup(programs.end_group, process)
        return process

    def actor(self, *arguments, interpreter=sys.executable, **options):
        """Starts an actor whose command line ends with `arguments`."""
        # Other users may be unable to read the sources.
        program = self.directory / programs.ACTOR.name
        if not program.exists():
            shutil.copy(programs.ACTOR, program)
        actor = programs.Actor(self.run_program(
            interpreter, "-B", program, *arguments, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=None, **options))
        self.addCleanup(actor.close)
        return actor

    def record(self, read):
        """Records what `read` returns until the test ends."""
        record = Record(read)
        record.start()
        self.addCleanup(record.stopping.set)
        return record

    def collectd(self, config, **options):
        collectd = daemon.Collectd(self.directory, config, **options)
        self.addCleanup(collectd.kill)
        return collectd

    def run_check(self, *arguments, wrapper=(), **env):
        """Runs resource-attribution-check beside the module that was built."""
        temporary = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        temporary.chmod(0o777)
        if project.SANITIZER_RUNTIME:
            # mawk calls memcmp with lengths beyond its buffer; it stops at the first
            # difference.
            env.update(LD_PRELOAD=project.SANITIZER_RUNTIME,
                       ASAN_OPTIONS="detect_leaks=0:strict_memcmp=0")
        build = project.BUILD_DIR
        if wrapper:
            # Another user may be unable to read the build.
            build = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
            build.chmod(0o755)
            for file in (project.CHECK, *project.MODULE_FILES):
                shutil.copy(file, build)
        result = subprocess.run(
            [*wrapper, build / project.CHECK.name, "--plugin-dir", build, *arguments],
            capture_output=True, text=True, timeout=waiting.PATIENCE,
            env={**os.environ, "TMPDIR": str(temporary), **env})
        self.assertEqual(list(temporary.iterdir()), [], "left behind")
        return result

    def start_collectd(self, *options):
        """The daemon with these options of the plugin and a block "self", which
        watches the daemon. Returns after a pass."""
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
        """Stops the daemon, which must not have logged an error or a warning."""
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()
