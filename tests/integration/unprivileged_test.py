"""The daemon without root: it reports what it may see, and says once what it may not."""

import os
import shutil
import unittest

from tests.support import proc, testcase


class UnprivilegedTest(testcase.TestCase):

    # If the test is not root, the daemon and what it watches have the same user, and
    # init has another.
    user = "nobody" if os.geteuid() == 0 else None

    def start_collectd(self, *block):
        return self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.2",
            *block,
            '<Process "self">', "Self true", "</Process>",
            "</Plugin>"]), user=self.user).start()

    def test_values_of_other_users_are_readable(self):
        workload = self.run_program("sleep", "1000")
        (self.directory / "workload.pid").write_text(str(workload.pid))
        collectd = self.start_collectd(
            '<Process "workload">', f'PIDFile "{self.directory}/workload.pid"',
            'Name "sleep"', 'CommandLine "^sleep 1000$"', "</Process>")
        values = collectd.wait_for_values("workload")["workload"]
        self.assertEqual(values["process_memory_bytes"],
                         proc.status_kb(workload.pid, "VmRSS") * 1024)
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()

    def test_executable_of_other_users_is_not_and_is_said_once(self):
        collectd = self.start_collectd('<Process "init">', 'Executable "/sbin/no-such-program"',
                                       "</Process>")
        collectd.wait_for_values("self")
        [warning] = collectd.lines("warning")
        self.assertRegex(
            warning,
            r'^block "init": processes may be missing: /proc/PID/exe: '
            r"Permission denied \(the daemon lacks CAP_SYS_PTRACE\); for "
            r"example process \d+ ")
        collectd.stop()

    def test_long_name_needs_the_executable(self):
        program = self.directory / "a-name-beyond-15-bytes"
        shutil.copy("/bin/sleep", program)
        program.chmod(0o755)
        self.run_program("other", "1000", executable=program)
        collectd = self.start_collectd('<Process "long">', 'Name "a-name-beyond-15-bytes"',
                                       "</Process>")
        collectd.wait_for_values("self")
        if self.user:
            self.assertNotIn("long", collectd.samples())
            [warning] = collectd.lines("warning")
            self.assertRegex(
                warning, r'^block "long": processes may be missing: '
                r"/proc/PID/exe: Permission denied \(the daemon lacks "
                r"CAP_SYS_PTRACE\); for example process \d+ a-name-beyond-1$")
        else:
            collectd.wait_for_values("long")
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
