"""The five values of known workloads against what /proc says of them."""

import os
import subprocess
import sys
import unittest

from tests.support import proc, testcase, waiting

# Holds 50 MiB, then uses argv[1] of a CPU by its own CPU clock.
WORKLOAD = """
import sys, time
held = bytearray(50 << 20)
share = float(sys.argv[1])
print("ready", flush=True)
while True:
    period_end = time.monotonic() + 0.05
    burn_until = time.process_time() + 0.05 * share
    while share == 1 or time.process_time() < burn_until:
        pass
    time.sleep(max(0, period_end - time.monotonic()) or 0.001)
"""


def as_printed(value):
    """As write_prometheus prints it."""
    return float(f"{value:.15g}")


class ValuesTest(testcase.TestCase):

    def start_workload(self, share, name):
        process = self.run_program(
            sys.executable, "-c", WORKLOAD, share, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        self.addCleanup(process.stdout.close)
        (self.directory / f"{name}.pid").write_text(str(process.pid))
        return process.pid

    def record_workload(self, share, name):
        pid = self.start_workload(share, name)
        return self.record(lambda: proc.cpu_seconds(pid))

    def block(self, name, options=""):
        return f"""
            <Process "{name}">
              PIDFile "{self.directory}/{name}.pid"
              {options}
            </Process>"""

    def cpu_and_truth(self, collectd, record, block):
        """process_cpu_percent of a pass, and what the record says of the same
        stretch of time."""
        def sample():
            values = collectd.samples().get(block, {})
            return values.get("process_cpu_percent")
        first = waiting.wait_for(sample, "CPU", collectd.log)
        def next_pass():
            value = sample()
            return value if value and value[1] > first[1] else None
        begin = first[1]
        percent, end = waiting.wait_for(next_pass, "the next pass", collectd.log)
        before = waiting.wait_for(lambda: record.at(begin), "readings")
        after = waiting.wait_for(lambda: record.at(end), "readings")
        return percent, (after - before) / (end - begin) * 100

    def run_collectd(self, blocks, options=""):
        return self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 2
              {options}
              {blocks}
            </Plugin>""").start()

    def test_busy_loop_reads_one_cpu(self):
        record = self.record_workload(1, "busy")
        collectd = self.run_collectd(self.block("busy"))
        percent, truth = self.cpu_and_truth(collectd, record, "busy")
        print(f"busy loop: {percent:.2f} %, /proc says {truth:.2f} %")
        self.assertAlmostEqual(percent, truth, delta=5)
        # Less than 100 if the machine has no CPU to spare; but zero must not count as
        # close to the truth.
        self.assertLessEqual(percent, 105)
        self.assertGreater(percent, 5)
        collectd.stop()

    def test_busy_loop_as_a_share_of_the_host(self):
        record = self.record_workload(1, "busy")
        collectd = self.run_collectd(self.block("busy"), 'CPUPercentOf "Host"')
        percent, truth = self.cpu_and_truth(collectd, record, "busy")
        print(f"share of the host: {percent:.2f} %, "
              f"/proc says {truth:.2f} % of one CPU")
        cpus = os.sysconf("SC_NPROCESSORS_ONLN")
        self.assertAlmostEqual(percent, truth / cpus, delta=5 / cpus)
        values = collectd.wait_for_values("busy")["busy"]
        self.assertEqual(values["tracing_cpu_overhead_percent"], 0.5)
        collectd.stop()

    def test_known_share_of_a_cpu(self):
        record = self.record_workload(0.3, "third")
        collectd = self.run_collectd(self.block("third"))
        percent, truth = self.cpu_and_truth(collectd, record, "third")
        print(f"share of 30 %: {percent:.2f} %, /proc says {truth:.2f} %")
        self.assertAlmostEqual(percent, truth, delta=5)
        collectd.stop()

    def test_memory_is_what_proc_says(self):
        pid = self.start_workload(0, "still")
        collectd = self.run_collectd(
            self.block("still")
            + f"""
            <Process "resident-peak">
              PIDFile "{self.directory}/still.pid"
              PeakMemory "VmHWM"
              TracingMemoryPercent 2
              TracingCPUPercent 0.25
            </Process>""")
        values = collectd.wait_for_values("still", "resident-peak")
        still = values["still"]
        # It holds still, so any moment is the same moment.
        self.assertEqual(still["process_memory_bytes"],
                         proc.status_kb(pid, "VmRSS") * 1024)
        self.assertGreater(still["process_memory_bytes"], 50 << 20)
        self.assertEqual(still["process_memory_peak_bytes"],
                         proc.status_kb(pid, "VmPeak") * 1024)
        self.assertEqual(still["tracing_memory_overhead_bytes"],
                         as_printed(still["process_memory_bytes"] * 1.5 / 100))
        self.assertEqual(still["tracing_cpu_overhead_percent"], 0.5)
        peak = values["resident-peak"]
        self.assertEqual(peak["process_memory_peak_bytes"],
                         proc.status_kb(pid, "VmHWM") * 1024)
        self.assertEqual(peak["tracing_memory_overhead_bytes"],
                         as_printed(still["process_memory_bytes"] * 2 / 100))
        self.assertEqual(peak["tracing_cpu_overhead_percent"], 0.25)
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
