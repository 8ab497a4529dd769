"""The child of the daemon that makes the passes: it may be stopped, killed or made to
wait, and takes nothing along that it does not need."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

from tests.support import needs, proc, project, testcase, waiting

NAME = f"ra{os.getpid()}"

# A file system that never answers a write or a flush of a file, or late if the number
# of the file is even. It never answers a read of file 1001. It notes the number in a
# directory.
SILENT = """
import errno, pathlib, pyfuse3, sys, trio
async def be_silent(file):
    number = file - pyfuse3.ROOT_INODE - 1
    (pathlib.Path(sys.argv[2]) / str(number)).touch()
    await trio.sleep(0.6 if number % 2 == 0 else float("inf"))
class Silent(pyfuse3.Operations):
    async def getattr(self, inode, ctx=None):
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.entry_timeout = entry.attr_timeout = 3600
        if inode == pyfuse3.ROOT_INODE:
            entry.st_mode = 0o40755
        else:
            entry.st_mode, entry.st_size = 0o100666, 4096
        return entry
    async def setattr(self, inode, attr, fields, fh, ctx):
        return await self.getattr(inode)
    async def lookup(self, parent, name, ctx=None):
        if not name.isdigit():
            raise pyfuse3.FUSEError(errno.ENOENT)
        return await self.getattr(pyfuse3.ROOT_INODE + 1 + int(name))
    async def open(self, inode, flags, ctx):
        return pyfuse3.FileInfo(fh=inode)
    async def read(self, fh, offset, size):
        if fh == pyfuse3.ROOT_INODE + 1 + 1001:
            await be_silent(fh)
        return b"x" * min(size, 4096)
    async def write(self, fh, offset, data):
        await be_silent(fh)
        return len(data)
    async def flush(self, fh):
        await be_silent(fh)
pyfuse3.init(Silent(), sys.argv[1],
             set(pyfuse3.default_options) | {"allow_other"})
trio.run(pyfuse3.main)
"""

# A process that holds a lock of its own for ever, or again and again. In place of a
# mapping of the file it maps other memory: the kernel writes the file before, with
# mmap_lock held. Or it executes a program: the kernel closes the file, with
# exec_update_lock held.
STALLING = """
import ctypes, mmap, os, sys
path, way, name = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [
    ctypes.c_long]
libc.prctl(15, name.encode(), 0, 0, 0)
file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
print("ready", flush=True)
sys.stdin.readline()
if way == "exec":
    os.execv("/bin/sleep", [name, "1000"])
READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
FIXED = 0x10
while True:
    memory = libc.mmap(None, 4096, READ_WRITE, mmap.MAP_SHARED, file, 0)
    ctypes.memset(memory, 100, 1)
    libc.mmap(memory, 4096, READ_WRITE,
              mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | FIXED, -1, 0)
