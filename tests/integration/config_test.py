"""Configuration as administrators test it: `collectd -T` on a file."""

import re
import unittest

from tests.support import loopback, needs, project, testcase

# A configuration, and what the line that refuses it has to name.
INVALID = [
    ("Interval 0", {}, ["Interval 0", "0.1"]),
    ("Interval -5", {}, ["Interval -5", "0.1"]),
    ('Interval "60"', {}, ['Interval "60"', "without quotes"]),
    ("Interval 1e99", {}, ['Interval "1e99"', "without quotes"]),
    ("Interval 99999999", {}, ["Interval 99999999", "0.1 to 31536000"]),
    ("Enabled maybe", {}, ['Enabled "maybe"', "true or false"]),
    ("Enabled 7", {}, ["Enabled 7", "true or false"]),
    ('ProcPath "proc"', {}, ['ProcPath "proc"', "absolute path"]),
    ('CPUPercentOf "Socket"', {}, ['CPUPercentOf "Socket"', '"Core" or "Host"']),
    ('PeakMemory "VmRSS"', {}, ['PeakMemory "VmRSS"', '"VmPeak" or "VmHWM"']),
    ("TracingMemoryPercent 101", {}, ["TracingMemoryPercent 101", "0 to 100"]),
    ("TracingCPUPercent -1", {}, ["TracingCPUPercent -1", "0 to 100"]),
    ("Intervall 60", {}, ["unknown option Intervall 60", "Interval"]),
    ('Process ""', {}, ['Process ""', "name of 1 to 127 bytes"]),
    ('Process "a/b"', {}, ['Process "a/b"', 'without "/"']),
    (f'Process "{"x" * 128}"', {}, ["Process", "name of 1 to 127 bytes"]),
    ('Process "a" "b"', {}, ['Process "a" "b"']),
    ('Process "a\tb"', {}, ['Process "a\\x09b"', "control"]),
    ('ProcessMatch "a"', {}, ['ProcessMatch "a"', "RE2"]),
    ('ProcessMatch "a" "(["', {}, ['ProcessMatch "a" "(["', "missing ]"]),
    ('Process "a"\nProcess "a"', {}, ['"a" is there twice', 'Process "a"']),
    ('<Process "a">\nPIDFile "x.pid"\n</Process>', {},
     ['<Process "a">', 'PIDFile "x.pid"', "absolute path"]),
    ('<Process "a">\nCommandLine "*"\n</Process>', {},
     ['<Process "a">', 'CommandLine "*"', "RE2"]),
    ('<Process "a">\nPeakMemory "VmHWM"\n</Process>', {},
     ['<Process "a">', "expected a selector"]),
    ('<Process "a">\nInterval 5\n</Process>', {},
     ['<Process "a">', "unknown option Interval 5", "PIDFile"]),
    ('<Process "a">\nUser 1.5\n</Process>', {},
     ['<Process "a">', "User 1.5", "user ID"]),
    ('TracingOverhead "Compared"', {},
     ['TracingOverhead "Compared"', '"Estimate" or "Threads"']),
    ('<Process "a">\nName "a"\nTracingExportPort 0\n</Process>', {},
     ['<Process "a">', "TracingExportPort 0", "1 to 65535"]),
    ('<Process "a">\nName "a"\n<Component "b">\nName "c"\n</Component>\n'
     '</Process>', {},
     ['<Process "a">', '<Component "b">', 'unknown option Name "c"', "Thread"]),
    ('<Process "a">\nName "a"\n<Untraced>\nIncludeChildren true\n</Untraced>\n'
     '</Process>', {},
     ['<Process "a">', "<Untraced>", "unknown option IncludeChildren true",
      "known here: Self, PIDFile"]),
    ('<Process "a">\nName "a"\n<Untraced>\nSelf false\n</Untraced>\n'
     '</Process>', {},
     ['<Process "a">', "expected <Untraced> with a selector"]),
    ('Process "a"', {"RESOURCE_ATTRIBUTION_ENABLED": "2"},
     ['RESOURCE_ATTRIBUTION_ENABLED="2"', "true or false"]),
    ('Process "a"', {"RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS": "1m"},
     ['RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS="1m"', "0.1"]),
    (None, {"RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS": "0"},
     ['RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS="0"', "0.1"]),
]

