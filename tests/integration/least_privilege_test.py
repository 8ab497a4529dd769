"""The daemon as a user with exactly one capability, or none: what each is for."""

import os
import shutil
import unittest

from tests.support import needs, programs, testcase, waiting

# Other tests that run at the same time have a program with another name.
UNIQUE = f"ra{os.getpid()}-sleep"


@needs.capabilities()
class LeastPrivilegeTest(testcase.TestCase):

    def start_with(self, *capabilities, discovery="Auto", around=()):
        """Blocks for a process of root: one needs nothing, one its executable,
        and one its smaps_rollup."""
        self.program = self.directory / UNIQUE
        if not self.program.exists():
            shutil.copy("/bin/sleep", self.program)
            self.run_program(self.program, "1000")
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              Discovery "{discovery}"
              <Process "sleeper">
                Name "{UNIQUE}"
              </Process>
              <Process "executable">
                Executable "{self.program}"
              </Process>
              <Process "pss">
                Name "{UNIQUE}"
                MemoryType "Pss"
              </Process>
              <Process "detected">
                Name "{UNIQUE}"
                TracingDetect true
              </Process>
              <Process "traffic">
                Name "{UNIQUE}"
                TracingExportPort 4317
              </Process>
              <Process "threads">
                Name "{UNIQUE}"
                <Component "all">
                  Thread "."
                </Component>
              </Process>
            </Plugin>""", wrapper=[*around, *programs.as_nobody(*capabilities)])
        collectd.directory.chmod(0o777)
        return collectd.start()

    def refused(self, collectd):
        """The blocks for which the kernel refused something."""
        return sorted({line.split('"')[1] for line in
                       collectd.lines("warning") if line.startswith("block")})

    def test_none_is_needed_to_scan(self):
        collectd = self.start_with(discovery="Scan")
        collectd.wait_for_counts(sleeper=1, pss=1, executable=0)
        self.assertIn("discovery by scanning", collectd.log())
        self.assertEqual(self.refused(collectd),
                         ["detected", "executable", "pss", "traffic"])

    @needs.capabilities("net_admin")
    @needs.process_events
    def test_net_admin_is_enough_for_events(self):
        collectd = self.start_with("net_admin", discovery="Events")
        collectd.wait_for_counts(sleeper=1, pss=1, executable=0)
        self.assertIn("discovery by process events", collectd.log())
        self.assertEqual(self.refused(collectd),
                         ["detected", "executable", "pss", "traffic"])

    @needs.capabilities("sys_ptrace", "dac_read_search")
    def test_dac_read_search_is_for_environments_and_export_traffic(self):
        collectd = self.start_with("sys_ptrace", "dac_read_search")
        # Without a variable of OpenTelemetry nothing is traced.
        collectd.wait_for_counts(detected=0, threads=1)
        waiting.wait_for(lambda: 'block "traffic"' in collectd.log(), "traffic",
                         collectd.log)
        refused = self.refused(collectd)
        self.assertNotIn("detected", refused)
        self.assertNotIn("traffic", refused)

    @needs.capabilities("dac_read_search", "perfmon")
    @needs.tracefs
    def test_perfmon_is_for_short_connections(self):
        counted = "export traffic of connections of any length is counted"
        collectd = self.start_with("dac_read_search", "perfmon",
                                   around=needs.WITH_TRACEFS)
        waiting.wait_for(lambda: counted in collectd.log(), counted,
                         collectd.log)
        collectd.stop()
        collectd = self.start_with("dac_read_search", around=needs.WITH_TRACEFS)
        refused = "is not counted (tracepoints of sockets: Permission denied)"
        waiting.wait_for(lambda: refused in collectd.log(), refused, collectd.log)

    @needs.capabilities("sys_ptrace")
    def test_sys_ptrace_is_for_executables_and_pss(self):
        collectd = self.start_with("sys_ptrace")
        collectd.wait_for_counts(sleeper=1, pss=1, executable=1, detected=1)
        refused = self.refused(collectd)
        self.assertNotIn("pss", refused)
        self.assertIn("detected", refused)
        self.assertIn("traffic", refused)
        values = collectd.wait_for_values("sleeper", "pss")
        # Shared pages count in part.
        self.assertLess(values["pss"]["process_memory_bytes"],
                        values["sleeper"]["process_memory_bytes"])


if __name__ == "__main__":
    unittest.main()
