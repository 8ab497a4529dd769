"""scripts/demo, as a user runs it after cloning the repository."""

import os
import re
import signal
import socket
import subprocess
import unittest
import urllib.request

from tests.support import (
    daemon, loopback, needs, proc, programs, project, testcase, waiting)

DEMO = project.SOURCE_DIR / "scripts" / "demo"


class DemoTest(testcase.TestCase):

    def start(self, *arguments):
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [DEMO, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, env={**os.environ, "TMPDIR": str(temporary)})
        self.addCleanup(process.stdout.close)
        self.addCleanup(programs.end, process)
        return process

    def run_demo(self, *arguments):
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output

    def assert_nothing_is_left(self):
        self.assertEqual(list((self.directory / "tmp").iterdir()), [])
        for pid, environ in proc.of_all("environ"):
            self.assertNotIn(str(self.directory).encode(), environ, pid)

    @needs.listening
    def test_once_prints_five_values_beside_proc(self):
        watched = self.run_program("sleep", "1000")
        (self.directory / "watched.pid").write_text(str(watched.pid))
        status, output = self.run_demo(
            "--once", "--port", loopback.free_port(),
            "--pid-file", self.directory / "watched.pid",
            "--name", "no-such-name")
        self.assertEqual(status, 0, output)
        for block in ("collectd", "workload", "watched.pid"):
            table = re.search(rf"^{block} \(PID \d+\).*\n((?:  .*\n){{5}})", output,
                              re.MULTILINE)
            self.assertIsNotNone(table, output)
            self.assertEqual(
                re.findall(r"^  (\S+) +[\d.e-]+ ", table[1], re.MULTILINE),
                list(daemon.TYPES))
        rss = proc.status_kb(watched.pid, "VmRSS") * 1024
        self.assertRegex(output, rf"process_memory_bytes +{rss}   {rss}  VmRSS")
        self.assertIn("no-such-name: no process matches", output)
        self.assert_nothing_is_left()

    @needs.listening
    def test_serves_until_ctrl_c(self):
        port = loopback.free_port()
        process = self.start("--port", port)
        for line in process.stdout:
            if "until Ctrl-C" in line:
                break
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/metrics") as reply:
            self.assertIn(b"process_cpu_percent{", reply.read())
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=waiting.PATIENCE)
        self.assertEqual(process.returncode, 0, output)
        self.assert_nothing_is_left()

    def test_port_in_use_is_said(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            status, output = self.run_demo("--once", "--port", port)
        self.assertNotEqual(status, 0)
        self.assertIn(f"port {port} of 127.0.0.1 is in use", output)
        self.assert_nothing_is_left()

    def test_arguments_that_are_none(self):
        for arguments, said in [(["--bogus"], 'unknown argument "--bogus"'),
                                (["--port"], "--port needs a value"),
                                (["--name", ""], "--name needs a value"),
                                (["--name", "collectd"], '"collectd" would'),
                                (["--port", "0"], "from 1 to 65535"),
                                (["--port", "70000"], "from 1 to 65535")]:
            status, output = self.run_demo(*arguments)
            self.assertNotEqual(status, 0)
            self.assertIn(said, output)


if __name__ == "__main__":
    unittest.main()
