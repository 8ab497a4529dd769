"""The Ansible role against this host, with its directories in the test's."""

import json
import os
import re
import subprocess
import unittest

from tests.support import needs, project, testcase

ANSIBLE = project.SOURCE_DIR / "deploy/ansible"


@needs.unshare("--mount")
class AnsibleTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        self.config = self.directory / "resource_attribution_fleet.conf"
        # Stands in for the service's script, which a mount of its own hides.
        self.script = self.directory / "collectd"
        self.script.write_text("#!/bin/sh\n"
                               f"echo $1 >> {self.directory}/calls\n")
        self.script.chmod(0o755)

    def restarts(self):
        calls = self.directory / "calls"
        text = calls.read_text() if calls.exists() else ""
        return sum(call in ("start", "restart") for call in text.split())

    def play(self, **variables):
        """Runs the example playbook; returns its counts and its whole output."""
        for kind in ("options", "blocks", "group_blocks", "host_blocks"):
            variables.setdefault(kind, {})
        variables = {f"resource_attribution_{name}": value
                     for name, value in variables.items()}
        variables |= {
            # It is installed already.
            "resource_attribution_package": "collectd-core",
            "resource_attribution_config_dir": str(self.directory),
            "resource_attribution_check":
                f"{project.BUILD_DIR}/resource-attribution-check --plugin-dir "
                f"{project.BUILD_DIR}",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-ec",
             'mount --bind "$0" /etc/init.d/collectd; exec "$@"', self.script,
             "ansible-playbook", "--connection=local", "--inventory=localhost,",
             "--diff", "--extra-vars", json.dumps(variables),
             ANSIBLE / "site.yml"],
            capture_output=True, text=True, check=False,
            env={**os.environ, "ANSIBLE_LOCAL_TEMP": str(self.directory / "local"),
                 "ANSIBLE_REMOTE_TEMP": str(self.directory / "remote"),
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        recap = re.search(r"^localhost +: (.*)", result.stdout, re.MULTILINE)
        self.assertIsNotNone(recap, result.stdout + result.stderr)
        stats = dict(count.split("=") for count in recap[1].split())
        return ({name: int(count) for name, count in stats.items()},
                result.stdout)

    def test_second_run_changes_nothing(self):
        blocks = {
            "all": {"CommandLine": [r'^say "\d"', "b"], "IncludeChildren": True},
            "both": {"Name": "of all"},
            "measured": {
                "Name": "x", "TracingOverhead": "Compared",
                "TracingExportPort": [4317, "4318"],
                "Untraced": {"CommandLine": r"\d", "User": 7},
                "Sampling": {"MaxCPUShare": "3", "Ratio": [0.001, "0.1"],
                             "Service": "x y"},
                "Component": {"b c": {"Thread": ["x", "y"]},
                              "a": {"Thread": "^a"}}},
        }
        host = {"both": {"User": 1000}}
        variables = {"options": {"Interval": 30, "PeakMemory": "VmHWM"},
                     "blocks": blocks, "group_blocks": {"g": {"Name": "g"}},
                     "host_blocks": host,
                     "write_prometheus": {"Host": "0.0.0.0", "Port": "9103"}}
        stats, said = self.play(**variables)
        self.assertEqual((stats["failed"], self.restarts()), (0, 1), said)
        self.assertEqual(self.config.read_text(), """\
#
# Ansible managed
#
LoadPlugin resource_attribution
<Plugin resource_attribution>
  Interval 30
  PeakMemory "VmHWM"
  <Process "all">
    CommandLine "^say \\"\\\\d\\""
    CommandLine "b"
    IncludeChildren true
  </Process>
  <Process "both">
    User 1000
  </Process>
  <Process "g">
    Name "g"
  </Process>
  <Process "measured">
    <Component "a">
      Thread "^a"
    </Component>
    <Component "b c">
      Thread "x"
      Thread "y"
    </Component>
    Name "x"
    <Sampling>
      MaxCPUShare 3
      Ratio 0.001 0.1
      Service "x y"
    </Sampling>
    TracingExportPort 4317
    TracingExportPort 4318
    TracingOverhead "Compared"
    <Untraced>
      CommandLine "\\\\d"
      User 7
    </Untraced>
  </Process>
</Plugin>
LoadPlugin write_prometheus
<Plugin write_prometheus>
  Host "0.0.0.0"
  Port "9103"
</Plugin>
""")
        stats, said = self.play(**variables)
        self.assertEqual((stats["failed"], stats["changed"]), (0, 0), said)
        self.assertEqual(self.restarts(), 1)
        variables["host_blocks"] = {}
        stats, said = self.play(**variables)
        self.assertEqual((stats["failed"], self.restarts()), (0, 2), said)
        self.assertIn('Name "of all"', self.config.read_text())

    def test_bad_variable_is_refused_and_the_old_file_stays(self):
        stats, said = self.play()
        self.assertEqual((stats["failed"], self.restarts()), (0, 1), said)
        before = self.config.read_text()
        stats, said = self.play(options={"Interval": "soon"})
        self.assertEqual(stats["failed"], 1, said)
        self.assertIn("expected a number of seconds from 0.1", said)
        self.assertEqual(self.config.read_text(), before)
        self.assertEqual(self.restarts(), 1)

    def test_what_has_no_value_is_named_and_nothing_is_written(self):
        for variables, named in (
                ({"blocks": {"x": {"Name": []}},
                  "group_blocks": {"x": {"Name": None}},
                  "host_blocks": {"y": {"Name": ["a", None]}, "z z": None}},
                 "blocks.x.Name, resource_attribution_group_blocks.x.Name, "
                 "resource_attribution_host_blocks.y.Name, "
                 "resource_attribution_host_blocks.z z"),
                ({"blocks": {"x": {"Name": "x", "Untraced": {"Name": []},
                                   "Component": {"c": {"Thread": None},
                                                 "d": None}}}},
                 "blocks.x.Untraced.Name, "
                 "resource_attribution_blocks.x.Component.c.Thread, "
                 "resource_attribution_blocks.x.Component.d"),
                ({"blocks": {"x": {"Name": "x", "Untraced": {}}}},
                 "blocks.x.Untraced"),
                ({"blocks": {"x": {"Name": "x", "Sampling": {}}}},
                 "blocks.x.Sampling"),
                ({"options": {"Interval": None}, "blocks": None},
                 "options.Interval, resource_attribution_blocks")):
            with self.subTest(variables):
                stats, said = self.play(**variables)
                self.assertEqual((stats["failed"], stats["changed"]), (1, 0), said)
                self.assertIn(f"No value: resource_attribution_{named}. Give one",
                              said)
        self.assertFalse(self.config.exists())
        self.assertEqual(self.restarts(), 0)

    def test_numbers_in_quotes_are_numbers_where_the_option_takes_one(self):
        stats, said = self.play(
            options={"Interval": "30", "TracingCPUPercent": "{{ 1 / 4 }}"},
            blocks={"1": {"User": "1000", "Name": "7", "MaxProcesses": "2"},
                    "short": {}})
        self.assertEqual(stats["failed"], 0, said)
        self.assertEqual(self.config.read_text().partition("Interval")[2], """\
 30
  TracingCPUPercent 0.25
  <Process "1">
    MaxProcesses 2
    Name "7"
    User "1000"
  </Process>
  <Process "short">
  </Process>
</Plugin>
""")


if __name__ == "__main__":
    unittest.main()
