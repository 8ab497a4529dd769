"""What a local user can do to the daemon that root runs: nothing that harms it,
fills its log, makes it read what he chooses, or stops its other plugins."""

import errno
import os
import pathlib
import subprocess
import sys
import unittest

from tests.support import needs, proc, project, testcase, waiting

# A file system in which opening "pid" waits until "open" exists beside it, as if its
# server had stopped.
STALLED = """
import errno, os, pyfuse3, sys, trio
class Stalled(pyfuse3.Operations):
    async def getattr(self, inode, ctx=None):
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        if inode == pyfuse3.ROOT_INODE:
            entry.st_mode = 0o40755
        else:
            entry.st_mode, entry.st_size = 0o100644, 64
        return entry
    async def lookup(self, parent, name, ctx=None):
        if name != b"pid":
            raise pyfuse3.FUSEError(errno.ENOENT)
        return await self.getattr(pyfuse3.ROOT_INODE + 1)
    async def open(self, inode, flags, ctx):
        while not os.path.exists(sys.argv[2]):
            await trio.sleep(0.05)
        return pyfuse3.FileInfo(fh=inode, direct_io=True)
    async def read(self, fh, offset, size):
        return open(sys.argv[2], "rb").read()[offset:offset + size]
pyfuse3.init(Stalled(), sys.argv[1], set(pyfuse3.default_options))
trio.run(pyfuse3.main)
"""


class HostileTest(testcase.TestCase):

    def test_pid_files_that_are_none(self):
        thread = self.actor()
        thread.do('rename_thread(b"thread")')
        [tid] = set(map(int, os.listdir(f"/proc/{thread.pid}/task"))) - {
            thread.pid}
        secret = self.directory / "secret"
        secret.write_text("31337 the secret\n")
        files = {
            "link": lambda path: path.symlink_to(secret),
            "fifo": os.mkfifo,
            "zero": lambda path: path.symlink_to("/dev/zero"),
            "directory": pathlib.Path.mkdir,
            "huge": lambda path: self.sparse(path, 1 << 40),
            "binary": lambda path: path.write_bytes(os.urandom(4096)),
            "large": lambda path: path.write_text(f"{1 << 63}\n"),
            "negative": lambda path: path.write_text("-1\n"),
            "group": lambda path: path.write_text("0\n"),
            "thread": lambda path: path.write_text(f"{tid}\n"),
            "secret": lambda path: path.write_text("31337 the secret\n"),
        }
        if os.geteuid() == 0:
            files["device"] = lambda path: os.mknod(path, 0o20666,
                                                    os.makedev(1, 5))
        for name, make in files.items():
            make(self.directory / f"{name}.pid")
        collectd = self.start_collectd(*(
            f'<Process "{name}">\nPIDFile "{self.directory}/{name}.pid"\n'
            "</Process>" for name in files))
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})
        warnings = collectd.lines("warning")
        self.assertEqual(sorted(line.split('"')[1] for line in warnings),
                         sorted(files))
        self.assertNotIn("31337", collectd.log())
        collectd.stop()

    def sparse(self, path, size):
        with open(path, "wb") as file:
            try:
                file.truncate(size)
            except OSError as error:
                # As large as this file system lets it be.
                self.assertEqual(error.errno, errno.EFBIG)
                file.truncate(1 << 30)

    def test_command_line_that_would_overflow_the_stack_of_a_matcher(self):
        collectd = self.start_collectd(
            '<Process "killer">',
            f'CommandLine "{self.directory}/mark.*(a+)+(a|aa)*([ab]*c)?[^ab]$"',
            'Name "killer"', "</Process>")
        before = proc.status_kb(collectd.process.pid, "VmRSS")
        # 2 MiB in all, 128 KiB each at the most: MAX_ARG_STRLEN.
        actor = self.actor(self.directory / "mark", *["a" * 130000] * 15)
        actor.do('rename(b"killer")')
        collectd.wait_for_passes()
        grown = proc.status_kb(collectd.process.pid, "VmRSS") - before
        # A command line counts up to 256 KiB, and RE2 holds its memory to 8 MiB.
        if not project.SANITIZER_RUNTIME:
            self.assertLess(grown, 32 * 1024)
        self.assert_quiet_end(collectd)

    def test_process_that_comes_and_goes_does_not_fill_the_log(self):
        actor = self.actor()
        collectd = self.start_collectd('Process "here"')
        for _ in range(13):
            actor.do('rename(b"here")')
            collectd.wait_for_counts(here=1)
            actor.do('rename(b"away")')
            collectd.wait_for_counts(here=0)
        lines = [line for line in collectd.lines("notice") if '"here"' in line]
        # The thirteenth line of a severity is not logged in an hour.
        self.assertEqual(len(lines), 12)
        self.assertIn("further messages suppressed for up to 1 h", lines[-1])
        self.assert_quiet_end(collectd)

    @needs.root
    def test_file_that_stalls_holds_up_no_other_plugin(self):
        mountpoint = self.directory / "mnt"
        mountpoint.mkdir()
        opened = self.directory / "open"
        server = self.run_program(sys.executable, "-c", STALLED, mountpoint, opened)
        self.addCleanup(subprocess.run, ["umount", "--lazy", mountpoint],
                        check=False, capture_output=True)
        waiting.wait_for(lambda: mountpoint.is_mount() or server.poll() is not None,
                         "the file system")
        if not mountpoint.is_mount():
            self.skipTest("needs to mount a FUSE file system")
        collectd = self.collectd(f"""
            LoadPlugin load
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              <Process "stalled">
                PIDFile "{mountpoint}/pid"
              </Process>
              <Process "stalled-not">
                Self true
              </Process>
              Interval 0.2
            </Plugin>""", plugins=["load"], interval=0.2).start()
        times = set()
        def load_goes_on():
            times.update(line.split()[-1] for line in
                         collectd.metrics_text().splitlines()
                         if line.startswith("collectd_load_shortterm{"))
            return len(times) > 5
        waiting.wait_for(load_goes_on, "the load", collectd.log)
        collectd.wait_for_counts(stalled=0, **{"stalled-not": 1})
        self.assertEqual(len(collectd.lines("error")), 1, collectd.log())
        self.assertRegex(
            collectd.lines("error")[0],
            rf"^waited [\d.]+ s for {mountpoint}/pid: the files of its directory "
            "are passed over for 1 h$")
        collectd.wait_for_passes("stalled-not")
        opened.write_text(f"{os.getpid()}\n")
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
