"""The daemon in a network namespace of its own, to which the kernel sends no
process events."""

import subprocess
import unittest

import daemon


@daemon.needs_namespaces
class NetworkNamespaceTest(daemon.TestCase):

    def setUp(self):
        super().setUp()
        # write_prometheus listens on no loopback address where there are no
        # others (AI_ADDRCONFIG of getaddrinfo(3)).
        for command in (["link", "set", "lo", "up"],
                        ["address", "replace", "192.0.2.1/32", "dev", "lo"]):
            subprocess.run(["ip", *command], check=True)

    def test_scans_and_says_why(self):
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "later">
                CommandLine "{self.directory}/mark"
              </Process>
            </Plugin>""").start()
        self.actor(self.directory / "mark")
        collectd.wait_for_counts(later=1)
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
    daemon.run_tests("--net")
