"""Which system calls a pass of the daemon makes, told by strace(1)."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import unittest

from tests.support import needs, project, testcase, waiting

UNIQUE = f"ra{os.getpid()}"
WATCHED = 4
BYSTANDERS = 20
# Passes in which nothing else happened on the host.
ENOUGH = 5


@needs.root
@unittest.skipIf(project.SANITIZER_RUNTIME,
                 "a sanitizer's runtime makes system calls of its own")
class SyscallsTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        program = self.directory / f"{UNIQUE}-w"
        shutil.copy("/bin/sleep", program)
        self.watched = [self.run_program(program, "1000").pid
                        for _ in range(WATCHED)]
        self.bystanders = [self.run_program("sleep", "1000").pid
                           for _ in range(BYSTANDERS)]

    def start_collectd(self, discovery, *more, read_threads=5):
        collectd = self.collectd("\n".join([
            f"ReadThreads {read_threads}",
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.2",
            f'Discovery "{discovery}"',
            *more,
            '<Process "watched">', f'Name "{UNIQUE}-w"', "</Process>",
            "</Plugin>"])).start()
        collectd.wait_for_counts(watched=WATCHED)
        collectd.wait_for_passes("watched")
        return collectd

    def trace(self, collectd, is_mark, is_enough):
        """The passes of the daemon, until they are enough. Each is a list of
        calls as (name, arguments, result), and ends before the mark of the
        next."""
        output = self.directory / "strace"
        strace = self.run_program(
            "strace", "-p", str(collectd.sampler()), "-o", output,
            "-e", "trace=open,openat,openat2,pread64,readlink,readlinkat,"
            "getdents64,lseek,recvmmsg,kcmp")
        def passes():
            if not output.exists():
                return None
            found = [[]]
            for call in re.findall(r"^(\w+)\((.*)\) += (.*)$",
                                   output.read_text(errors="replace"), re.M):
                # A mark may be several calls.
                if is_mark(call) and not (found[-1] and is_mark(found[-1][-1])):
                    found.append([])
                found[-1].append(call)
            found = found[1:-1]  # The first and the last are incomplete.
            return is_enough(found) and found
        found = waiting.wait_for(passes, "passes", collectd.log)
        strace.send_signal(signal.SIGINT)
        strace.wait()
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()
        return found

    def opened(self, calls):
        """Paths that a pass opened."""
        return [re.search(r'"(.*?)"', arguments)[1]
                for name, arguments, _ in calls if name.startswith("open")]

    def reads_of_kept_files(self, calls):
        """The files that a pass read without opening them."""
        descriptors = {result for name, _, result in calls
                       if name.startswith("open")}
        return [arguments.split(",")[0] for name, arguments, _ in calls
                if name == "pread64"
                and arguments.split(",")[0] not in descriptors]

    def check_every_pass(self, passes):
        for calls in passes:
            reads = self.reads_of_kept_files(calls)
            self.assertEqual(len(reads), 2 * WATCHED, calls)
            self.assertEqual(len(set(reads)), 2 * WATCHED, calls)
            for path in self.opened(calls):
                self.assertNotIn(path.split("/")[0], map(str, self.watched))

    def trace_with_events(self, *more):
        """Enough passes in which nothing else happened on the host."""
        def has_events(calls):
            return any(name == "recvmmsg" and not result.startswith("-1")
                       for name, _, result in calls)
        # A process that an event named is looked at in the next pass, too.
        def quiet(passes):
            return [calls for before, calls in zip(passes, passes[1:])
                    if not has_events(before) and not has_events(calls)]
        passes = self.trace(
            self.start_collectd("Events", *more),
            is_mark=lambda call: call[0] == "recvmmsg",
            is_enough=lambda passes: len(quiet(passes)) >= ENOUGH)
        self.check_every_pass(passes)
        for calls in passes:
            [last] = [result for name, _, result in calls
                      if name == "recvmmsg" and result.startswith("-1")]
            self.assertIn("EAGAIN", last)
        return quiet(passes)

    @needs.process_events
    def test_with_process_events_two_reads_each_and_nothing_else(self):
        for calls in self.trace_with_events():
            self.assertEqual([name for name, _, _ in calls],
                             ["recvmmsg"] + ["pread64"] * 2 * WATCHED)

    def check_calls_of_a_pass(self, collectd, task, calls, *kinds):
        """Every pass of a task makes these calls, and no others that read, write or
        take memory, or are of these kinds."""
        output = self.directory / f"strace-{task}"
        strace = self.run_program(
            "strace", "-p", str(task), "-o", output, "-e",
            ",".join(("trace=%network,poll,ppoll,read,readv,write,writev,mmap,munmap,"
                      "brk", *kinds)))
        def names():
            found = re.findall(r"^(?:<... )?(\w+)[( ]",
                               output.read_text() if output.exists() else "", re.M)
            # Without the first, which may be incomplete, and events.
            found = [name for name in found if name != "recvmmsg"][2 * len(calls):]
            return len(found) >= ENOUGH * len(calls) and found
        found = waiting.wait_for(names, "calls", collectd.log)
        strace.send_signal(signal.SIGINT)
        strace.wait()
        begin = found.index(calls[0])
        whole = found[begin:][:(len(found) - begin) // len(calls) * len(calls)]
        self.assertEqual(whole, calls * (len(whole) // len(calls)))

    def check_calls_of_the_daemon(self, collectd, name="reader#0"):
        tasks = pathlib.Path(f"/proc/{collectd.process.pid}/task")
        [thread] = [int(path.parent.name) for path in tasks.glob("*/comm")
                    if path.read_text() == f"{name}\n"]
        self.check_calls_of_a_pass(collectd, thread, ["write", "poll", "read"],
                                   "%file", "fsync")

    # What the way between the daemon and its child costs.
    @needs.process_events
    def test_a_pass_takes_three_calls_of_the_daemon_and_two_of_the_child(self):
        collectd = self.start_collectd("Events", read_threads=1)
        self.check_calls_of_the_daemon(collectd)
        self.check_calls_of_a_pass(collectd, collectd.sampler(),
                                   ["read", "writev"])
        collectd.stop()

    # For each request the kernel walks over its table of connections. No socket of
    # the host leads to these ports, so that one datagram is the answer.
    @needs.process_events
    def test_the_sockets_of_both_families_are_asked_for_at_once(self):
        collectd = self.start_collectd(
            "Events", '<Process "exporting">', f'Name "{UNIQUE}-w"',
            "TracingExportPort 1 2", "</Process>", read_threads=1)
        self.check_calls_of_a_pass(collectd, collectd.sampler(),
                                   ["read", "sendto", "recvmsg", "writev"])
        collectd.stop()

    # Listing them would take most of the time of such a pass.
    @needs.process_events
    def test_many_threads_are_not_listed_again_while_they_are_the_same(self):
        name = f"{UNIQUE}-t"
        process = self.run_program(
            "python3", "-c", "import pathlib, threading\n"
            f"pathlib.Path('/proc/self/comm').write_text('{name}')\n"
            "for _ in range(600):\n"
            "    threading.Thread(target=threading.Event().wait).start()\n")
        tasks = pathlib.Path(f"/proc/{process.pid}/task")
        waiting.wait_for(lambda: len(list(tasks.iterdir())) == 601, "threads")
        collectd = self.start_collectd(
            "Events", '<Process "threads">', f'Name "{name}"', 'TracingOverhead "Threads"',
            "</Process>", read_threads=1)
        collectd.wait_for_passes("threads")
        self.check_calls_of_a_pass(
            collectd, collectd.sampler(),
            ["read", "lseek", "getdents64", "getdents64", "writev"],
            "lseek", "getdents64")
        collectd.stop()

    def start_with_sampling(self, mode):
        """A service whose tracing takes all of its CPU."""
        name = f"{UNIQUE}-y"
        program = self.directory / name
        shutil.copy("/usr/bin/yes", program)
        self.run_program(program, stdout=subprocess.DEVNULL)
        files = self.directory / "sampling"
        files.mkdir()
        collectd = self.start_collectd(
            "Events", f'SamplingMode "{mode}"', f'SamplingAnswers "{files}"',
            f'SamplingFile "{files}/strategies.json"',
            '<Process "busy">', f'Name "{name}"', 'TracingOverhead "Threads"',
            f'TracingThread "^{name}"', "CompareWindow 2",
            "<Sampling>", "MaxCPUShare 3", "Ratio 0.001 0.1", "StepInterval 1",
            "</Sampling>", "</Process>", read_threads=1)
        return collectd, files

    @needs.process_events
    def test_observing_sampling_changes_nothing_on_disk(self):
        collectd, files = self.start_with_sampling("Observe")
        collectd.wait_for_line("sampling ratio would be lowered from 0.1 to 0.05")
        self.check_calls_of_the_daemon(collectd)
        collectd.stop()
        self.assertEqual([*files.iterdir()], [])

    @needs.process_events
    def test_acting_on_sampling_changes_files_only_with_the_ratio(self):
        collectd, files = self.start_with_sampling("Act")
        # The share does not fall: two cuts, then it is left alone.
        collectd.wait_for_line("sampling ratio returned to 0.1")
        self.assertEqual(sorted(path.name for path in files.iterdir()),
                         ["busy.json", "strategies.json"])
        self.check_calls_of_the_daemon(collectd, "resource_attrib")
        collectd.stop()

    @needs.process_events
    def test_pid_files_are_opened_and_nothing_else(self):
        paths = []
        for pid in self.watched[:2]:
            paths.append(f"{self.directory}/{pid}.pid")
            with open(paths[-1], "w") as file:
                file.write(f"{pid}\n")
        passes = self.trace_with_events(
            '<Process "listed">', *(f'PIDFile "{path}"' for path in paths),
            "</Process>")
        for calls in passes:
            self.assertEqual(sorted(self.opened(calls)), sorted(paths))
            self.assertEqual({name for name, _, _ in calls} - {"open", "openat"},
                             {"recvmmsg", "pread64"})

    # It may share the memory of its parent: the plugin asks once for each.
    def test_forked_workers_are_compared_with_their_parents_once(self):
        strace = self.directory / "strace-of-all"
        actor = self.actor()
        actor.do(f"rename(b'{UNIQUE}-f')")
        actor.do("fork(3)")
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.2",
            '<Process "forked">', f'Name "{UNIQUE}-f"', "</Process>",
            "</Plugin>"]), wrapper=[
                "strace", "-D", "-f", "-o", strace, "-e", "trace=kcmp"]).start()
        collectd.wait_for_counts(forked=4)
        for _ in range(3):
            collectd.wait_for_passes("forked")
        collectd.stop()
        self.assertEqual(strace.read_text().count("kcmp("), 3)

    @contextlib.contextmanager
    def stopped(self, pid):
        """A process makes no pass during the body."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def thread_with_the_pid_of_one_that_ended(self, sampler):
        """Starts a thread that lasts as long as the test. A process had its ID
        between two passes."""
        def attempt():
            with self.stopped(sampler):
                ended = subprocess.Popen(["true"])
                ended.wait()
                pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(
                    str(ended.pid - 1))
                thread = threading.Thread(target=self.end.wait)
                thread.start()
            return ended.pid if thread.native_id == ended.pid else None
        self.end = threading.Event()
        self.addCleanup(self.end.set)
        return waiting.wait_for(attempt, "the ID to be given to a thread")

    # The kernel walks over all threads of a process for the `stat` of each.
    @needs.process_events
    @needs.choice_of_pid
    def test_stat_of_a_thread_with_the_pid_of_one_that_ended_is_not_read(self):
        collectd = self.start_collectd(
            "Events", '<Process "family">', f'Name "{UNIQUE}-f"',
            "IncludeChildren true", 'CommandLine "^x"', "</Process>")
        output = self.directory / "strace"
        strace = self.run_program("strace", "-p", str(collectd.sampler()),
                                  "-o", output, "-e", "trace=openat")
        collectd.wait_for_passes("watched")
        thread = self.thread_with_the_pid_of_one_that_ended(collectd.sampler())
        waiting.wait_for(
            lambda: f'"{thread}/' in output.read_text(), "a look at the thread",
            collectd.log)
        collectd.wait_for_passes("watched")
        strace.send_signal(signal.SIGINT)
        strace.wait()
        collectd.stop()
        self.assertEqual(
            set(re.findall(rf'"{thread}/(\w+)"', output.read_text())), {"status"})

    # With CommandLine the plugin looks again at processes after their events.
    @needs.process_events
    def test_process_that_has_ended_is_looked_at_once(self):
        collectd = self.start_collectd(
            "Events", '<Process "other">', 'CommandLine "^no such program"',
            "</Process>")
        output = self.directory / "strace"
        strace = self.run_program("strace", "-p", str(collectd.sampler()),
                                  "-o", output, "-e", "trace=openat")
        def looks_at_one_that_ended():
            with self.stopped(collectd.sampler()):
                ended = subprocess.Popen(["true"])
                ended.wait()
            for _ in range(3):
                collectd.wait_for_passes("watched")
            return output.read_text().count(f'"{ended.pid}/')
        # strace may begin after the first look.
        looks = waiting.wait_for(looks_at_one_that_ended, "a look",
                                 collectd.log)
        strace.send_signal(signal.SIGINT)
        strace.wait()
        collectd.stop()
        self.assertEqual(looks, 1)

    def test_scan_reads_the_name_of_each_other_process_once(self):
        passes = self.trace(
            self.start_collectd("Scan"),
            is_mark=lambda call: call[0] == "lseek",
            is_enough=lambda passes: len(passes) >= ENOUGH)
        self.check_every_pass(passes)
        for calls in passes:
            self.assertEqual({name for name, _, _ in calls},
                             {"lseek", "getdents64", "openat", "pread64"})
            opened = self.opened(calls)
            for path in opened:
                self.assertRegex(path, r"^\d+/comm$")
            self.assertEqual(len(set(opened)), len(opened))
            self.assertLessEqual({f"{pid}/comm" for pid in self.bystanders},
                                 set(opened))
            # Each is looked at soon after it was listed.
            names = [name for name, _, _ in calls]
            end_of_list = len(names) - 1 - names[::-1].index("getdents64")
            self.assertIn("openat", names[:end_of_list])


if __name__ == "__main__":
    unittest.main()
