"""Measurements of tracing instead of estimates, in the real daemon."""

import os
import re
import sys
import time
import unittest

from prometheus_client.parser import text_string_to_metric_families

from tests.support import (
    daemon, loopback, needs, proc, programs, testcase, waiting)

# Threads whose names are argv, that use CPU without end.
BURNER = """
import ctypes, hashlib, sys, threading
def burn(name):
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
    while True:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10000)  # without the lock
for name in sys.argv[1:]:
    threading.Thread(target=burn, args=(name,)).start()
"""

SECRET = "hunter2-never-in-a-log"

# The environment of a process of Python, the name of the program that it runs if that
# matters, and whether it may be traced: it has the estimate, also if that is unknown.
TRACED = [
    ({}, (), True),
    ({"OTEL_SERVICE_NAME": SECRET}, (), True),
    ({"OTEL_SERVICE_NAME": "x", "OTEL_SDK_DISABLED": "true"}, (), False),
    ({"OTEL_SERVICE_NAME": "x", "OTEL_SDK_DISABLED": "false"}, (), True),
    ({"OTEL_TRACES_EXPORTER": "none"}, (), False),
    ({"OTEL_TRACES_EXPORTER": "otlp"}, (), True),
    ({"OTEL_TRACES_SAMPLER": "always_off"}, (), False),
    ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.0"},
     (), False),
    ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
     (), True),
    ({"JAVA_TOOL_OPTIONS": "-javaagent:/opt/opentelemetry-javaagent.jar"}, (),
     True),
    ({"NODE_OPTIONS":
      "--require @opentelemetry/auto-instrumentations-node/register"}, (), True),
    ({"PYTHONPATH": "/x/opentelemetry/instrumentation/auto_instrumentation"}, (),
     True),
    ({"CORECLR_ENABLE_PROFILING": "1",
      "CORECLR_PROFILER": "{918728DD-259F-4A6A-AC2B-B85E1B658318}"}, (), True),
    ({}, ("opentelemetry-instrument",), True),
    ({}, ("instrument",), True),
    # A missing file is not loaded, but the command line names it.
    ({"LD_PRELOAD": "/nowhere/libotelinject.so"}, (), True),
]


def thread_seconds(pid):
    """{name: CPU seconds} of the threads of a process."""
    seconds = {}
    for task in os.scandir(f"/proc/{pid}/task"):
        with open(f"{task.path}/stat") as stat:
            name, fields = re.fullmatch(r"\d+ \((.*)\) (.*)\n", stat.read(),
                                        re.DOTALL).groups()
        utime, stime = fields.split()[11:13]
        seconds[name] = (int(utime) + int(stime)) / os.sysconf("SC_CLK_TCK")
    return seconds


