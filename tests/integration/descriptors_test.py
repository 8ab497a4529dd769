"""More watched processes than the sampler process may open files."""

import os
import pathlib
import re
import resource
import shutil
import unittest

from tests.support import needs, testcase, waiting

NAME = f"ra{os.getpid()}-many"
PROCESSES = 2000
LIMIT = 256
# What is left to open other files with.
RESERVED = 64


class DescriptorsTest(testcase.TestCase):

    @classmethod
    def setUpClass(cls):
        case = cls("setUp")  # which holds the processes for all
        case.setUp()
        cls.addClassCleanup(case.doCleanups)
        program = case.directory / NAME
        shutil.copy("/bin/sleep", program)
        case.actor().do(f"spawn({PROCESSES}, '{program}', 'inf')")

    def start_collectd(self, *options, discovery="Scan",
                       limit=f"{LIMIT}:{LIMIT}"):
        return self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.5",
            f'Discovery "{discovery}"',
            *options,
            f'Process "{NAME}"',
            '<Process "self">', "Self true", "</Process>",
            "</Plugin>"]),
            wrapper=["prlimit", f"--nofile={limit}"]).start()

    def open_files(self, pid):
        """The descriptors, and what each leads to; empty: closed since."""
        found = []
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.append((int(entry.name), os.readlink(entry)))
            except FileNotFoundError:
                found.append((int(entry.name), ""))
        return found

    def files(self, collectd):
        """How many files the sampler process has open, and how many belong to
        processes."""
        paths = [path for _, path in self.open_files(collectd.sampler())]
        of_processes = sum(bool(re.match(r"/proc/\d+/(stat|status)$", path))
                           for path in paths)
        return len(paths), of_processes

    def check_within(self, collectd, kept, limit=LIMIT):
        """All processes count while `kept` files are open, or two for the
        process that is being read."""
        collectd.wait_for_counts(**{NAME: PROCESSES})
        waiting.wait_for(lambda: self.files(collectd)[1] == kept,
                         f"{kept} files", lambda: str(self.files(collectd)))
        def sampled():
            for _ in range(20):
                total, of_processes = self.files(collectd)
                self.assertLessEqual(of_processes, kept + 4)
                self.assertLessEqual(total, limit - RESERVED + 16)
                opened = os.listdir(f"/proc/{collectd.process.pid}/fd")
                self.assertLess(len(opened), 32)
            return True
        sampled()
        collectd.wait_for_passes()
        sampled()
        values = collectd.wait_for_values(NAME)[NAME]
        self.assertEqual(values["tracing_cpu_overhead_percent"],
                         PROCESSES * 0.5)
        self.assertNotIn("Too many open files", collectd.log())
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()

    # As many as the limit allows unless the option says so.
    def test_default(self):
        self.check_within(self.start_collectd(), LIMIT - RESERVED)

    @needs.process_events
    def test_default_with_process_events(self):
        self.check_within(self.start_collectd(discovery="Events"),
                          LIMIT - RESERVED)

    def test_the_hard_limit_counts_and_the_daemon_has_none_of_them(self):
        collectd = self.start_collectd(limit=f"{LIMIT}:{2 * LIMIT}")
        self.check_within(collectd, 2 * LIMIT - RESERVED, limit=2 * LIMIT)

    def test_option(self):
        self.check_within(self.start_collectd("MaxOpenFiles 20"), 20)

    def test_none(self):
        self.check_within(self.start_collectd("MaxOpenFiles 0"), 0)

    def test_option_beyond_the_limit(self):
        self.check_within(self.start_collectd("MaxOpenFiles 100000"),
                          LIMIT - RESERVED)

    # Passes fail, rather than tell half, until there are descriptors again.
    def test_one_descriptor_left(self):
        collectd = self.start_collectd("MaxOpenFiles 0")
        collectd.wait_for_counts(**{NAME: PROCESSES})
        pid = collectd.sampler()
        # The descriptors that stay open: a pass opens only files of processes.
        used = {fd for fd, path in self.open_files(pid)
                if not re.match(r"(/proc/\d+(/.*)?)?$", path)}
        free = min(set(range(LIMIT)) - used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free + 1, LIMIT))
        waiting.wait_for(lambda: collectd.lines("error"), "an error",
                         collectd.log)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        waiting.wait_for(lambda: collectd.lines("notice"), "a notice",
                         collectd.log)
        collectd.wait_for_counts(**{NAME: PROCESSES})
        [error] = collectd.lines("error")
        self.assertRegex(error, "^pass failed, .*Too many open files$")
        self.assertEqual(collectd.lines("notice"), ["pass succeeded again"])
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
