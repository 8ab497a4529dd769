"""Whether a process is traced: each cell of the table in docs/measuring.md, shown by a
real process."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest

from tests.integration.detection import java_class
from tests.support import needs, project, testcase, waiting

SOURCES = pathlib.Path(__file__).parent / "detection"
BUILT = project.BUILD_DIR / "detection"
PAGE = project.SOURCE_DIR / "docs/measuring.md"

EXPORT_PORT = 4318
ON = {"OTEL_SERVICE_NAME": "orders"}
OFF = {**ON, "OTEL_SDK_DISABLED": "true"}
# The SDK for Go heeds the sampler only.
OFF_FOR_GO = {**ON, "OTEL_TRACES_SAMPLER": "always_off"}

# What the columns of the table are called, and the environment of their processes.
COLUMNS = {
    "on by variables": ON, "off by variables": OFF, "agent": {},
    "code, exports": {}, "code, idle": {}, "no SDK": {}, "title": ON}

TITLE_OF_PYTHON = """
import setproctitle, signal
setproctitle.setproctitle("orders: worker [a=b]")
signal.pause()
"""


def has_go():
    """Whether there is a Go that builds the SDK: it needs 1.23."""
    if shutil.which("go") is None:
        return False
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True,
                             text=True, check=False, cwd="/").stdout
    return [int(number) for number in re.findall(r"\d+", version)[:2]] >= [1, 23]


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True,
                   stdin=subprocess.DEVNULL, **options)


def build():
    """Builds the programs, with the SDKs of the registries. It needs a network, which
    the test itself has not."""
    BUILT.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "service.js"):
        shutil.copy(SOURCES / name, BUILT)
    run("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit",
        "--no-fund", "--silent", cwd=BUILT)
    run("g++", SOURCES / "native.cc", "-o", BUILT / "native")
    run("g++", "-DWITH_SDK", SOURCES / "native.cc", "-o", BUILT / "native_sdk")
    if has_go():
        run("go", "build", "-o", f"{BUILT}/", "./traced", "./plain", cwd=SOURCES)


def table():
    """{(runtime, column): answer} of the page."""
    rows = re.findall(r"^\|(.*)\|$", PAGE.read_text().split(
        "| runtime |")[1].split("\n\n")[0], re.MULTILINE)
    cells = {}
    for row in rows[1:]:
        runtime, *answers = (cell.strip() for cell in row.split("|"))
        cells.update({(runtime, column): answer for column, answer
                      in zip(COLUMNS, answers, strict=True)})
    return cells


class DetectionTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        if "IN_NAMESPACES" in os.environ:
            run("ip", "link", "set", "lo", "up")
            # Without it the daemon does not listen: needs.listens_on_loopback.
            run("ip", "address", "replace", "192.0.2.1/32", "dev", "lo")
        sink = self.enterContext(socket.create_server(("127.0.0.1", EXPORT_PORT)))
        self.connections = sink
        self.processes = {}

    def start(self, runtime, column, *command, env=None, **options):
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.directory),
                     **(COLUMNS[column] if env is None else env)}
        self.processes[runtime, column] = self.run_program(
            *command, env=variables, **options)

    def node(self):
        def start(column, *arguments, **options):
            self.start("Node.js", column, "node", *arguments, cwd=BUILT, **options)
        script = ("-e", "setInterval(() => {}, 1000)")
        start("on by variables", *script)
        start("off by variables", "service.js")
        start("agent", *script, env={
            "NODE_OPTIONS": f"--require {BUILT}/node_modules/@opentelemetry/sdk-node"})
        start("code, exports", "service.js", "export")
        start("code, idle", "service.js")
        start("no SDK", *script)

    def python(self):
        def start(column, code, *arguments, **options):
            self.start("Python", column, "/usr/bin/python3", "-c", code, *arguments,
                       **options)
        pause = "import signal; signal.pause()"
        start("on by variables", pause)
        start("off by variables", pause)
        start("agent", pause, env={
            "PYTHONPATH": "/otel/opentelemetry/instrumentation/auto_instrumentation"})
        start("code, exports", "import signal, socket\n"
              f"s = socket.create_connection(('127.0.0.1', {EXPORT_PORT}))\n"
              "signal.pause()")
        start("code, idle", pause)
        start("no SDK", pause)
        start("title", TITLE_OF_PYTHON)

    def perl(self):
        def start(column, code):
            self.start("Perl", column, "perl", "-MIO::Socket::INET", "-e", code)
        for column in ("on by variables", "off by variables", "code, idle", "no SDK"):
            start(column, "sleep 1000")
        start("code, exports",
              f"$s = IO::Socket::INET->new('127.0.0.1:{EXPORT_PORT}'); sleep 1000")
        start("title", "$0 = 'orders'; sleep 1000")

    def java(self):
        plain, exports, agent, sdk = (
            self.directory / name for name in (
                "orders.jar", "exports.jar", "opentelemetry-javaagent.jar",
                "opentelemetry-sdk-trace-1.40.0.jar"))
        java_class.write_jar(plain, "Orders")
        java_class.write_jar(exports, "Orders", EXPORT_PORT)
        java_class.write_jar(agent, "Agent", manifest=["Premain-Class: Agent"])
        java_class.write_jar(sdk, "Sdk")
        def start(column, *options, jar=plain):
            self.start("Java", column, "/usr/bin/java", "-Xmx32m", *options, "-cp",
                       jar, "Orders")
        start("on by variables")
        start("off by variables")
        start("agent", f"-javaagent:{agent}")
        start("code, exports", jar=exports)
        # The JVM looks for the class in the first jar first.
        start("code, idle", jar=f"{sdk}:{plain}")
        start("no SDK")

    def go(self):
        def start(column, program, *arguments, **options):
            self.start("Go", column, BUILT / program, *arguments, **options)
        start("on by variables", "traced")
        start("off by variables", "traced", env=OFF_FOR_GO)
        start("code, exports", "traced", f"127.0.0.1:{EXPORT_PORT}")
        start("code, idle", "traced")
        start("no SDK", "plain")

    def native(self):
        def start(column, program, *arguments, **options):
            self.start("C++, C", column, BUILT / program, *arguments, **options)
        start("on by variables", "native_sdk")
        start("off by variables", "native_sdk")
        start("agent", "native", env={"LD_PRELOAD": "/nowhere/libotelinject.so"})
        start("code, exports", "native", EXPORT_PORT)
        start("code, idle", "native_sdk")
        start("no SDK", "native")

    def block(self, runtime, column):
        pid_file = self.directory / f"{runtime[:2]}-{column.replace(' ', '-')}.pid"
        pid_file.write_text(str(self.processes[runtime, column].pid))
        return (f'<Process "{runtime} {column}">\nTracingDetect true\n'
                f'PIDFile "{pid_file}"\n</Process>')

    def answers(self):
        """{(runtime, column): (answer, evidence, overhead in percent of a CPU)}"""
        config = self.directory / "detection.conf"
        config.write_text("\n".join([
            "LoadPlugin resource_attribution", "<Plugin resource_attribution>",
            *(self.block(*cell) for cell in self.processes), "</Plugin>", ""]))
        result = self.run_check(config)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        answers = {}
        for cell, process in self.processes.items():
            found = re.search(
                rf"^{re.escape(' '.join(cell))} .* (\S+)\n"
                rf"  {process.pid} .*, tracing: (\w+) \((.*)\)$",
                result.stdout, re.MULTILINE)
            self.assertTrue(found, f"{cell}:\n{result.stdout}")
            answers[cell] = (found[2], found[3], found[1])
        return answers

    def wait_for_programs(self):
        """Until all programs do what they are there for."""
        exporting = sum(column == "code, exports" for _, column in self.processes)
        self.connections.settimeout(waiting.PATIENCE)
        for _ in range(exporting):
            connection, _ = self.connections.accept()
            self.enterContext(contextlib.closing(connection))
        for (runtime, column), process in self.processes.items():
            if column == "title":
                waiting.wait_for(
                    lambda process=process: b"OTEL" not in pathlib.Path(
                        f"/proc/{process.pid}/environ").read_bytes(), "a title")
            if (runtime, column) == ("Java", "code, idle"):
                waiting.wait_for(lambda process=process: "sdk-trace" in "".join(
                    os.readlink(fd) for fd in
                    pathlib.Path(f"/proc/{process.pid}/fd").iterdir()), "a jar")

    def test_each_cell_of_the_table_is_so(self):
        runtimes = [self.node, self.python, self.perl, self.java, self.native]
        if has_go():
            runtimes.append(self.go)
        else:
            print("left out: the programs in Go need Go 1.23")
        for start in runtimes:
            start()
        self.wait_for_programs()
        said = table()
        started = {runtime for runtime, _ in self.processes}
        self.assertEqual(
            {cell for cell, answer in said.items()
             if answer != "" and cell[0] in started}, set(self.processes))
        answers = self.answers()
        for cell, (answer, evidence, overhead) in answers.items():
            print(f"{': '.join(cell)}: {answer} ({evidence})")
            with self.subTest(cell=cell):
                self.assertEqual(answer, said[cell])
                self.assertEqual(overhead, "0" if answer == "off" else "0.5")

    def test_what_contradicts_a_setting_is_unknown(self):
        # NodeSDK prefers the exporter of the code to the variable.
        self.start("Node.js", "code, exports", "node", "service.js", "export",
                   cwd=BUILT, env={"OTEL_TRACES_EXPORTER": "none"})
        self.wait_for_programs()
        [(answer, evidence, overhead)] = self.answers().values()
        self.assertEqual((answer, overhead), ("unknown", "0.5"))
        self.assertEqual(evidence, "it is told not to trace, but has a connection to "
                                   "an export port")

    @unittest.skipUnless(has_go(), "needs Go 1.23")
    def test_setting_that_an_sdk_does_not_know_turns_nothing_off(self):
        self.start("Go", "off by variables", BUILT / "traced", env=OFF)
        [(answer, _, overhead)] = self.answers().values()
        self.assertEqual((answer, overhead), ("on", "0.5"))

    def test_programs_of_the_system_are_off(self):
        for name, *command in [
                ("sleep", "/bin/sleep", "1000"),
                ("alertmanager", "/usr/bin/prometheus-alertmanager",
                 "--config.file=/dev/stdin", f"--storage.path={self.directory}",
                 "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")]:
            with self.subTest(name=name):
                self.processes = {}
                reading, writing = os.pipe()
                os.write(writing, b"route: {receiver: a}\nreceivers: [{name: a}]\n")
                os.close(writing)
                self.start(name, "no SDK", *command, stdin=reading)
                os.close(reading)
                [(answer, _, overhead)] = self.answers().values()
                self.assertEqual((answer, overhead), ("off", "0"))

    @needs.root
    def test_block_may_name_a_port_of_its_own(self):
        sink = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        port = sink.getsockname()[1]
        self.start("C++, C", "no SDK", BUILT / "native", port)
        self.connections = sink
        connection, _ = sink.accept()
        self.enterContext(contextlib.closing(connection))
        [(answer, _, _)] = self.answers().values()
        self.assertEqual(answer, "off")
        block = self.block
        self.block = lambda *cell: block(*cell).replace(
            "TracingDetect true", f"TracingDetect true\nTracingExportPort {port}")
        [(answer, evidence, _)] = self.answers().values()
        self.assertEqual((answer, evidence),
                         ("on", "connection to a TracingExportPort"))

    def test_unknown_is_said_once_a_minute_after_the_first_look(self):
        self.start("Python", "title", "/usr/bin/python3", "-c", TITLE_OF_PYTHON)
        self.wait_for_programs()
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution", "<Plugin resource_attribution>",
            "Interval 1", self.block("Python", "title"), "</Plugin>"]), interval=1)
        collectd.start()
        time.sleep(waiting.PATIENCE / 2)
        self.assertNotIn("unknown whether", collectd.log())
        waiting.wait_for(lambda: "unknown whether" in collectd.log(), "a line",
                         collectd.log)
        self.assertNotIn("warning", collectd.log())
        said = [line for line in collectd.lines("info") if "unknown whether" in line]
        self.assertEqual(len(said), 1)
        self.assertRegex(said[0], r'^block "Python title": unknown whether a process '
                                  r"is traced, so that the estimate stands for it: it "
                                  r"has overwritten its environment; for example "
                                  r"process \d+ ")
        collectd.stop()


if __name__ == "__main__":
    if "IN_NAMESPACES" not in os.environ:
        build()
    testcase.run_tests("--net")
