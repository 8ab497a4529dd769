"""A service whose SDK asks for its sampling: nginx answers from a file, as
docs/sampling.md says, and the service does as the file says."""

import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from tests.support import (
    loopback, needs, proc, project, services, testcase, waiting)

SOURCES = pathlib.Path(__file__).parent / "sampling"
SERVICE = SOURCES / "service.js"
LOAD = project.SOURCE_DIR / "lab/truth/load.py"
PAGE = project.SOURCE_DIR / "docs/sampling.md"
BUILT = project.BUILD_DIR / "sampling"

NAME = "orders"
RATE = 100  # requests a second and copy
SPANS_OF_A_REQUEST = 26


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True,
                   stdin=subprocess.DEVNULL, **options)


def build():
    """Installs the SDK from the registry. It needs a network, which the test itself has
    not."""
    BUILT.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "tracing.js"):
        shutil.copy(SOURCES / name, BUILT)
    run("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit",
        "--no-fund", "--silent", cwd=BUILT)


class Endpoint:
    """nginx, which answers for each service with a file of the directory `answers`."""

    def __init__(self, test):
        self.answers = test.directory / "answers"
        self.answers.mkdir()
        self.port = loopback.free_port()
        location = PAGE.read_text().split("    location = /sampling {")[1]
        location = location.split("\n\n")[0].replace(
            "/var/lib/collectd/sampling/answers", str(self.answers))
        services.start_nginx(test, 1, server=f"""
            listen 127.0.0.1:{self.port};
            location = /sampling {{ {location}""")
        waiting.wait_for(lambda: self.ask("nothing") == (404, None), "nginx")

    def write(self, service, ratio):
        """What the plugin writes."""
        self.write_answer(service, {
            "strategyType": "PROBABILISTIC",
            "probabilisticSampling": {"samplingRate": ratio}})

    def write_answer(self, service, answer):
        written = self.answers / "written"
        written.write_text(json.dumps(answer))
        written.rename(self.answers / f"{service}.json")

    def ask(self, service):
        """(status, body as text), as an SDK asks."""
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/sampling?service={service}",
                    timeout=waiting.PATIENCE) as reply:
                assert reply.headers["Content-Type"] == "application/json"
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, None
        except urllib.error.URLError:
            return None, None


class Sink(loopback.HttpServer):
    """A collector that counts the spans, and the bytes of JSON in which they come."""

    def __init__(self, test):
        self.spans = self.bytes = 0
        super().__init__(test, SinkHandler)


