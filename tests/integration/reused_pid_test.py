"""A PID that the kernel gives to another program between two passes."""

import os
import pathlib
import unittest

import daemon

UNIQUE = f"ra{os.getpid()}"

needs_choice_of_pid = unittest.skipUnless(
    daemon.can_choose_pid(), "needs to choose PIDs: ns_last_pid")


class ReusedPid:
    """The tests, for each way of discovery."""

    discovery = None
    options = ""

    # The kernel gives the next process the PID after the last, unless another process
    # is faster.
    def actor_with_pid(self, pid, old):
        """Ends `old` and starts an actor with its PID."""
        daemon.end(old.process)
        def attempt():
            pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
            actor = self.actor()
            if actor.pid == pid:
                return actor
            daemon.end(actor.process)
            return None
        return daemon.wait_for(attempt, f"PID {pid} to be given")

    def next_pass(self, collectd):
        def time():
            return max(time for _, time in collectd.samples()["self"].values())
        before = time()
        daemon.wait_for(lambda: time() > before, "a pass", collectd.log)

    def sample(self, collectd):
        """Samples now, none of which is absurd."""
        samples = collectd.samples()
        for values in samples.values():
            if "process_cpu_percent" in values:
                cpu, _ = values["process_cpu_percent"]
                self.assertGreaterEqual(cpu, 0)
                # No pass is shorter than half the interval, which has 50 ticks.
                self.assertLessEqual(cpu, 100 * os.cpu_count() + 10)
        return samples

    def test_is_another_process(self):
        old_name, new_name = f"{UNIQUE}-old", f"{UNIQUE}-new"
        pid_file = self.directory / "pid"
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 1
              Discovery "{self.discovery}"
              {self.options}
              Process "{old_name}"
              Process "{new_name}"
              <Process "file">
                PIDFile "{pid_file}"
              </Process>
              <Process "self">
                Self true
              </Process>
            </Plugin>""").start()
        collectd.wait_for_values("self")
        old = self.actor()
        old.do(f"rename(b'{old_name}')")
        # It used much more CPU than its successor: if the plugin took them for one
        # process, the CPU would be negative.
        old.do("use_cpu(seconds=2)")
        old.do("allocate(mebibytes=64)")
        pid_file.write_text(str(old.pid))
        collectd.wait_for_values(old_name, "file")
        old_memory = daemon.status_kb(old.pid, "VmRSS") * 1024

        self.next_pass(collectd)
        new = self.actor_with_pid(old.pid, old)
        new.do(f"rename(b'{new_name}')")
        self.assertEqual(new.pid, old.pid)

        def taken_over():
            samples = self.sample(collectd)
            values = samples.get(new_name, {})
            return set(values) == set(daemon.TYPES) and old_name not in samples
        daemon.wait_for(taken_over, "the new process", collectd.log)
        for block in (new_name, "file"):
            memory, _ = self.sample(collectd)[block]["process_memory_bytes"]
            self.assertAlmostEqual(memory,
                                   daemon.status_kb(new.pid, "VmRSS") * 1024,
                                   delta=4 << 20)
            self.assertLess(memory, old_memory - (32 << 20))
        self.assertEqual(
            [line for line in collectd.lines("notice")
             if f'"{old_name}"' in line],
            [f'block "{old_name}": found 1 process',
             f'block "{old_name}": no process matches any more; nothing is '
             "reported for it until one does"])
        self.assertEqual(collectd.lines("error"), [])
        # A thread of a bystander may have had the PID for a moment.
        self.assertEqual([line for line in collectd.lines("warning")
                          if "expected a process, not a thread" not in line],
                         [])
        collectd.stop()

    def test_of_the_same_program_starts_anew(self):
        name = f"{UNIQUE}-same"
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 1
              Discovery "{self.discovery}"
              {self.options}
              Process "{name}"
              <Process "self">
                Self true
              </Process>
            </Plugin>""").start()
        actor = self.actor()
        actor.do(f"rename(b'{name}')")
        collectd.wait_for_values(name, "self")
        for seconds in (0.5, 0, 0.5, 0):
            actor.do(f"use_cpu({seconds})")
            self.sample(collectd)
            self.next_pass(collectd)
            self.sample(collectd)
            actor = self.actor_with_pid(actor.pid, actor)
            actor.do(f"rename(b'{name}')")
            self.next_pass(collectd)
            self.assertIn(name, self.sample(collectd))
            self.next_pass(collectd)
            self.assertEqual(collectd.counts()[name], 1)
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()


@needs_choice_of_pid
@daemon.needs_process_events
class EventsTest(ReusedPid, daemon.TestCase):
    discovery = "Events"


@needs_choice_of_pid
class ScanTest(ReusedPid, daemon.TestCase):
    discovery = "Scan"


@needs_choice_of_pid
class NoKeptFilesTest(ReusedPid, daemon.TestCase):
    """Without open files, which would show that their process has ended."""
    discovery = "Auto"
    options = "MaxOpenFiles 0"


if __name__ == "__main__":
    unittest.main()
