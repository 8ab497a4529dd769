"""The drop-in for collectd's systemd unit: systemd accepts it, and it gives the module
what it needs when collectd runs as the user of a hardened unit."""

import os
import re
import shutil
import subprocess
import unittest

from tests.support import needs, programs, project, testcase, waiting

FILE = "deploy/systemd/resource-attribution.conf"
# Other tests that run at the same time have a program with another name.
UNIQUE = f"ra{os.getpid()}-sleep"
UNIT = "/lib/systemd/system/collectd.service"


def settings(name):
    """The values of a setting, which is commented out as shipped."""
    return re.findall(rf"^#{name}=(.*)$", project.shipped(FILE, {}),
                      re.MULTILINE)


class SystemdTest(testcase.TestCase):

    def complaints(self, drop_in):
        """The output of systemd for Debian's unit with the drop-in."""
        directory = self.directory / "system"
        (directory / "collectd.service.d").mkdir(parents=True)
        shutil.copy(UNIT, directory)
        (directory / "collectd.service.d" / "resource-attribution.conf"
         ).write_text(drop_in)
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no",
             directory / "collectd.service"],
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{directory}:"},
            capture_output=True, text=True, check=False)
        return verified.stdout + verified.stderr

    def test_systemd_accepts_it_as_shipped(self):
        self.assertEqual(self.complaints(project.shipped(FILE, {})), "")

    def test_systemd_accepts_all_that_it_offers(self):
        drop_in = re.sub(r"^#(\w+=)", r"\1", project.shipped(FILE, {}),
                         flags=re.MULTILINE)
        self.assertGreater(drop_in.count("\nCapabilityBoundingSet="), 0)
        self.assertEqual(self.complaints(drop_in), "")

    def test_environment_overrides_the_configuration(self):
        environment = dict(value.split("=") for value in
                           settings("Environment"))
        self.assertEqual(len(environment), 2)
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Enabled false
              Interval 60
            </Plugin>""", env=environment).start()
        self.assertRegex(
            "\n".join(collectd.lines("info")),
            r"started: interval 30 s \(RESOURCE_ATTRIBUTION_UPDATE_INTERVAL")

    def start_as_nobody(self, *capabilities):
        """With these capabilities. Its blocks select a process of another user, and
        each needs one capability."""
        closed = self.directory / "closed"
        closed.mkdir(mode=0o700)
        program = closed / UNIQUE
        shutil.copy("/bin/sleep", program)
        process = self.run_program(program, "1000")
        (closed / "pid").write_text(f"{process.pid}\n")
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "executable">
                Executable "{program}"
              </Process>
              <Process "file">
                PIDFile "{closed}/pid"
              </Process>
              <Process "name">
                Name "{UNIQUE}"
              </Process>
            </Plugin>""", wrapper=programs.as_nobody(*capabilities))
        collectd.directory.chmod(0o777)
        return collectd.start()

    def test_capabilities_are_what_the_module_needs(self):
        [bounding], [ambient] = map(
            settings, ("CapabilityBoundingSet", "AmbientCapabilities"))
        self.assertEqual(bounding, ambient)
        capabilities = bounding.lower().replace("cap_", "").split()
        if not needs.works(*programs.as_nobody(*capabilities), "true"):
            self.skipTest(f"needs the capabilities {', '.join(capabilities)}")
        collectd = self.start_as_nobody(*capabilities)
        collectd.wait_for_counts(executable=1, file=1, name=1)
        if needs.has_process_events():
            self.assertIn("discovery by process events",
                          "\n".join(collectd.lines("info")))

    @needs.capabilities()
    def test_without_them_it_says_what_is_missing(self):
        collectd = self.start_as_nobody()
        collectd.wait_for_counts(name=1, executable=0, file=0)
        waiting.wait_for(lambda: len(collectd.lines("warning")) >= 2,
                         "warnings", collectd.log)
        warnings = "\n".join(collectd.lines("warning"))
        self.assertRegex(warnings, r'"executable": .*/proc/PID/exe: Permission '
                                   r"denied \(the daemon lacks CAP_SYS_PTRACE\)")
        self.assertRegex(warnings, r'"file": .*/closed/pid: Permission denied')


if __name__ == "__main__":
    unittest.main()
