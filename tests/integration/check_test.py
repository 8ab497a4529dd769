"""resource-attribution-check: its output for files, and what it leaves alone."""

import concurrent.futures
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from tests.support import needs, proc, project, testcase, waiting


class CheckTest(testcase.TestCase):

    def write(self, name, text, end="\n"):
        path = self.directory / name
        path.write_text(text + end)
        return path

    def assert_refused(self, result, *lines):
        self.assertEqual(result.returncode, 1, result)
        for line in lines:
            self.assertIn(line, result.stderr)
        self.assertNotIn("BLOCK", result.stdout)

    def sleeper(self):
        process = self.run_program("sleep", "1000")
        comm = pathlib.Path(f"/proc/{process.pid}/comm")
        waiting.wait_for(lambda: comm.read_text() == "sleep\n", "exec")
        (self.directory / "pid").write_text(str(process.pid))
        return process

    def test_table_has_what_is_matched_now_and_its_values(self):
        pid = self.sleeper().pid
        result = self.run_check(self.write("ok.conf", f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "one">
                PIDFile "{self.directory}/pid"
                TracingCPUPercent 0.25
              </Process>
              Process "nobody-is-called-so"
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        start, absent, _, one, process, nobody, reason = (
            result.stdout.splitlines())
        self.assertIn("started: interval 60 s (default), 2 blocks", start)
        self.assertIn('block "nobody-is-called-so": no process matches yet',
                      absent)
        memory = proc.status_kb(pid, "VmRSS") * 1024
        peak = proc.status_kb(pid, "VmPeak") * 1024
        self.assertEqual(one.split(), ["one", str(memory), str(peak), "0.0",
                                       f"{memory * 0.015:.0f}", "0.25"])
        self.assertEqual(process, f"  {pid} sleep")
        self.assertEqual(nobody.split(), ["nobody-is-called-so", *"-----"])
        self.assertRegex(reason, r'^  none of \d+ processes matches Name '
                                 r'"nobody-is-called-so"$')

    def reasons(self, *lines, **options):
        """The lines about a block with these selectors, and the warnings."""
        result = self.run_check(self.write("near.conf", "\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            '<Process "absent">', *lines, "</Process>", "</Plugin>"])), **options)
        self.assertEqual(result.returncode, 0, result)
        table = result.stdout[result.stdout.index("BLOCK"):].splitlines()
        self.assertEqual(table[1].split(), ["absent", *"-----"])
        return [line.strip() for line in table[2:]], result.stderr

    def test_node_whose_main_thread_has_another_name(self):
        # As Node.js does from version 23 on.
        program = (self.directory / f"ra{os.getpid()}node").resolve()
        shutil.copy(os.path.realpath(sys.executable), program)
        for _ in range(2):
            self.actor(interpreter=program).do("rename(b'MainThread')")
        lines, _ = self.reasons(f'Name "{program.name}"')
        self.assertIn(f"2 processes execute {program}, with the command name "
                      f'"MainThread": use Executable "{program}"', lines)

    def test_title_that_became_the_name(self):
        actor = self.actor("padding" * 10)
        name = f"ra{os.getpid()}"
        title = f"{name}: master [app:application]"
        actor.do(f"rename({title[:15].encode()}), retitle({title.encode()})")
        lines, _ = self.reasons(f'Name "{name}"')
        self.assertIn(f'command names that begin with "{name}": "{title[:15]}"; '
                      f'use CommandLine "^{name}"', lines)

    def test_link_to_a_program(self):
        program = self.directory.resolve() / "program"
        shutil.copy("/bin/sleep", program)
        link = self.directory / "link"
        link.symlink_to("program")
        self.run_program(link, "1000")
        lines, _ = self.reasons(f'Executable "{link}"')
        self.assertIn(f"{link} is a link to {program}: use Executable "
                      f'"{program}", which 1 process executes', lines)

    def test_selectors_that_match_apart(self):
        name = f"ra{os.getpid()}x"
        program = self.directory / name
        shutil.copy("/bin/sleep", program)
        self.run_program(program, "1000")
        user = pathlib.Path(program).owner()
        lines, _ = self.reasons(f'Name "{name}"', "User 4000000000")
        self.assertIn(f'1 process matches all but User; its User is "{user}"',
                      lines)
        self.assertIn("no process runs as user ID 4000000000", lines)

    def test_what_most_likely_selects_nothing_is_warned_of(self):
        lines, warnings = self.reasons('Name "/usr/sbin/no-such-program"')
        advice = ('use Executable "/usr/sbin/no-such-program", {}or Name '
                  '"no-such-program"{}')
        self.assertIn(advice.format("which no process executes, ",
                                    ", which no process has"), "\n".join(lines))
        self.assertEqual(
            warnings,
            'warning: resource_attribution plugin: block "absent": Name '
            '"/usr/sbin/no-such-program" is a path, not a command name: '
            + advice.format("", "") + "\n")
        self.assertTrue(self.daemon_takes(self.directory / "near.conf"))

    @needs.root
    def test_executables_that_may_not_be_read_are_counted(self):
        self.sleeper()
        lines, _ = self.reasons('Executable "/usr/bin/no-such-program"', wrapper=[
            "setpriv", "--reuid", "nobody", "--regid", "nogroup",
            "--clear-groups"])
        self.assertRegex("\n".join(lines),
                         r"the executable of \d+ process(es)? may not be read "
                         r"\(the daemon lacks CAP_SYS_PTRACE\)")

    def test_table_says_who_is_traced_and_what_is_exported(self):
        pid = self.sleeper().pid
        result = self.run_check(self.write("ok.conf", f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "detected">
                PIDFile "{self.directory}/pid"
                TracingDetect true
                TracingExportPort 4317
                <Component "all">
                  Thread "sleep"
                </Component>
              </Process>
              <Process "compared">
                PIDFile "{self.directory}/pid"
                TracingOverhead "Compared"
                <Untraced>
                  Name "sleep"
                </Untraced>
              </Process>
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        table = result.stdout[result.stdout.index("BLOCK"):].splitlines()
        self.assertEqual(table[2:4], [
            f"  {pid} sleep, tracing: absent",
            "  export traffic: 0 bytes sent, 0 received"])
        self.assertEqual(table[4].split(), ["all", "-", "-", "0.0", "-", "-"])
        self.assertEqual(table[5].split()[-2:], ["-", "-"])
        self.assertEqual(table[6], f"  {pid} sleep, tracing: absent, untraced")
        self.assertIn("not compared yet, so that no overhead is reported: there "
                      "is no traced process", result.stdout)

    def test_every_error_of_every_file_is_named(self):
        one = self.write("one.conf", """
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval "60"
              Proces "a"
              Process "twice"
            </Plugin>""")
        two = self.write("two.conf", """
            <Plugin resource_attribution>
              Process "twice"
            </Plugin>""")
        self.assert_refused(
            self.run_check(one, two),
            'error: resource_attribution plugin: option Interval "60": expected',
            'error: resource_attribution plugin: unknown option Proces "a"',
            'twice')

    def test_syntax_error_is_told_with_file_and_line(self):
        first = self.write("first.conf", "\n\nLoadPlugin resource_attribution\n")
        second = self.write("a b&|c.conf", """
            <Plugin resource_attribution>
              Process "a"
              <Process > "c">
            </Plugin>""")
        self.assert_refused(self.run_check(first, second), f"`{second}', line 4 ")

    def test_block_that_the_daemon_would_ignore_is_an_error(self):
        block = """
            <Plugin resource_attribution>
              Process "a"
            </Plugin>"""
        self.assert_refused(
            self.run_check(self.write("early.conf",
                                  f"{block}\nLoadPlugin resource_attribution")),
            "would be ignored", "stands before")
        self.assert_refused(self.run_check(self.write("never.conf", block)),
                            "would be ignored")
        self.assert_refused(self.run_check(self.write("empty.conf", "")),
                            '"LoadPlugin resource_attribution" is missing')

    def test_verdict_is_that_of_the_daemon(self):
        ours = ("<Plugin resource_attribution>\n", "</Plugin>\n")
        load = "LoadPlugin resource_attribution\n"
        bad = load + "Interval 1\n".join(ours).replace("1", '"soon"')
        valid = {
            "comment glued": load.replace("\n", "# c\n"),
            "comment with marks": "# </a> \"\n" + load + "# </a>\n".join(ours)
                                  + "LoadPlugin cpu\n",
            "continued": load.replace(" ", " \\\n"),
            "continued away": 'TypesDB "a" \\\n"b"\n' + load,
            "last line is a comment": load + "# c",
        }
        refused = {
            "no end of the last line": load + "".join(ours)[:-1],
            "no end after another": load + "LoadPlugin cpu",
            "comment after a block": "<LoadPlugin cpu>\n</LoadPlugin># x\n" + bad,
            "blank in the end": "<LoadPlugin cpu>\n</ LoadPlugin>\n" + bad,
            "not closed": load + "<LoadPlugin cpu>\nInterval 5\n",
            "closed by another": load + "<LoadPlugin cpu>\n</Plugin>\n",
            "Include inside": load + 'Include "/x"\n'.join(ours),
            "TypesDB inside":
                load + '<Process "a">\nTypesDB "c"\n</Process>\n'.join(ours),
            "block inside": load + '<Chain "a">\n</Chain>\n'.join(ours),
        }
        for name, text in {**valid, **refused}.items():
            with self.subTest(name=name):
                path = self.write("file.conf", text, end="")
                result = self.run_check(path)
                self.assertEqual(result.returncode, int(name in refused),
                                 result)
                self.assertEqual(self.daemon_takes(path), name in valid)

    def daemon_takes(self, path):
        """Whether the daemon starts with the file as it is."""
        real = self.collectd(f'Include "{path}"', writer=False,
                             plugins=["cpu"])
        return real.check() == 0

    def test_block_with_a_name_like_ours_is_an_error(self):
        for name in ("resource_atribution", "resource-attribution"):
            self.assert_refused(
                self.run_check(self.write("typo.conf", f"""
                    LoadPlugin resource_attribution
                    <Plugin "{name}">
                      Interval 5
                    </Plugin>""")),
                f"configuration for the `{name}' plugin", "would be ignored")

    def test_other_plugins_are_not_loaded_however_they_are_written(self):
        result = self.run_check(self.write("other.conf", """
            LoadPlugin resource_attribution
            < LoadPlugin no_such_plugin>
            </LoadPlugin>
            LoadPlugin "no_such_plugin_either"
            <Plugin no_such_plugin_either>
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_other_plugins_are_not_loaded_where_collectd_alone_finds_them(self):
        # By a plugin of collectd's own that says so when it is loaded.
        load = "LoadPlugin resource_attribution\n"
        files = {
            "comment that ends in a backslash": "# comment \\\nLoadPlugin cpu\n",
            "backspace": "\bLoadPlugin cpu\n",
            "string over lines": 'Hostname "a\n"\nLoadPlugin cpu\n',
            "continued string": 'Hostname "a\\\n  b"\nLoadPlugin cpu\n',
            "string with a hash": 'Hostname "#\n#"\nLoadPlugin cpu\n',
            "escaped quote": 'Hostname "\\"\n"\nLoadPlugin cpu\n',
            "stray characters": "@;LoadPlugin cpu\n",
            "stray CR": "\rLoadPlugin cpu\n",
            "stray sign": "+LoadPlugin cpu\n",
            "string that does not end": '#\nFoo "\nLoadPlugin cpu\n',
            "continued line": "LoadPlugin \\\n cpu\n",
            "NUL": "\0LoadPlugin cpu\n",
            "letters beyond ASCII": "äLoadPlugin cpu\n",
        }
        foreign = self.directory / "foreign"
        foreign.mkdir()
        (foreign / "secret.conf").write_text("this is read\n")
        def check(variant):
            number, (text, what) = variant
            strace = self.directory / f"strace-{number}"
            result = self.run_check(
                self.write(f"{number}-odd.conf", load + text.replace(
                    "LoadPlugin cpu", what), end=""),
                wrapper=["strace", "-fo", strace, "-e", "trace=open,openat"])
            return result, strace.read_text()
        variants = list(itertools.product(files, (
            "LoadPlugin cpu", f'Include "{foreign}/*.conf"',
            'PluginDir "/nonexistent"\nLoadPlugin cpu')))
        # A check mostly waits for its second pass.
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            checks = list(pool.map(check, enumerate(
                (files[name], what) for name, what in variants)))
        for (name, what), (result, opened) in zip(variants, checks):
            with self.subTest(name=name, what=what):
                self.assertNotIn("/cpu.so", opened)
                self.assertNotIn("secret.conf", opened)
                self.assertNotIn("this is read", result.stderr)
                if result.returncode != 0:
                    self.assertRegex(result.stderr, r"odd\.conf: (line|a NUL)")

    def test_running_daemon_and_its_ports_are_left_alone(self):
        text = """
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "self">
                Self true
              </Process>
            </Plugin>"""
        running = self.collectd(text, interval=0.1).start()
        pid_file = running.directory / "collectd.pid"
        pid_file.write_text("untouched")
        strace = self.directory / "strace"
        result = self.run_check(
            running.directory / "collectd.conf",
            wrapper=["strace", "-fo", strace, "-e", "trace=listen,bind"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("collectd", result.stdout)
        calls = [line for line in strace.read_text().splitlines()
                 if "listen(" in line or "bind(" in line]
        # That of the process events.
        self.assertEqual([line for line in calls if "AF_NETLINK" not in line], [])
        self.assertEqual(pid_file.read_text(), "untouched")
        running.stop()

    def test_what_a_file_names_besides_is_not_read(self):
        self.sleeper()
        result = self.run_check(self.write("whole.conf", f"""
            BaseDir "/nonexistent"
            TypesDB "/nonexistent"
            Include "/nonexistent/*.conf"
            <Include "/nonexistent">
              Filter "*.conf"
            </Include>
            <LoadPlugin cpu>
              Interval 5
            </LoadPlugin>
            PreCacheChain "c"
            <Chain "c">
              Target "stop"
            </Chain>
            <LoadPlugin "resource_attribution">
              Interval 7
            </LoadPlugin>
            <Plugin "resource_attribution">
              <Process "one">
                PIDFile "{self.directory}/pid"
              </Process>
            </Plugin>
            <Plugin cpu>
              ReportByCpu true
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("interval 7 s (LoadPlugin)", result.stdout)

    def test_line_ends_and_case_are_as_the_daemon_takes_them(self):
        result = self.run_check(self.write("dos.conf", "\r\n".join([
            "loadplugin Resource_Attribution", "<plugin Resource_Attribution>",
            'process "nobody-is-called-so"', "</plugin>", "LOADPLUGIN cpu", ""])))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("nobody-is-called-so", result.stdout)

    def test_pass_that_fails_is_an_error(self):
        self.assert_refused(
            self.run_check(self.write("proc.conf", """
                LoadPlugin resource_attribution
                <Plugin resource_attribution>
                  ProcPath "/nonexistent"
                </Plugin>""")),
            "pass failed", "/nonexistent")

    def test_disabled_is_valid_and_said(self):
        path = self.write("off.conf", "LoadPlugin resource_attribution\n")
        result = self.run_check(path, RESOURCE_ATTRIBUTION_ENABLED="no")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("disabled (RESOURCE_ATTRIBUTION_ENABLED)", result.stdout)
        self.assert_refused(
            self.run_check(path, RESOURCE_ATTRIBUTION_ENABLED="perhaps"),
            'RESOURCE_ATTRIBUTION_ENABLED="perhaps": expected')

    @needs.root
    def test_any_user_may_check_what_it_may_see(self):
        pid = self.sleeper().pid
        path = self.write("user.conf", f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "one">
                Name "sleep"
                PIDFile "{self.directory}/pid"
              </Process>
            </Plugin>""")
        result = self.run_check(path, wrapper=[
            "setpriv", "--reuid", "nobody", "--regid", "nogroup",
            "--clear-groups"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(f"{pid} sleep", result.stdout)

    def test_wrong_use_is_told_apart(self):
        for arguments in ([], ["--bogus"], ["--plugin-dir"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run([project.CHECK, *arguments], text=True,
                                        capture_output=True, check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn("usage:", result.stderr)
        self.assert_refused(self.run_check(self.directory / "missing.conf"),
                            "missing.conf: not a file that can be read")


if __name__ == "__main__":
    unittest.main()