LOAD = "LoadPlugin resource_attribution\n"


def plugin_block(options):
    if options is None:
        return LOAD
    return (LOAD + "<Plugin resource_attribution>\n" + options + "\n</Plugin>")


class ConfigTest(testcase.TestCase):

    def check(self, config, **options):
        checked = self.collectd(config, writer=False, **options)
        return checked.check(), checked

    def test_every_invalid_configuration_is_refused_by_name(self):
        for options, env, named in INVALID:
            with self.subTest(options=options, env=env):
                status, checked = self.check(plugin_block(options), env=env)
                self.assertNotEqual(status, 0)
                self.assertTrue(
                    any(all(word in line for word in named)
                        for line in checked.lines("error")),
                    f"no line names {named}:\n{checked.log()}")

    def test_all_errors_are_reported_at_once(self):
        status, checked = self.check(
            plugin_block("Interval 0\nBogus 1")
            + '\n<Plugin resource_attribution>\nProcess "a/b"\n</Plugin>')
        self.assertNotEqual(status, 0)
        self.assertEqual(len(checked.lines("error")), 3, checked.log())

    def test_what_does_not_exist_is_valid(self):
        status, checked = self.check(plugin_block("""
            ProcPath "/proc"
            <Process "a">
              PIDFile "/nowhere/x.pid"
              User "no-such-user-here"
              Executable "/nowhere/x"
            </Process>
            Process "no-such-process"
            """))
        self.assertEqual(status, 0, checked.log())
        self.assertEqual(checked.lines("warning"), [])

    def test_bare_load_plugin_is_valid(self):
        status, checked = self.check(LOAD)
        self.assertEqual(status, 0, checked.log())
        self.assertRegex(checked.lines("info")[0],
                         r"^Resource attribution started: interval 60 s "
                         r"\(default\), 1 block,")

    def test_interval_of_load_plugin(self):
        status, checked = self.check(
            "<LoadPlugin resource_attribution>\nInterval 20\n</LoadPlugin>")
        self.assertEqual(status, 0, checked.log())
        self.assertIn("interval 20 s (LoadPlugin)", checked.lines("info")[0])

    def test_interval_of_load_plugin_is_checked(self):
        load = ("<LoadPlugin resource_attribution>\nInterval {}\n"
                "</LoadPlugin>\n")
        for more in ("", plugin_block('Process "a"').removeprefix(LOAD)):
            status, checked = self.check(load.format(0.05) + more)
            self.assertNotEqual(status, 0)
            self.assertIn("<LoadPlugin>: option Interval 0.05: expected",
                          checked.log())
            status, checked = self.check(load.format(0.1) + more)
            self.assertEqual(status, 0, checked.log())
            self.assertIn("interval 0.1 s (LoadPlugin)", checked.log())

    def test_disabled(self):
        for options, env in [("Enabled false", {}),
                             ("Enabled true",
                              {"RESOURCE_ATTRIBUTION_ENABLED": "off"})]:
            with self.subTest(options=options):
                status, checked = self.check(plugin_block(options), env=env)
                self.assertEqual(status, 0, checked.log())
                self.assertEqual(len(checked.lines("info")), 1)
                self.assertIn("disabled", checked.lines("info")[0])

    def test_disabled_is_still_checked(self):
        status, _ = self.check(plugin_block("Enabled false\nInterval 0"))
        self.assertNotEqual(status, 0)

    def drop_in(self):
        return (project.SOURCE_DIR / "collectd.conf.d"
                / "resource_attribution.conf").read_text()

    def test_drop_in_is_valid_as_shipped(self):
        status, checked = self.check(self.drop_in())
        self.assertEqual(status, 0, checked.log())
        self.assertIn("Resource attribution started", checked.log())

    @needs.listening
    def test_drop_in_is_valid_with_every_comment_taken_off(self):
        # Options stand behind one "#", prose behind "# ".
        config = re.sub(r"(?m)^#(?! |$)", "", self.drop_in()).replace(
            '"9103"', f'"{loopback.free_port()}"')
        status, checked = self.check(config)
        self.assertEqual(status, 0, checked.log())

    def test_every_option_is_explained_in_drop_in_page_and_manual(self):
        _, checked = self.check(
            plugin_block('Bogus 1\n<Process "a">\nBogus 1\n'
                         '<Component "b">\nBogus 1\n</Component>\n'
                         "<Sampling>\nBogus 1\n</Sampling>\n</Process>"))
        options = set()
        for line in checked.lines("error"):
            if "known here: " in line:
                options |= set(line.split("known here: ")[1].split(" (")[0]
                               .split(", "))
        self.assertGreater(len(options), 10, checked.log())
        page = (project.SOURCE_DIR / "docs/configuration.md").read_text()
        manual = (project.SOURCE_DIR / "docs"
                  / "collectd-resource_attribution.pod").read_text()
        for option in options:
            self.assertRegex(self.drop_in(), rf"(?m)^#? *<?{option}\b")
            self.assertRegex(page, rf"`<?{option}\b")
        # The manual has these options and no others.
        self.assertEqual(set(re.findall(r"(?m)^=item (?:C<E<lt>>)?B<([A-Z]\w+)>",
                                        manual)), options)

    def test_examples_of_the_manual_are_valid(self):
        manual = (project.SOURCE_DIR / "docs"
                  / "collectd-resource_attribution.pod").read_text()
        examples = re.findall(r"(?m)^  LoadPlugin resource_attribution\n"
                              r"(?:  .*\n)+?  </Plugin>\n", manual)
        blocks = re.findall(r"(?m)^  <Process .*\n(?:    .*\n)+?  </Process>\n",
                            manual)
        examples += map(plugin_block, blocks)
        self.assertEqual(len(examples), 7)
        for example in examples:
            with self.subTest(example=example):
                status, checked = self.check(example)
                self.assertEqual(status, 0, checked.log())

    def test_example_of_the_page_is_valid(self):
        page = (project.SOURCE_DIR / "docs/configuration.md").read_text()
        example = re.search(r"(?m)^    LoadPlugin resource_attribution\n"
                            r"(?:    .*\n)+?    </Plugin>\n", page)[0]
        status, checked = self.check(example)
        self.assertEqual(status, 0, checked.log())
        self.assertIn("4 blocks", checked.lines("info")[0])

    def test_blocks_with_placeholders_of_the_page_are_valid(self):
        page = (project.SOURCE_DIR / "docs/configuration.md").read_text()
        blocks = re.findall(r"(?m)^    <Process \"[^\"]*\$\{\w+\}[^\"]*\">\n"
                            r"(?:    .*\n)+?    </Process>\n", page)
        self.assertGreater(len(blocks), 1)
        status, checked = self.check(plugin_block("\n".join(blocks)))
        self.assertEqual(status, 0, checked.log())

    def test_load_plugin_may_be_repeated_but_not_come_later(self):
        block = plugin_block('Process "{}"')
        status, checked = self.check(block.format("a") + "\n" + block.format("b"))
        self.assertEqual(status, 0, checked.log())
        self.assertIn("2 blocks", checked.lines("info")[0])
        status, checked = self.check(
            block.format("a").removeprefix(LOAD) + "\n" + block.format("b"))
        self.assertEqual(status, 0, checked.log())
        self.assertIn("the plugin isn't loaded", checked.log())
        self.assertIn("1 block,", checked.lines("info")[0])

    def test_the_parser_of_collectd_takes_a_backslash_away(self):
        for expression, valid in [(r"\\(", True), (r"\(", False)]:
            status, checked = self.check(
                plugin_block(f'ProcessMatch "a" "{expression}"'))
            self.assertEqual(status == 0, valid, checked.log())

    def test_procfs_that_is_missing_is_no_invalid_option(self):
        status, checked = self.check(plugin_block('ProcPath "/nowhere/proc"'))
        self.assertEqual(status, 0, checked.log())
        self.assertRegex(checked.lines("error")[0],
                         "pass failed.*: /nowhere/proc: No such file")

    def test_our_types_db_does_no_harm_beside_the_module(self):
        types = project.SOURCE_DIR / "plugin" / "types.db"
        status, checked = self.check(
            f'TypesDB "/usr/share/collectd/types.db" "{types}"\n' + LOAD)
        self.assertEqual(status, 0, checked.log())


if __name__ == "__main__":
    unittest.main()
