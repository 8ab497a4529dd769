"""resource-attribution-check: what it says of files, and what it leaves alone."""

import os
import pathlib
import subprocess
import unittest

import daemon

CHECK = daemon.BUILD_DIR / "resource-attribution-check"


class CheckTest(daemon.TestCase):

    def write(self, name, text, end="\n"):
        path = self.directory / name
        path.write_text(text + end)
        return path

    def check(self, *arguments, wrapper=(), **env):
        """Runs it with these arguments, beside the module that was built."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        temporary.chmod(0o777)
        if daemon.SANITIZER_RUNTIME:
            # mawk compares beyond what it has, up to the first difference.
            env.update(LD_PRELOAD=daemon.SANITIZER_RUNTIME,
                       ASAN_OPTIONS="detect_leaks=0:strict_memcmp=0")
        result = subprocess.run(
            [*wrapper, CHECK, "--plugin-dir", daemon.BUILD_DIR, *arguments],
            capture_output=True, text=True, timeout=daemon.PATIENCE,
            env={**os.environ, "TMPDIR": str(temporary), **env})
        self.assertEqual(list(temporary.iterdir()), [], "left behind")
        return result

    def assert_refused(self, result, *lines):
        self.assertEqual(result.returncode, 1, result)
        for line in lines:
            self.assertIn(line, result.stderr)
        self.assertNotIn("BLOCK", result.stdout)

    def sleeper(self):
        process = self.run_program("sleep", "1000")
        comm = pathlib.Path(f"/proc/{process.pid}/comm")
        daemon.wait_for(lambda: comm.read_text() == "sleep\n", "exec")
        (self.directory / "pid").write_text(str(process.pid))
        return process

    def test_table_has_what_is_matched_now_and_its_values(self):
        pid = self.sleeper().pid
        result = self.check(self.write("ok.conf", f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "one">
                PIDFile "{self.directory}/pid"
                TracingCPUPercent 0.25
              </Process>
              Process "nobody-is-called-so"
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        start, absent, _, one, process, nobody = result.stdout.splitlines()
        self.assertIn("started: interval 60 s (default), 2 blocks", start)
        self.assertIn('block "nobody-is-called-so": no process matches yet',
                      absent)
        memory = daemon.status_kb(pid, "VmRSS") * 1024
        peak = daemon.status_kb(pid, "VmPeak") * 1024
        self.assertEqual(one.split(), ["one", str(memory), str(peak), "0.0",
                                       f"{memory * 0.015:.0f}", "0.25"])
        self.assertEqual(process, f"  {pid} sleep")
        self.assertEqual(nobody.split(), ["nobody-is-called-so", *"-----"])

    def test_table_says_who_is_traced_and_what_is_exported(self):
        pid = self.sleeper().pid
        result = self.check(self.write("ok.conf", f"""
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
            self.check(one, two),
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
        self.assert_refused(self.check(first, second), f"`{second}', line 4 ")

    def test_block_that_the_daemon_would_ignore_is_an_error(self):
        block = """
            <Plugin resource_attribution>
              Process "a"
            </Plugin>"""
        self.assert_refused(
            self.check(self.write("early.conf",
                                  f"{block}\nLoadPlugin resource_attribution")),
            "would be ignored", "stands before")
        self.assert_refused(self.check(self.write("never.conf", block)),
                            "would be ignored")
        self.assert_refused(self.check(self.write("empty.conf", "")),
                            '"LoadPlugin resource_attribution" is missing')

    def test_verdict_is_that_of_the_daemon(self):
        ours = ("<Plugin resource_attribution>\n", "</Plugin>\n")
        load = "LoadPlugin resource_attribution\n"
        bad = load + "Interval 1\n".join(ours).replace("1", '"soon"')
        valid = {
            "comment glued": load.replace("\n", "# c\n"),
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
                result = self.check(path)
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
                self.check(self.write("typo.conf", f"""
                    LoadPlugin resource_attribution
                    <Plugin "{name}">
                      Interval 5
                    </Plugin>""")),
                f"configuration for the `{name}' plugin", "would be ignored")

    def test_other_plugins_are_not_loaded_however_they_are_written(self):
        result = self.check(self.write("other.conf", """
            LoadPlugin resource_attribution
            < LoadPlugin no_such_plugin>
            </LoadPlugin>
            LoadPlugin "no_such_plugin_either"
            <Plugin no_such_plugin_either>
            </Plugin>"""))
        self.assertEqual((result.returncode, result.stderr), (0, ""))

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
        result = self.check(
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
        result = self.check(self.write("whole.conf", f"""
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
        result = self.check(self.write("dos.conf", "\r\n".join([
            "loadplugin Resource_Attribution", "<plugin Resource_Attribution>",
            'process "nobody-is-called-so"', "</plugin>", "LOADPLUGIN cpu", ""])))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("nobody-is-called-so", result.stdout)

    def test_pass_that_fails_is_an_error(self):
        self.assert_refused(
            self.check(self.write("proc.conf", """
                LoadPlugin resource_attribution
                <Plugin resource_attribution>
                  ProcPath "/nonexistent"
                </Plugin>""")),
            "pass failed", "/nonexistent")

    def test_disabled_is_valid_and_said(self):
        path = self.write("off.conf", "LoadPlugin resource_attribution\n")
        result = self.check(path, RESOURCE_ATTRIBUTION_ENABLED="no")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("disabled (RESOURCE_ATTRIBUTION_ENABLED)", result.stdout)
        self.assert_refused(
            self.check(path, RESOURCE_ATTRIBUTION_ENABLED="perhaps"),
            'RESOURCE_ATTRIBUTION_ENABLED="perhaps": expected')

    @daemon.needs_root
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
        result = self.check(path, wrapper=[
            "setpriv", "--reuid", "nobody", "--regid", "nogroup",
            "--clear-groups"])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(f"{pid} sleep", result.stdout)

    def test_wrong_use_is_told_apart(self):
        for arguments in ([], ["--bogus"], ["--plugin-dir"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run([CHECK, *arguments], text=True,
                                        capture_output=True, check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn("usage:", result.stderr)
        self.assert_refused(self.check(self.directory / "missing.conf"),
                            "missing.conf: not a file that can be read")


if __name__ == "__main__":
    unittest.main()
