"""Hierarchies of cgroups, and cgroups that a test makes in them."""

import contextlib
import os
import pathlib
import signal
import subprocess

from tests.support import waiting


def mounted(kind, option=""):
    """Where a cgroup hierarchy is mounted; None if it is not."""
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, path, file_system, options, *_ = line.split()
            if file_system == kind and (not option
                                        or option in options.split(",")):
                return pathlib.Path(path)
    return None


def of_services():
    """Where the hierarchy is mounted in which systemd keeps services; None if it is
    not."""
    return mounted("cgroup2") or mounted("cgroup", "name=systemd")


def remove(cgroup):
    """Kills the processes of a cgroup and removes it."""
    processes = cgroup / "cgroup.procs"
    for pid in processes.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    waiting.wait_for(lambda: not processes.read_text(), f"{cgroup} to be empty")

    def removed():
        try:
            cgroup.rmdir()
        except OSError:
            # A process that is about to end is not listed, but keeps the cgroup.
            if any(path.is_dir() for path in cgroup.iterdir()):
                raise
            return False
        return True
    waiting.wait_for(removed, f"{cgroup} to be free")


class Hierarchy:
    """Makes cgroups in a hierarchy, and removes them with the test. `kind`, `option`
    and `mount_options` name the hierarchy."""

    kind = option = mount_options = None

    def setUp(self):
        super().setUp()
        self.root = mounted(self.kind, self.option) or self.mount()
        if not os.access(self.root, os.W_OK):
            self.skipTest(f"needs {self.kind} {self.option} where cgroups can be "
                          "made")
        self.made = []
        self.addCleanup(self.remove_all)

    def mount(self):
        """Mounts the hierarchy in the mount namespace of the test."""
        path = self.directory / "hierarchy"
        path.mkdir()
        mount = subprocess.run(
            ["mount", "-t", self.kind, *self.mount_options, "cgroup", path],
            capture_output=True, text=True)
        if mount.returncode != 0:
            self.skipTest(f"{self.kind} {self.option} cannot be mounted: "
                          + mount.stderr)
        self.addCleanup(subprocess.run, ["umount", path], check=True)
        return path

    def make(self, path):
        """Makes a cgroup and those above it; returns its path."""
        cgroup = self.root
        for component in path.split("/"):
            cgroup /= component
            if not cgroup.exists():
                cgroup.mkdir()
                self.made.append(cgroup)
        return cgroup

    def move(self, pid, path=""):
        """Moves a process to this cgroup, or to the root."""
        procs = self.root / path / "cgroup.procs"
        procs.write_text(str(pid))

    def remove_all(self):
        for cgroup in reversed(self.made):
            if cgroup.exists():
                remove(cgroup)

    def process_in(self, path):
        """Starts a process in this cgroup; returns its PID."""
        self.make(path)
        pid = self.run_program("sleep", "1000").pid
        self.move(pid, path)
        return pid