class MeasuredTest(testcase.TestCase):

    def run_collectd(self, *options, **arguments):
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 1", *options, "</Plugin>"]), interval=1, **arguments)
        return collectd.start()

    def pid_file(self, name, pid):
        path = self.directory / f"{name}.pid"
        path.write_text(str(pid))
        return f'PIDFile "{path}"'

    def block(self, name, *options):
        return "\n".join([f'<Process "{name}">', *options, "</Process>"])

    def test_who_is_not_traced_has_no_overhead(self):
        pids = []
        for env, words, _ in TRACED:
            program = self.directory / (words or ("program",))[0]
            if not program.exists():
                program.write_text("import signal\nsignal.pause()\n")
            process = self.run_program(sys.executable, program,
                                       env={**os.environ, **env})
            self.pid_file(str(process.pid), process.pid)
            pids.append(process.pid)
        files = [f'PIDFile "{self.directory}/{pid}.pid"' for pid in pids]
        collectd = self.run_collectd(
            self.block("all", "PerProcess true", "TracingDetect true", *files))
        def complete():
            # The values of a pass arrive one after the other.
            singles = collectd.singles().get("all", {})
            at_once = set(daemon.TYPES) - {"process_cpu_percent"}
            return (set(singles) == set(pids) and singles
                    if all(at_once <= set(values) for values in singles.values())
                    else None)
        singles = waiting.wait_for(complete, "all processes", collectd.log)
        for pid, (env, words, is_traced) in zip(pids, TRACED):
            with self.subTest(env=env, words=words):
                values = singles[pid]
                self.assertEqual(values["tracing_cpu_overhead_percent"],
                                 0.5 if is_traced else 0)
                self.assertEqual(
                    values["tracing_memory_overhead_bytes"],
                    values["process_memory_bytes"] * 1.5 / 100
                    if is_traced else 0)
        self.assertNotIn(SECRET, collectd.log())
        self.assert_quiet_end(collectd)

    def test_another_program_is_looked_at_anew(self):
        actor = self.actor(env={**os.environ, "OTEL_SERVICE_NAME": "x"})
        collectd = self.run_collectd(
            self.block("a", "TracingDetect true",
                       self.pid_file("a", actor.pid)))
        collectd.wait_for_counts(a=1)
        actor.tell("os.execve('/bin/sleep', ['sleep', '1000'], {})")
        waiting.wait_for(
            lambda: collectd.samples()["a"]["tracing_cpu_overhead_percent"][0]
            == 0, "no overhead", collectd.log)
        self.assert_quiet_end(collectd)

    @needs.root
    def test_where_it_cannot_be_told_the_estimate_stands(self):
        actor = self.actor(env={**os.environ, "OTEL_SDK_DISABLED": "true"})
        options = ["TracingDetect true", self.pid_file("a", actor.pid)]
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>", "Interval 0.2",
            self.block("a", *options), "</Plugin>"]),
            wrapper=["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                     "--clear-groups", "--bounding-set", "-all"])
        collectd.directory.chmod(0o777)
        collectd.start()
        collectd.wait_for_counts(a=1)
        collectd.wait_for_passes("a")
        [warning] = collectd.lines("warning")
        self.assertRegex(
            warning, r'^block "a": unknown whether a process is traced, so that '
            r"the estimate stands for it: /proc/PID/environ: Permission denied "
            r"\(the daemon lacks CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH\); for "
            r"example process \d+ \S+$")
        collectd.stop()

    def measured(self, collectd, take, record):
        """What `take` finds in the samples of a pass, and the record's truth of
        the same stretch of time."""
        begin = time.time()
        first = waiting.wait_for(
            lambda: (take() or (0, 0))[1] > begin and take(), "a value",
            collectd.log)
        second = waiting.wait_for(
            lambda: (take() or first)[1] > first[1] and take(),
            "the next pass", collectd.log)
        before, after = (
            waiting.wait_for(lambda: record.at(moment), "readings")
            for moment in (first[1], second[1]))
        return second[0], (after - before) / (second[1] - first[1]) * 100

    def test_threads_and_components_are_measured_by_name(self):
        burner = self.run_program(
            sys.executable, "-c", BURNER, "BatchSpanProces", "retr-1")
        waiting.wait_for(
            lambda: {"BatchSpanProces", "retr-1"} <= set(
                thread_seconds(burner.pid)), "threads")
        collectd = self.run_collectd(self.block(
            "a", self.pid_file("a", burner.pid), 'TracingOverhead "Threads"',
            '<Component "retriever">', 'Thread "^retr-"', "</Component>",
            '<Component "none">', 'Thread "^none$"', "</Component>"))
        for name, instance, type_ in [
                ("BatchSpanProces", "", "tracing_cpu_overhead_percent"),
                ("retr-1", "retriever", "process_component_cpu_percent")]:
            record = self.record(lambda: thread_seconds(burner.pid)[name])
            def take():
                return next(
                    ((value, time_) for _, of, family, value, time_
                     in collectd.all_samples()
                     if (of, family) == (instance, type_)), None)
            percent, truth = self.measured(collectd, take, record)
            print(f"{name}: {percent:.2f} %, /proc says {truth:.2f} %")
            self.assertAlmostEqual(percent, truth, delta=5)
            self.assertGreater(percent, 0)
        self.assertIn('no thread has a name for Component "none" yet',
                      collectd.log())
        self.assertNotIn('"none"', collectd.metrics_text())
        self.assert_quiet_end(collectd)

    def test_comparison_is_the_difference_in_memory(self):
        # Processes that do nothing: the difference in memory is exact. That between
        # the two untraced ones shows what chance does.
        actors = [self.actor(), self.actor(), self.actor()]
        actors[0].do("allocate(40)")
        both = [self.pid_file(f"p{i}", actor.pid)
                for i, actor in enumerate(actors)]
        collectd = self.run_collectd(self.block(
            "a", *both, 'TracingOverhead "Compared"', "CompareWindow 2",
            "<Untraced>", *both[1:], "</Untraced>"))
        def compared():
            values = collectd.samples().get("a", {})
            return "tracing_memory_overhead_bytes" in values and values
        values = {name: value for name, (value, _) in waiting.wait_for(
            compared, "a comparison", collectd.log).items()}
        traced, *untraced = (proc.status_kb(actor.pid, "VmRSS") * 1024
                             for actor in actors)
        self.assertEqual(values["tracing_memory_overhead_bytes"],
                         traced - sum(untraced) / 2)
        self.assertGreater(traced - max(untraced), 39 << 20)
        # They use none, and so no difference is known.
        self.assertNotIn("tracing_cpu_overhead_percent", values)
        self.assertEqual(values["process_memory_bytes"], traced + sum(untraced))
        [said] = [line for line in collectd.lines("info") if "compared:" in line]
        self.assertRegex(said, r'^block "a": compared: a traced process takes '
                               r"[\d.e+]+ \(standard error \d+\) bytes and ")
        for actor in actors[1:]:
            programs.end(actor.process)
        waiting.wait_for(
            lambda: "tracing_memory_overhead_bytes"
            not in collectd.samples().get("a", {}), "nothing to compare with",
            collectd.log)
        self.assert_quiet_end(collectd)

    def test_all_of_a_tracing_process_is_overhead(self):
        actor = self.actor()
        actor.tell("burn()")
        collectd = self.run_collectd(self.block(
            "collector", self.pid_file("a", actor.pid), "TracingProcess true"))
        values = collectd.wait_for_values("collector")["collector"]
        self.assertEqual(values["tracing_memory_overhead_bytes"],
                         values["process_memory_bytes"])
        self.assertEqual(values["tracing_cpu_overhead_percent"],
                         values["process_cpu_percent"])
        self.assertGreater(values["process_cpu_percent"], 0)
        self.assert_quiet_end(collectd)

    def traffic(self, collectd, block):
        """(sent, received); none while there is no value."""
        sums = {}
        for family in text_string_to_metric_families(
                collectd.metrics_text()):
            for sample in family.samples:
                if "tracing_network_bytes" in sample.name and (
                        sample.labels["resource_attribution"] == block):
                    sums[sample.name] = sample.value
        name = daemon.PREFIX + "tracing_network_bytes_{}_total"
        return tuple(sums.get(name.format(way)) for way in ("sent", "received"))

    @needs.root
    def test_export_traffic_is_what_the_sink_counts(self):
        sinks = [loopback.HalfEcho(self) for _ in range(3)]
        exporter, stranger = self.actor(), self.actor()
        collectd = self.run_collectd(
            self.block("a", self.pid_file("a", exporter.pid),
                       f"TracingExportPort {sinks[0].port} {sinks[1].port}"),
            self.block("b", self.pid_file("b", stranger.pid)))
        waiting.wait_for(lambda: self.traffic(collectd, "a") == (0, 0),
                         "the first pass", collectd.log)
        for actor in (exporter, stranger):
            for i, sink in enumerate(sinks):
                actor.do(f"connect({sink.port})")
                actor.do(f"send({(i + 1) * 100_000}, {(i + 1) * 50_000})")
        waiting.wait_for(
            lambda: self.traffic(collectd, "a") == (300_000, 150_000),
            "300000 and 150000 bytes",
            lambda: f"{self.traffic(collectd, 'a')}\n{collectd.log()}")
        self.assertEqual(sum(sink.received for sink in sinks), 1_200_000)
        self.assertEqual(self.traffic(collectd, "b"), (None, None))
        self.assert_quiet_end(collectd)

    @needs.root
    @needs.tracefs
    def test_export_over_many_short_connections_belongs_to_who_opens_them(self):
        sink = loopback.HalfEcho(self)
        port = f"TracingExportPort {sink.port}"
        often, small, steady, silent, stranger = (self.actor() for _ in range(5))
        collectd = self.run_collectd(
            *(self.block(name, self.pid_file(name, actor.pid), port)
              for name, actor in (("often", often), ("small", small),
                                  ("steady", steady), ("silent", silent))),
            wrapper=needs.WITH_TRACEFS)
        def totals():
            return {name: self.traffic(collectd, name)
                    for name in ("often", "small", "steady", "silent")}
        waiting.wait_for(lambda: set(totals().values()) == {(0, 0)},
                         "the first pass", collectd.log)
        if "connections of any length is counted" not in collectd.log():
            self.skipTest("the kernel refuses tracepoints: " + collectd.log())
        # Ten exports in a pass, as one a second are at the usual interval.
        often.tell(f"export({sink.port}, 50, 10_000, 5_000, 0.1)")
        small.tell(f"export({sink.port}, 100, 500, 250, 0.05)")
        stranger.tell(f"export({sink.port}, 50, 3_000, 1_500, 0.1)")
        steady.do(f"connect({sink.port})")
        for _ in range(25):
            steady.do("send(1_000, 500)")
            time.sleep(0.2)
        expected = {"often": 500_000, "small": 50_000, "steady": 25_000, "silent": 0}
        waiting.wait_for(
            lambda: {name: sent for name, (sent, _) in totals().items()} == expected,
            expected, lambda: f"{totals()}\n{sink.received}\n{collectd.log()}")
        # One more pass adds nothing.
        time.sleep(1.5)
        self.assertEqual({name: sent for name, (sent, _) in totals().items()},
                         expected)
        self.assertEqual(totals()["steady"], (25_000, 12_500))
        self.assertEqual(sink.received, sum(expected.values()) + 150_000)
        self.assert_quiet_end(collectd)

    @needs.unshare("--mount")
    def test_short_connections_of_unknown_processes_are_said(self):
        sink = loopback.HalfEcho(self)
        exporter = self.actor()
        collectd = self.run_collectd(
            self.block("a", self.pid_file("a", exporter.pid),
                       f"TracingExportPort {sink.port}"),
            # In a directory of its own, where there is no tracefs.
            wrapper=("unshare", "--mount", "sh", "-c",
                     "mount -t tmpfs tmpfs /sys/kernel && exec \"$@\"", "sh"))
        waiting.wait_for(lambda: self.traffic(collectd, "a") == (0, 0),
                         "the first pass", collectd.log)
        exporter.do(f"export({sink.port}, 1, 10_000, 5_000, 0)")
        # The end of the stream may count as a byte.
        said = (f'block "a": connections to port {sink.port} ended whose process '
                "is unknown: their bytes are in no value, 1500[01] bytes until now")
        waiting.wait_for(lambda: re.search(said, collectd.log()), said, collectd.log)
        waiting.wait_for(lambda: self.traffic(collectd, "a") == (None, None),
                         "no value", collectd.log)
        self.assertIn("closes between two passes is unknown", collectd.log())

    def test_nothing_of_it_is_there_by_default(self):
        actor = self.actor(env={**os.environ, "OTEL_SDK_DISABLED": "true"})
        collectd = self.run_collectd(
            self.block("a", self.pid_file("a", actor.pid)))
        values = collectd.wait_for_values("a")["a"]
        self.assertEqual(values["tracing_cpu_overhead_percent"], 0.5)
        self.assertEqual(values["tracing_memory_overhead_bytes"],
                         values["process_memory_bytes"] * 1.5 / 100)
        self.assertNotIn("tracing_network_bytes", collectd.metrics_text())
        self.assert_quiet_end(collectd)


if __name__ == "__main__":
    unittest.main()
