"""Unusual processes: the plugin reports what is true of them."""

import os
import pathlib
import subprocess
import sys
import unittest

from tests.support import needs, proc, programs, testcase, waiting

# Part of names, so that tests that run in parallel do not find each other.
UNIQUE = f"ra{os.getpid()}"
MIB = 1 << 20


class OddProcessesTest(testcase.TestCase):

    def memory(self, collectd, block):
        collectd.wait_for_passes()
        return collectd.samples()[block]["process_memory_bytes"][0]

    # posix_spawn(3) is vfork(2) with what is to happen before the exec: here, to
    # open a FIFO, which waits for a writer.
    def test_child_before_its_exec_has_no_memory_of_its_own(self):
        fifo = self.directory / "fifo"
        os.mkfifo(fifo)
        collectd = self.start_collectd(
            *(line for memory in ("Rss", "Pss") for line in (
                f'<Process "{memory}">', f'CommandLine "{self.directory}/mark"',
                f'MemoryType "{memory}"', "</Process>")))
        actor = self.actor(self.directory / "mark")
        actor.do("allocate(100)")
        collectd.wait_for_counts(Rss=1, Pss=1)
        before = {block: self.memory(collectd, block) for block in ("Rss", "Pss")}
        actor.tell("os.posix_spawn('/usr/bin/setpriv', ['setpriv', "
                   "'--pdeathsig', 'KILL', 'sleep', '1000'], os.environ, "
                   f"file_actions=[(os.POSIX_SPAWN_OPEN, 0, '{fifo}', "
                   "os.O_RDONLY, 0)])")
        collectd.wait_for_counts(Rss=2, Pss=2)
        for block, bytes_ in before.items():
            self.assertAlmostEqual(self.memory(collectd, block), bytes_,
                                   delta=5 * MIB)
        fifo.write_text("")
        collectd.wait_for_counts(Rss=1, Pss=1)
        self.assert_quiet_end(collectd)

    # As Rss counts them: a page counts in each process that has it.
    def test_forked_worker_counts_with_the_memory_that_it_shares(self):
        collectd = self.start_collectd(
            '<Process "workers">', f'CommandLine "{self.directory}/mark"',
            "</Process>")
        actor = self.actor(self.directory / "mark")
        actor.do("allocate(50)")
        actor.do("fork(2)")
        collectd.wait_for_counts(workers=3)
        self.assertGreater(self.memory(collectd, "workers"), 150 * MIB)
        self.assert_quiet_end(collectd)

    def blocks_of_actor(self):
        return (
            '<Process "name">', f'Name "{UNIQUE}"', "</Process>",
            '<Process "line">', f'CommandLine "{self.directory}/mark"',
            'MemoryType "Pss"', "TracingDetect true", "</Process>",
            '<Process "executable">', f'Name "{UNIQUE}"',
            f'Executable "{os.path.realpath(sys.executable)}"', "</Process>")

    def check_without_main_thread(self, actor, collectd):
        collectd.wait_for_counts(name=1, line=1, executable=1)
        values = collectd.wait_for_values("name", "line")
        threads = os.listdir(f"/proc/{actor.pid}/task")
        [other] = [tid for tid in threads if int(tid) != actor.pid]
        resident = proc.status_kb(f"{actor.pid}/task/{other}", "VmRSS") * 1024
        self.assertAlmostEqual(values["name"]["process_memory_bytes"], resident,
                               delta=MIB)
        self.assertGreater(resident, 50 * MIB)
        # It uses as much CPU as it gets.
        waiting.wait_for(lambda: collectd.samples()["name"]
                         ["process_cpu_percent"][0] > 20, "CPU", collectd.log)
        self.assertAlmostEqual(values["line"]["process_memory_bytes"], resident,
                               delta=20 * MIB)

    def test_process_whose_main_thread_has_ended_is_there(self):
        collectd = self.start_collectd(*self.blocks_of_actor())
        actor = self.actor(self.directory / "mark",
                           env={**os.environ, "OTEL_TRACES_EXPORTER": "otlp"})
        actor.do(f"rename(b'{UNIQUE}')")
        actor.do("allocate(50)")
        collectd.wait_for_counts(name=1, line=1, executable=1)
        actor.do("burn()")
        actor.tell("end_main_thread()")
        stat = pathlib.Path(f"/proc/{actor.pid}/stat")
        waiting.wait_for(lambda: ") Z " in stat.read_text(), "its end")
        for _ in range(3):
            collectd.wait_for_passes()
        self.check_without_main_thread(actor, collectd)
        # The plugin still knows whether the process is traced.
        self.assertGreater(
            collectd.samples()["line"]["tracing_memory_overhead_bytes"][0], 0)
        self.assertEqual([line for line in collectd.lines("notice")
                          if "no process matches" in line], [])

        # A daemon that comes later finds it, too.
        later = self.start_collectd(*self.blocks_of_actor())
        self.check_without_main_thread(actor, later)
        self.assert_quiet_end(later)
        programs.end(actor.process)
        collectd.wait_for_counts(name=0, line=0, executable=0)
        self.assert_quiet_end(collectd)

    def test_script_with_a_long_name(self):
        name = f"{UNIQUE}-dispatcher-of-events.py"
        for number, option in enumerate(("", " -u")):
            script = self.directory / str(number) / name
            script.parent.mkdir()
            script.write_text(f"#!/usr/bin/python3{option}\n"
                              "import time\ntime.sleep(1000)\n")
            script.chmod(0o755)
            self.run_program(script, "--verbose")
        collectd = self.start_collectd(f'Process "{name}"')
        collectd.wait_for_counts(**{name: 2})
        self.assert_quiet_end(collectd)

    def test_title_that_is_padded_with_blanks(self):
        collectd = self.start_collectd(
            f'ProcessMatch "worker" "^{UNIQUE}: worker process$"')
        actor = self.actor("x" * 100)
        actor.do(f"retitle(b'{UNIQUE}: worker process' + b' ' * 60)")
        collectd.wait_for_counts(worker=1)
        self.assert_quiet_end(collectd)

    @needs.root
    def test_kernel_threads_belong_only_where_a_name_selects_them(self):
        if not pathlib.Path("/proc/2/comm").exists():
            self.skipTest("no kernel threads in this PID namespace")
        # Other tests may have thousands of processes now.
        collectd = self.start_collectd(
            '<Process "${comm} of root">', 'User "root"', "MaxInstances 1000",
            "</Process>",
            'Process "kthreadd"')
        collectd.wait_for_counts(kthreadd=1)
        self.assertEqual(
            collectd.samples()["kthreadd"]["process_memory_bytes"][0], 0)
        def all_have_memory():
            of_root = {name: values["process_memory_bytes"][0]
                       for name, values in collectd.samples().items()
                       if name.endswith(" of root")}
            self.assertNotIn("kthreadd of root", of_root)
            return of_root and all(of_root.values())
        # A process of another test that ends just now has no memory any more.
        waiting.wait_for(all_have_memory, "memory", collectd.log)
        self.assert_quiet_end(collectd)

    def start_in_user_namespace(self):
        # Root of that namespace has every capability, but only over what is in the
        # namespace.
        wrapper = ("unshare", "--user", "--map-root-user")
        if subprocess.run([*wrapper, "true"], capture_output=True).returncode:
            self.skipTest("no user namespace can be made")
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "refused">
                Executable "/bin/no-such-program"
              </Process>
              <Process "self">
                Self true
              </Process>
            </Plugin>""", wrapper=wrapper).start()
        collectd.wait_for_passes()
        return collectd

    @needs.root
    def test_refusal_in_spite_of_the_capability_is_said(self):
        other = self.run_program("setpriv", "--reuid", "nobody", "--regid",
                                 "nogroup", "--clear-groups", "sleep", "1000")
        # Its exe takes CAP_SYS_PTRACE, which the test may lack.
        comm = pathlib.Path(f"/proc/{other.pid}/comm")
        waiting.wait_for(lambda: comm.read_text() == "sleep\n", "exec")
        collectd = self.start_in_user_namespace()
        [warning] = waiting.wait_for(lambda: collectd.lines("warning"),
                                     "a warning", collectd.log)
        self.assertRegex(
            warning,
            r'^block "refused": processes may be missing: /proc/PID/exe: '
            r"Permission denied \(although the daemon has CAP_SYS_PTRACE: a "
            r"security module or a user namespace refuses it\); for example "
            r"process \d+ .+$")
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
