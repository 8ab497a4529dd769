"""The thresholds that we ship, judged by the real collectd on a real process:
nothing of the file is replaced but the limits and the address."""

import queue
import re
import unittest

from tests.support import loopback, needs, programs, project, testcase, waiting

MIB = 1 << 20
FILE = "deploy/collectd/threshold.conf"
LIMITS = {
    "1073741824": 96 * MIB,  # WarningMax
    "2147483648": 192 * MIB,  # FailureMax
    "104857600": 32 * MIB,  # Hysteresis
    "Hits        3": "Hits 0",
}


class ThresholdTest(testcase.TestCase):

    def start(self, config, plugins=("threshold",)):
        self.workload = self.actor(self.directory / "mark")
        (self.directory / "pid").write_text(f"{self.workload.pid}\n")
        self.daemon = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "workload">
                PIDFile "{self.directory}/pid"
              </Process>
            </Plugin>
            {config}""", plugins=plugins).start()
        self.daemon.wait_for_values("workload")
        return self.daemon

    def allocate(self, mebibytes):
        self.workload.do(f"hold({mebibytes})")

    def notifications(self):
        """The notifications about the memory: severity and message."""
        return re.findall(
            r"Notification: severity = (\w+), host = testhost, plugin = "
            r"resource_attribution, plugin_instance = workload, type = "
            r"process_memory_bytes, message = (.*)", self.daemon.log())

    def wait_for_severities(self, *severities):
        def reached():
            return [severity for severity, _ in
                    self.notifications()] == list(severities)
        waiting.wait_for(reached, severities, self.daemon.log)

    def test_warns_then_fails_and_is_okay_after_the_hysteresis(self):
        self.start(project.shipped(FILE, LIMITS))
        self.wait_for_severities("OKAY")
        self.allocate(120)
        self.wait_for_severities("OKAY", "WARNING")
        self.assertRegex(self.notifications()[-1][1],
                         r"above the warning threshold of 100663296\.0")
        self.allocate(200)
        self.wait_for_severities("OKAY", "WARNING", "FAILURE")
        self.allocate(120)
        self.wait_for_severities("OKAY", "WARNING", "FAILURE", "WARNING")
        # Below the limit, but not as far as the hysteresis demands.
        self.allocate(70)
        self.daemon.wait_for_passes("workload")
        memory, _ = self.daemon.samples()["workload"]["process_memory_bytes"]
        self.assertTrue(64 * MIB < memory < 96 * MIB, memory)
        self.assertEqual(self.notifications()[-1][0], "WARNING")
        self.allocate(0)
        self.wait_for_severities("OKAY", "WARNING", "FAILURE", "WARNING", "OKAY")

    def test_process_that_is_gone_is_a_failure_once(self):
        collectd = self.start(project.shipped(FILE, LIMITS))
        programs.end(self.workload.process)
        self.wait_for_severities("OKAY", "FAILURE")
        self.assertRegex(self.notifications()[-1][1],
                         r"has not been updated for [0-9.]+ seconds")
        self.assertEqual(collectd.log().count("severity = FAILURE"), 1)

    def test_is_valid_as_shipped(self):
        collectd = self.start(project.shipped(FILE, {}))
        self.assert_quiet_end(collectd)

    @needs.root
    def test_hands_notifications_to_the_program_as_another_user(self):
        received = queue.Queue()

        class Receiver(loopback.HttpHandler):

            def do_POST(self):
                received.put(self.body().decode())
                self.send_response(204)
                self.end_headers()

        server = loopback.HttpServer(self, Receiver)
        program = self.directory / "resource-attribution-notify"
        program.write_text(project.shipped(
            "deploy/collectd/resource-attribution-notify", {}))
        program.chmod(0o755)
        config = project.shipped(FILE, {
            **LIMITS,
            "/usr/local/bin/resource-attribution-notify": program,
            "127.0.0.1:8080": f"127.0.0.1:{server.server_port}",
        })
        # The part that is commented out, at the end.
        config, end = config.split("#LoadPlugin exec")
        self.start(config + "LoadPlugin exec" + end.replace("\n#", "\n"),
                   plugins=("threshold", "exec"))
        self.allocate(200)
        while "Severity: FAILURE" not in (text := received.get(timeout=60)):
            pass
        self.assertIn("\nPluginInstance: workload\n", text)
        self.assertRegex(text, r"\n\n.*above the failure threshold of 201326592")


if __name__ == "__main__":
    unittest.main()