class SinkHandler(loopback.HttpHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = b""
        # The exporter does not say how long its body is.
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        self.server.spans += body.count(b'"spanId"')
        self.server.bytes += len(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class Copies:
    """A traced and an untraced copy of a service, and a load that is the same for
    both."""

    def __init__(self, test, endpoint):
        self.sink = Sink(test)
        environment = {
            **os.environ,
            "NODE_PATH": str(BUILT / "node_modules"),
            "OTEL_SERVICE_NAME": NAME,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            # A change shows after half a second, not after five.
            "OTEL_BSP_SCHEDULE_DELAY": "500",
            "OTEL_EXPORTER_OTLP_ENDPOINT":
                f"http://127.0.0.1:{self.sink.server_port}",
            "SAMPLING_ENDPOINT": f"http://127.0.0.1:{endpoint.port}",
        }
        def program(*command):
            return test.run_program(*command, env=environment, text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # The name of the directory tells them from those of other tests.
        name = test.directory.name
        self.traced = program("node", "--require", BUILT / "tracing.js", SERVICE,
                              f"traced-{name}")
        self.untraced = program("node", SERVICE, f"untraced-{name}")
        self.load = program(
            "/usr/bin/python3", "-B", LOAD,
            *(copy.stdout.readline().strip() for copy in (self.traced, self.untraced)))
        for process in (self.traced, self.untraced, self.load):
            test.addCleanup(process.stdout.close)
            test.addCleanup(process.stdin.close)

    def ask_load(self, text):
        """How many requests each copy has answered."""
        print(text, file=self.load.stdin, flush=True)
        return json.loads(self.load.stdout.readline())

    def readings(self):
        return {"answered": self.ask_load("counts")[0],
                "spans": self.sink.spans, "bytes": self.sink.bytes,
                "traced": proc.cpu_seconds(self.traced.pid),
                "untraced": proc.cpu_seconds(self.untraced.pid)}

    def watch(self, seconds):
        """What a request costs, over so many seconds: spans, bytes exported, and µs of
        CPU of tracing and of the untraced copy. And what tracing takes of the CPU of
        the traced copy, in percent."""
        before = self.readings()
        time.sleep(seconds)
        after = self.readings()
        change = {name: after[name] - before[name] for name in before}
        requests = change["answered"]
        return {"spans": change["spans"] / requests,
                "bytes": change["bytes"] / requests,
                "tracing": (change["traced"] - change["untraced"]) / requests * 1e6,
                "untraced": change["untraced"] / requests * 1e6,
                "share": (1 - change["untraced"] / change["traced"]) * 100}


class SamplingTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        if "IN_NAMESPACES" in os.environ:
            run("ip", "link", "set", "lo", "up")
            # Without it the daemon does not listen: needs.listens_on_loopback.
            run("ip", "address", "replace", "192.0.2.1/32", "dev", "lo")
        self.endpoint = Endpoint(self)

    def start_daemon(self, copies, limit):
        """The daemon, which compares the copies over windows of eight seconds and keeps
        what tracing takes of the CPU below a limit, in percent."""
        for name, copy in (("traced", copies.traced), ("untraced", copies.untraced)):
            (self.directory / f"{name}.pid").write_text(str(copy.pid))
        return self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 1",
            'SamplingMode "Act"',
            f'SamplingAnswers "{self.endpoint.answers}"',
            f'<Process "{NAME}">',
            f'PIDFile "{self.directory}/traced.pid"',
            f'PIDFile "{self.directory}/untraced.pid"',
            'TracingOverhead "Compared"',
            "CompareWindow 8",
            f"TracingExportPort {copies.sink.server_port}",
            "<Untraced>", f'PIDFile "{self.directory}/untraced.pid"', "</Untraced>",
            "<Sampling>", f"MaxCPUShare {limit:.1f}", "Ratio 0.001 1",
            "StepInterval 6", "</Sampling>",
            "</Process>",
            "</Plugin>"]), interval=1).start()

    def ratio_in_force(self, collectd):
        """As the daemon reports it; none: not yet."""
        return collectd.samples().get(NAME, {}).get(
            "tracing_sampling_ratio", (None, None))[0]

    def wait_for_ratio(self, copies, ratio):
        """Until this part of the requests is traced. Returns the seconds that it
        took."""
        begin = time.monotonic()
        waiting.wait_for(
            # An export has up to 512 spans, a fifth of what a second has.
            lambda: abs(copies.watch(1)["spans"] / SPANS_OF_A_REQUEST - ratio) < 0.25,
            f"a ratio of {ratio}")
        return time.monotonic() - begin

    def test_endpoint_answers_with_the_file_of_the_service(self):
        self.endpoint.write("orders", 0.05)
        self.assertEqual(self.endpoint.ask("orders"), (
            200, '{"strategyType": "PROBABILISTIC", '
                 '"probabilisticSampling": {"samplingRate": 0.05}}'))
        self.endpoint.write("orders", 0.1)
        self.assertIn("0.1", self.endpoint.ask("orders")[1])
        self.assertEqual(self.endpoint.ask("unknown"), (404, None))
        self.assertEqual(self.endpoint.ask(""), (404, None))

    def test_endpoint_does_not_leave_its_directory(self):
        (self.directory / "secret.json").write_text("{}")
        (self.endpoint.answers / "below").mkdir()
        (self.endpoint.answers / "below/secret.json").write_text("{}")
        for name in ("../secret", "..%2fsecret", "below/secret",
                     "below/../../secret"):
            with self.subTest(name=name):
                self.assertEqual(self.endpoint.ask(name), (404, None))

    def test_service_ignores_other_answers(self):
        copies = Copies(self, self.endpoint)
        copies.ask_load(RATE)
        # All requests are traced before the first answer, and where there is none.
        self.wait_for_ratio(copies, 1)
        # As Jaeger 2 before 2.16 and the Collector answer: the SDK wants the name.
        for kind in ({"strategyType": 0}, {}):
            self.endpoint.write_answer(
                NAME, {**kind, "probabilisticSampling": {"samplingRate": 0.001}})
            time.sleep(2)
            self.assertGreater(copies.watch(1)["spans"], 20)

    def fall_below_a_limit(self, copies):
        """Starts the daemon with a limit, and waits until tracing takes less. Returns the
        daemon, or None if it said that it sees no effect."""
        costs = {}
        for ratio in (1, 0.001, 1):
            self.endpoint.write(NAME, ratio)
            self.wait_for_ratio(copies, ratio)
            costs[ratio] = copies.watch(8)
        self.assertAlmostEqual(costs[1]["spans"], SPANS_OF_A_REQUEST, delta=3)
        self.assertLess(costs[0.001]["spans"] * 20, costs[1]["spans"])
        self.assertLess(costs[0.001]["bytes"] * 20, costs[1]["bytes"])
        # A cut or two are enough.
        limit = 0.7 * costs[1]["share"] + 0.3 * costs[0.001]["share"]
        collectd = self.start_daemon(copies, limit)
        waiting.wait_for(lambda: self.ratio_in_force(collectd) == 1, "the first ratio",
                         collectd.log)
        waiting.wait_for(lambda: self.ratio_in_force(collectd) < 1, "a lower ratio",
                         collectd.log)
        def sees_no_effect():
            return "cuts had no measurable effect" in collectd.log()
        def is_over():
            cost = copies.watch(6)
            is_below = (cost["share"] < limit
                        and cost["bytes"] < 0.95 * costs[1]["bytes"])
            return cost if is_below else sees_no_effect()
        cost = waiting.wait_for(is_over, "a share below the limit", collectd.log)
        if sees_no_effect():
            print(collectd.log())
            collectd.stop()
            return None
        lowered = self.ratio_in_force(collectd)
        self.assertLess(lowered, 1)
        print(f"limit {limit:.1f} %, at ratio 1 {costs[1]['share']:.1f} %, at 0.001 "
              f"{costs[0.001]['share']:.1f} %; below it at {lowered}: "
              f"{cost['share']:.1f} %")
        return collectd

    @needs.root
    def test_ratio_falls_with_the_cost_and_returns_with_the_load(self):
        copies = Copies(self, self.endpoint)
        copies.ask_load(RATE)
        # Where other guests of the host take its CPUs, the cost of a request can change
        # by more than the cuts save.
        attempts = (self.fall_below_a_limit(copies) for _ in range(3))
        collectd = next(filter(None, attempts), None)
        self.assertTrue(collectd, "no cut had an effect")

        # What the service does besides is then most of its CPU.
        copies.ask_load(RATE / 5)
        ratio = self.ratio_in_force(collectd)
        while ratio < 1:
            waiting.wait_for(lambda: self.ratio_in_force(collectd) != ratio,
                             "the next ratio", collectd.log)
            ratio = self.ratio_in_force(collectd)
        self.wait_for_ratio(copies, 1)
        # No more than twelve lines an hour.
        steps = "\n".join(collectd.lines("notice"))
        self.assertRegex(steps, "sampling ratio lowered from 1 to .*: tracing takes")
        self.assertRegex(steps, "sampling ratio raised from .* to .*: tracing takes")
        self.assertEqual(collectd.lines("warning"), [])
        self.assert_quiet_end(collectd)
        self.assertIn('"samplingRate": 1.0', self.endpoint.ask(NAME)[1])


if __name__ == "__main__":
    if "IN_NAMESPACES" not in os.environ:
        build()
    testcase.run_tests("--net")