"""


def status(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return re.search(rf"^{key}:\s+(.*)$", text, re.MULTILINE)[1]


class WithLoad(testcase.TestCase):
    """The daemon with another plugin, whose values go on."""

    def start(self, *options, **how):
        collectd = self.collectd("\n".join([
            "LoadPlugin load",
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            *options,
            '<Process "self">', "Self true", "</Process>",
            "</Plugin>"]), plugins=["load"], **{"interval": 0.2, **how}).start()
        return collectd

    def start_with_values(self, *options):
        collectd = self.start("Interval 0.2", *options)
        collectd.wait_for_values("self")
        return collectd

    def wait_for_error(self, collectd, text):
        def said():
            return [line for line in collectd.lines("error")
                    if re.search(text, line)]
        return waiting.wait_for(said, f"an error: {text}", collectd.log)

    def wait_for_another(self, collectd, old):
        def replaced():
            found = proc.children(collectd.process.pid) - {old}
            return found and found.pop()
        return waiting.wait_for(replaced, "another sampler process",
                                collectd.log)


class SamplerProcessTest(WithLoad):

    def test_it_is_a_process_of_its_own_and_self_is_the_daemon(self):
        collectd = self.start_with_values(
            '<Process "command-line">', 'CommandLine "collectd"',
            'CommandLine "resource_attribution_sampler"', "</Process>",
            'Process "collectd"', 'Process "resource_attrib"')
        sampler = collectd.sampler()
        counts = collectd.counts()
        self.assertEqual(counts["self"], 1)
        self.assertAlmostEqual(
            collectd.samples()["self"]["process_memory_bytes"][0],
            proc.status_kb(collectd.process.pid, "VmRSS") * 1024,
            delta=4 << 20)
        self.assertEqual(status(sampler, "Name"), "resource_attrib")
        arguments = pathlib.Path(f"/proc/{sampler}/cmdline").read_bytes()
        self.assertEqual(arguments, b"resource_attribution_sampler\0")
        collectd.stop()

    def test_it_has_nothing_that_it_does_not_need(self):
        collectd = self.start_with_values('Discovery "Scan"', 'Process "sleep"')
        sampler = collectd.sampler()
        self.assertEqual(status(sampler, "NoNewPrivs"), "1")
        if not project.SANITIZER_RUNTIME:
            self.assertEqual(status(sampler, "Seccomp"), "2")
        cap_sys_ptrace = 1 << 19
        daemons = int(status(collectd.process.pid, "CapPrm"), 16)
        kept = cap_sys_ptrace if daemons & cap_sys_ptrace else daemons
        for which in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            self.assertEqual(int(status(sampler, which), 16) & ~kept, 0, which)
        # Two pipes, from and to the daemon; no socket of write_prometheus.
        files = [os.readlink(path)
                 for path in pathlib.Path(f"/proc/{sampler}/fd").iterdir()]
        self.assertEqual(sum(file.startswith("pipe:") for file in files), 2)
        self.assertEqual(sum(file.startswith("socket:") for file in files), 0)
        self.assertNotIn(f"{collectd.directory}/log", files)
        collectd.stop()

    @needs.root
    def test_without_ptrace_it_keeps_what_shows_processes_like_the_daemon(self):
        # As in a container, where all run as root with a few capabilities.
        wrapper = ["setpriv", "--bounding-set", "-all,+chown,+kill"]
        watched = self.directory / "ra-watched"
        shutil.copy("/bin/sleep", watched)
        self.run_program(*wrapper, watched, "1000")
        collectd = self.start(
            "Interval 0.2", '<Process "watched">', f'Executable "{watched}"',
            "</Process>", wrapper=wrapper)
        collectd.wait_for_counts(watched=1)
        collectd.stop()

    def test_signals_of_the_service_manager_do_not_end_it(self):
        collectd = self.start_with_values()
        sampler = collectd.sampler()
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(sampler, one)
        collectd.wait_for_passes()
        self.assertEqual(collectd.sampler(), sampler)
        self.assertEqual(collectd.lines("error"), [])
        collectd.stop()

    def test_it_ends_with_the_daemon(self):
        collectd = self.start_with_values()
        sampler = collectd.sampler()
        os.kill(sampler, signal.SIGSTOP)
        collectd.process.kill()
        collectd.process.wait()
        def ended():
            with contextlib.suppress(FileNotFoundError):
                return status(sampler, "State").startswith("Z")
            return True
        waiting.wait_for(ended, "the sampler process to end")

    def test_crash_is_said_and_another_takes_its_place(self):
        collectd = self.start_with_values()
        signals = [(signal.SIGKILL, "itself or by SIGKILL")]
        # The runtime of a sanitizer would take it for a defect.
        if not project.SANITIZER_RUNTIME:
            signals.append((signal.SIGSEGV, r"signal 11 \(Segmentation fault\)"))
        for one, text in signals:
            sampler = collectd.sampler()
            os.kill(sampler, one)
            self.wait_for_error(
                collectd, f"^the sampler process ended by {text}.*a new one")
            self.wait_for_another(collectd, sampler)
            collectd.wait_for_passes()
        self.assertEqual(len(collectd.lines("error")), len(signals),
                         collectd.log())
        self.assertEqual(set(collectd.wait_for_values("self")), {"self"})
        collectd.stop()

    def test_stop_is_said_and_another_takes_its_place(self):
        collectd = self.start_with_values()
        sampler = collectd.sampler()
        os.kill(sampler, signal.SIGSTOP)
        self.wait_for_error(collectd, "was stopped by a signal")
        self.wait_for_another(collectd, sampler)
        collectd.wait_for_passes()
        collectd.stop()

    def test_missing_program_is_said(self):
        collectd = self.collectd("LoadPlugin resource_attribution")
        path = collectd.directory / "plugins" / "resource_attribution_sampler"
        path.unlink()
        collectd.start()
        self.assertEqual(collectd.lines("error"), [
            f"not started: the sampler process cannot be started: {path}: "
            "No such file or directory"])

    def test_program_that_always_crashes_is_not_started_again_and_again(self):
        collectd = self.start_with_values()
        path = collectd.directory / "plugins" / "resource_attribution_sampler"
        path.unlink()
        path.write_text("#!/bin/sh\nkill -KILL $$\n")
        path.chmod(0o755)
        os.kill(collectd.sampler(), signal.SIGKILL)
        self.wait_for_error(collectd, "^pass failed, .*again and again")
        self.assertLessEqual(len(collectd.lines("error")), 12)
        collectd.stop()


@needs.root
class StallTest(WithLoad):
    """Processes of an ordinary user that make readers of their files wait."""

    def setUp(self):
        super().setUp()
        self.stalled = 0
        self.silent = self.directory / "silent"
        self.silent.mkdir()
        self.mountpoint = self.directory / "mnt"
        self.mountpoint.mkdir()
        self.server = self.run_program(sys.executable, "-c", SILENT,
                                       self.mountpoint, self.silent)
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.mountpoint],
                        check=False, capture_output=True)
        waiting.wait_for(lambda: (self.mountpoint.is_mount()
                                  or self.server.poll() is not None),
                         "the file system")
        if not self.mountpoint.is_mount():
            self.skipTest("needs to mount a FUSE file system")

    def stall(self, way, name):
        """Starts a process of an ordinary user and returns it. It waits until the
        server ends, or with "drip" for a moment again and again. Each has a file of
        its own, so that none waits for another."""
        self.stalled += 1 + (self.stalled % 2 == (way != "drip"))
        victim = self.run_program(
            "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
            sys.executable, "-c", STALLING, self.mountpoint / str(self.stalled),
            way, name,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # Before the victim: it cannot end while it waits.
        self.addCleanup(self.server.kill)
        victim.stdout.readline()
        victim.stdin.write(b"\n")
        victim.stdin.close()
        self.addCleanup(victim.stdout.close)
        waiting.wait_for((self.silent / str(self.stalled)).exists,
                         f"{name} to stall")
        return victim

    def other_values_go_on(self, collectd):
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.wait_for_values("self")["self"]) - {
            "process_cpu_percent"}, set(testcase.daemon.TYPES) - {
                "process_cpu_percent"})

    def test_process_that_holds_a_lock_is_passed_over(self):
        for way, selector, file in (
                ("mmap", 'CommandLine "^postgres:"', "cmdline"),
                ("exec", f'Name "{NAME}"', "stat")):
            with self.subTest(way):
                collectd = self.start_with_values(
                    '<Process "block">', selector, "</Process>")
                victim = self.stall(way, NAME)
                [line] = self.wait_for_error(collectd, "^waited")
                self.assertRegex(
                    line, rf"^waited [\d.]+ s for /proc/{victim.pid}/{file}: "
                    rf"process {victim.pid} is passed over for 1 min, and for 1 h if "
                    "it happens again, and counts as gone$")
                self.other_values_go_on(collectd)
                self.assertEqual(len(collectd.lines("error")), 1,
                                 collectd.log())
                collectd.stop()

    def test_process_that_stalls_before_the_start(self):
        self.stall("mmap", NAME)
        collectd = self.start("Interval 0.2", '<Process "block">',
                              'CommandLine "^postgres:"', "</Process>")
        self.wait_for_error(collectd, "^waited")
        self.other_values_go_on(collectd)
        collectd.stop()

    def test_user_of_three_such_processes_is_passed_over(self):
        collectd = self.start_with_values(
            '<Process "block">', 'CommandLine "^postgres:"', "</Process>")
        for _ in range(3):
            self.stall("mmap", NAME)
        self.wait_for_error(collectd, "^processes of user 65534 made the plugin "
                            "wait three times: all processes of this user are "
                            "passed over for 1 h")
        self.stall("mmap", NAME)
        self.stall("exec", NAME)
        self.other_values_go_on(collectd)
        waits = [line for line in collectd.lines("error")
                 if line.startswith("waited")]
        self.assertEqual(len(waits), 3, collectd.log())
        collectd.stop()

    def test_processes_that_each_make_it_wait_for_a_moment(self):
        for _ in range(20):
            self.stall("drip", NAME)
        collectd = self.start("Interval 0.2", '<Process "block">',
                              'CommandLine "^postgres:"', "</Process>")
        self.wait_for_error(collectd, "^processes of user 65534 made the plugin "
                            "wait three times")
        self.other_values_go_on(collectd)
        collectd.stop()

    def drip(self):
        """Starts a process for which each pass waits a little if there is the block for
        it. Returns the process."""
        victim = self.stall("drip", NAME)
        (self.directory / "drip.pid").write_text(f"{victim.pid}\n")
        return victim

    def block_for_drip(self):
        return ['<Process "drip">', f'PIDFile "{self.directory}/drip.pid"',
                'CommandLine "^postgres:"', "</Process>"]

    # A pass takes the blocks in their order: it waits for the process first.
    def test_file_is_blamed_and_not_a_process_that_a_pass_waited_for_before(self):
        pid_file = self.mountpoint / "1001"
        # On a busy machine the process may make a pass wait longer than it should.
        for _ in range(3):
            victim = self.drip()
            collectd = self.start("Interval 0.2", *self.block_for_drip(),
                                  '<Process "silent">', f'PIDFile "{pid_file}"',
                                  "</Process>")
            [line] = self.wait_for_error(collectd, "^waited")
            if f"/proc/{victim.pid}/" not in line:
                break
            collectd.stop()
        self.assertRegex(line, rf"^waited [\d.]+ s for {pid_file}: the files of its "
                         "directory are passed over for 1 h$")
        self.other_values_go_on(collectd)
        self.assertEqual(len(collectd.lines("error")), 1, collectd.log())
        collectd.stop()

    def test_short_waits_leave_no_descriptors(self):
        collectd = self.start_with_values(*self.block_for_drip())
        def descriptors():
            paths = []
            for entry in pathlib.Path(f"/proc/{collectd.process.pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    paths.append(os.readlink(entry))
            return paths
        before = len(descriptors())
        path = f"/proc/{self.drip().pid}"
        for _ in range(3):
            waiting.wait_for(lambda: path in descriptors(), "a pass to wait",
                             collectd.log)
            def closed():
                now = descriptors()
                return path not in now and len(now) <= before
            waiting.wait_for(closed, f"{before} descriptors again", descriptors)
        self.assertEqual(collectd.lines("error"), [])
        collectd.stop()

    # The deadline of this interval is 10 s. The end comes before: the wait is not said.
    def test_the_daemon_ends_while_a_pass_waits(self):
        self.stall("mmap", NAME)
        collectd = self.start("Interval 60", '<Process "block">',
                              'CommandLine "^postgres:"', "</Process>")
        sampler = collectd.sampler()
        waiting.wait_for(lambda: status(sampler, "State").startswith("D"),
                         "the pass to wait", collectd.log)
        collectd.stop()
        self.assertEqual(collectd.lines("error"), [])
        self.assertFalse(pathlib.Path(f"/proc/{sampler}").exists())


if __name__ == "__main__":
    unittest.main()
