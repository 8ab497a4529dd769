"""The daemon in a PID namespace of its own, as in a container."""

import unittest

import daemon
import reused_pid_test


@daemon.needs_namespaces
class PidNamespaceTest(reused_pid_test.ReusedPid, daemon.TestCase):

    discovery = "Auto"

    def test_scans_and_says_why(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              Process "sleep"
            </Plugin>""").start()
        self.run_program("sleep", "1000")
        collectd.wait_for_counts(sleep=1)
        [started] = [line for line in collectd.lines("info")
                     if "started" in line]
        self.assertRegex(started, r"discovery by scanning /proc \(process "
                                  r"events: .+\)$")
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()

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


if __name__ == "__main__":
    daemon.run_tests("--pid", "--fork", "--kill-child", "--mount-proc")
