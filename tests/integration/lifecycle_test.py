"""A watched process that goes and comes back, and the daemon that stays."""

import pathlib
import unittest

from tests.support import daemon, proc, programs, testcase, waiting


class LifecycleTest(testcase.TestCase):

    def start_workload(self):
        process = self.run_program("sleep", "1000")
        (self.directory / "workload.pid").write_text(f"{process.pid}\n")
        return process

    def watch_workload(self):
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "workload">
                PIDFile "{self.directory}/workload.pid"
              </Process>
              <Process "self">
                Self true
              </Process>
            </Plugin>""").start()
        collectd.wait_for_values("workload", "self")
        return collectd

    def wait_for_gap(self, collectd):
        def gap():
            samples = collectd.samples()
            return "self" in samples and "workload" not in samples
        waiting.wait_for(gap, "the series to end", collectd.log)

    def test_killed_and_started_again(self):
        workload = self.start_workload()
        collectd = self.watch_workload()
        self.assertEqual(collectd.lines("notice"), [])

        programs.end(workload)
        # A gap: not zero, not the last value for ever.
        self.wait_for_gap(collectd)
        self.assertEqual(len(collectd.lines("notice")), 1, collectd.log())
        self.assertRegex(collectd.lines("notice")[0],
                         'block "workload": no process matches any more')

        self.start_workload()
        values = collectd.wait_for_values("workload")["workload"]
        self.assertGreaterEqual(values["process_cpu_percent"], 0)
        self.assertLess(values["process_cpu_percent"], 10)
        self.assertEqual(len(collectd.lines("notice")), 2, collectd.log())
        self.assertRegex(collectd.lines("notice")[1],
                         'block "workload": found 1 process')
        collectd.stop()

    def test_zombie_is_gone(self):
        workload = self.start_workload()
        collectd = self.watch_workload()
        workload.kill()  # Its parent, the test, does not wait for it.
        self.wait_for_gap(collectd)
        self.assertEqual(len(collectd.lines("notice")), 1, collectd.log())
        self.assertEqual(pathlib.Path(
            f"/proc/{workload.pid}/stat").read_text().rsplit(") ", 1)[1][0], "Z")
        collectd.stop()

    def test_disabled_reports_nothing(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Enabled false
            </Plugin>""").start()
        self.assertIn("Resource attribution disabled (option Enabled)",
                      collectd.log())
        self.assertEqual(collectd.samples(), {})
        collectd.stop()

    def test_environment_goes_before_the_file(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Enabled false
              Interval 3600
            </Plugin>""", env={
                "RESOURCE_ATTRIBUTION_ENABLED": "true",
                "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS": "0.5"}).start()
        collectd.wait_for_values("collectd")
        self.assertIn("interval 0.5 s "
                      "(RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS), 1 block",
                      collectd.log())
        collectd.stop()

    def test_bare_load_plugin_reports_the_daemon(self):
        collectd = self.collectd("""
            <LoadPlugin resource_attribution>
              Interval 0.4
            </LoadPlugin>""").start()
        values = collectd.wait_for_values("collectd")
        self.assertEqual(list(values), ["collectd"])
        self.assertAlmostEqual(
            values["collectd"]["process_memory_bytes"],
            proc.status_kb(collectd.process.pid, "VmRSS") * 1024,
            delta=4 << 20)
        collectd.stop()

    # With nothing but LoadPlugin the first values come at once, CPU with the
    # second pass.
    def test_first_pass_has_no_cpu(self):
        collectd = self.collectd("LoadPlugin resource_attribution").start()
        waiting.wait_for(lambda: collectd.samples(), "values", collectd.log)
        self.assertEqual(set(collectd.samples()["collectd"]),
                         set(daemon.TYPES) - {"process_cpu_percent"})
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
