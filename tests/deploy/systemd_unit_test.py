"""Debian's unit of collectd under a real systemd, with the drop-in that the project
ships and the settings that it names."""

import os
import pathlib
import re
import shutil
import signal
import unittest

from tests.support import needs, project, systemd, testcase, waiting

DROP_IN = "deploy/systemd/resource-attribution.conf"
UNIT = "/lib/systemd/system/collectd.service"
# Other tests that run at the same time have a program with another name.
PROGRAM = f"ra{os.getpid()}-unit"

# What the drop-in says is not in the way, and other settings that systemd-analyze(1),
# "security", asks for.
HARDENED = """
    LockPersonality=yes
    MemoryDenyWriteExecute=yes
    NoNewPrivileges=yes
    ProcSubset=pid
    ProtectClock=yes
    ProtectControlGroups=yes
    ProtectHome=yes
    ProtectHostname=yes
    ProtectKernelLogs=yes
    ProtectKernelModules=yes
    ProtectKernelTunables=yes
    ProtectSystem=strict
    RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
    RestrictNamespaces=yes
    RestrictRealtime=yes
    RestrictSUIDSGID=yes
    SystemCallArchitectures=native
    SystemCallFilter=@system-service
    """


@needs.root
@systemd.needed
class SystemdUnitTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        self.systemd = systemd.Systemd(self)
        shutil.copy(UNIT, self.systemd.units)
        program = self.directory / PROGRAM
        shutil.copy("/bin/sleep", program)
        self.systemd.write("watched.service", f"""
            [Service]
            User=daemon
            ExecStart={program} 1000
            """)
        self.systemd.systemctl("start", "watched")
        self.daemon = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "unit">
                SystemdUnit "watched.service"
              </Process>
              <Process "executable">
                Executable "{program}"
              </Process>
              <Process "name">
                Name "{PROGRAM}"
              </Process>
              <Process "daemon">
                Self true
              </Process>
            </Plugin>""")

    def start(self, settings, drop_in=""):
        """Starts the unit with these settings of its service."""
        for _ in range(5):
            self.start_once(settings, drop_in)
            waiting.wait_for(lambda: "entering read-loop" in self.daemon.log(),
                             "collectd to start", self.daemon.log)
            if "Opening a listening socket" not in self.daemon.log():
                break
            # Another program took the port in between.
            self.systemd.systemctl("stop", "collectd")
            (self.daemon.directory / "log").unlink()

    def start_once(self, settings, drop_in):
        configuration = self.daemon.write_config()
        self.daemon.directory.chmod(0o777)
        self.systemd.write("collectd.service.d/resource-attribution.conf", drop_in)
        self.systemd.write("collectd.service.d/test.conf", f"""
            [Unit]
            ConditionPathExists=
            [Service]
            EnvironmentFile=
            ExecStartPre=
            ExecStart=
            ExecStart=/usr/sbin/collectd -C {configuration}
            ReadWritePaths={self.directory}
            RestartSec=1
            {settings}
            """)
        self.systemd.systemctl("daemon-reload")
        self.systemd.systemctl("start", "collectd")

    def test_debians_unit_runs_it_and_restarts_it(self):
        self.start("", project.shipped(DROP_IN, {}))
        self.daemon.wait_for_counts(unit=1, executable=1, name=1, daemon=1)
        first = self.systemd.processes("collectd")
        self.assertEqual(len(first), 2)
        self.systemd.systemctl("kill", "--kill-whom=main", "--signal=KILL", "collectd")
        waiting.wait_for(lambda: self.systemd.show("collectd", "NRestarts") == "1",
                         "the restart")
        self.daemon.wait_for_passes("daemon")
        second = self.systemd.processes("collectd")
        self.assertEqual(len(second), 2)
        self.assertEqual(set(first) & set(second), set())
        self.systemd.systemctl("stop", "collectd")
        self.assertEqual(self.systemd.show("collectd", "Result"), "success")
        self.assertEqual(self.systemd.processes("collectd"), [])
        self.assertEqual(self.daemon.lines("error"), [])

    def test_a_hardened_unit_of_a_user_has_all_values_with_what_the_drop_in_offers(self):
        drop_in = re.sub(r"^#(\w+=)", r"\1", project.shipped(
            DROP_IN, {"INTERVAL_SECS=30": "INTERVAL_SECS=0.2"}), flags=re.MULTILINE)
        self.start("User=nobody" + HARDENED, drop_in)
        self.daemon.wait_for_counts(unit=1, executable=1, name=1, daemon=1)
        self.assertEqual(self.systemd.show("collectd", "NRestarts"), "0")
        for name, value in re.findall(r"(\w+)=(yes|strict)\n", HARDENED):
            self.assertEqual(self.systemd.show("collectd", name), value, name)
        for pid in self.systemd.processes("collectd"):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, r"(?s)NoNewPrivs:\t1\n.*Seccomp:\t2\n")
        for severity in ("error", "warning"):
            self.assertEqual(self.daemon.lines(severity), [])

    def test_users_are_found_in_a_hardened_unit(self):
        self.daemon.config = self.daemon.config.replace(
            f'Name "{PROGRAM}"', f'Name "{PROGRAM}"\n User "daemon"')
        self.start(HARDENED)
        self.daemon.wait_for_counts(name=1, daemon=1)
        self.assertEqual(self.daemon.lines("error"), [])

    @needs.tracefs
    def test_short_connections_take_one_call_more(self):
        self.daemon.config = self.daemon.config.replace(
            "Self true", "Self true\n TracingExportPort 4318")
        self.start(HARDENED)
        self.daemon.wait_for_line("tracepoints of sockets: Operation not permitted")
        self.systemd.systemctl("stop", "collectd")
        self.start(HARDENED + "SystemCallFilter=perf_event_open")
        self.daemon.wait_for_line("export traffic of connections of any length")

    def test_the_unit_of_rhel_and_fedora_has_no_capabilities(self):
        self.start("CapabilityBoundingSet=\nProtectSystem=full\nProtectHome=true")
        self.daemon.wait_for_counts(unit=1, executable=0, name=1, daemon=1)
        self.daemon.wait_for_line("the daemon lacks CAP_SYS_PTRACE")

    def test_hidden_processes(self):
        self.start("User=nobody\nProtectProc=invisible")
        self.daemon.wait_for_counts(unit=0, executable=0, name=0, daemon=1)
        self.daemon.wait_for_line("hides the processes of other users")

    def test_users_of_its_own(self):
        self.start("PrivateUsers=yes")
        self.daemon.wait_for_counts(unit=1, executable=0, name=1, daemon=1)
        self.daemon.wait_for_line("a security module or a user namespace refuses it")

    def test_no_netlink(self):
        self.start("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6")
        self.daemon.wait_for_counts(unit=1, executable=1, name=1, daemon=1)
        self.daemon.wait_for_line("by scanning /proc (process events: Address family")

    def test_a_call_that_the_unit_forbids(self):
        # The sampler process alone makes this one.
        self.start("SystemCallFilter=@system-service\nSystemCallFilter=~capset")
        self.daemon.wait_for_line("or, if collectd's unit has SystemCallFilter=, "
                                  "made a call that it forbids")

    def test_collectd_itself_needs_the_calls_that_the_drop_in_names(self):
        for call in ("memfd_create", "pidfd_open", "pidfd_send_signal", "pipe2",
                     "waitid"):
            with self.subTest(call):
                settings = ("Restart=no\nSystemCallFilter=@system-service\n"
                            f"SystemCallFilter=~{call}")
                if call == "pidfd_send_signal":  # made when the sampler process ends
                    self.start(settings)
                    self.daemon.wait_for_counts(daemon=1)
                    self.systemd.systemctl("stop", "collectd")
                else:
                    self.start_once(settings, "")
                waiting.wait_for(
                    lambda: self.systemd.show("collectd", "ExecMainStatus")
                    == str(int(signal.SIGSYS)),
                    f"the end of collectd without {call}", self.daemon.log)
                self.systemd.systemctl("reset-failed", "collectd")
                (self.daemon.directory / "log").unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main()
