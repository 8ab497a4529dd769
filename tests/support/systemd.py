"""A real systemd: the init process of namespaces of its own, with the units of a test."""

import os
import pathlib
import subprocess
import unittest

from tests.support import cgroups, needs, proc, programs, waiting

EXECUTABLE = "/lib/systemd/systemd"
NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc")
# $1 is a cgroup, $2 the directory of the test. systemd has no console. It cannot change files
# outside of that directory, load modules, or set the clock or the kernel's settings.
BOOT = f"""
echo $$ >"$1/cgroup.procs"
exec unshare {' '.join(NAMESPACES)} --mount-proc sh -ec '
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    test -d /sys/kernel/tracing/events || mount -t tracefs tracefs /sys/kernel/tracing || :
    mount --bind "$2" "$2"
    mount -o remount,bind,ro /
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    mount -t tmpfs tmpfs /run
    mkdir /run/dev
    for device in null zero full random urandom tty; do
        touch /run/dev/$device
        mount --bind /dev/$device /run/dev/$device
    done
    mkdir /run/dev/shm /run/dev/pts /run/dev/mqueue
    mount --rbind /run/dev /dev
    exec setpriv --bounding-set -sys_module,-sys_time,-sys_boot \\
      env -i container=other SYSTEMD_UNIT_PATH="$2/units" PATH="$PATH" \\
      {EXECUTABLE} --system --unit=boot.target --log-target=null
' sh "$@"
"""
# What units depend on unless they say otherwise, and nothing of this machine.
TARGETS = ("boot", "sysinit", "basic", "shutdown", "local-fs", "network")


def needed(test):
    """For tests of units."""
    hierarchy = cgroups.mounted("cgroup2")
    if not (os.path.exists(EXECUTABLE) and hierarchy and os.access(hierarchy, os.W_OK)):
        reason = "needs systemd and a cgroup2 hierarchy where cgroups can be made"
        return unittest.skip(reason)(test)
    return needs.listening(needs.unshare(*NAMESPACES)(test))


class Systemd:
    """Runs until the test ends."""

    def __init__(self, test):
        self.units = test.directory / "units"
        self.units.mkdir()
        for name in TARGETS:
            self.write(f"{name}.target", "[Unit]\n")
        self._cgroup = cgroups.mounted("cgroup2") / test.directory.name
        self._cgroup.mkdir()
        test.addCleanup(self._end)
        self._log = test.directory / "systemd.log"
        with open(self._log, "ab") as log:
            self._parent = test.run_program(
                "setpriv", "--pdeathsig", "KILL", "sh", "-ec", BOOT, "sh",
                self._cgroup, test.directory, stdout=log, stderr=log)
        [self._init] = waiting.wait_for(lambda: proc.children(self._parent.pid),
                                        "an init process", self._log.read_text)
        waiting.wait_for(self._is_up, "systemd to start", self._log.read_text)

    def _is_up(self):
        # Before, systemctl(1) would ask the systemd of the machine.
        comm = pathlib.Path(f"/proc/{self._init}/comm").read_text()
        return (comm == "systemd\n" and
                self._run("systemctl", "is-system-running").stdout.strip() == "running")

    def _run(self, *command):
        return subprocess.run(
            ["nsenter", f"--target={self._init}", "--mount", "--pid", "--cgroup",
             "--root", "--wd=/", *map(str, command)],
            capture_output=True, text=True, timeout=waiting.PATIENCE, check=False)

    def _end(self):
        programs.end(self._parent)
        # The end of an init process is that of all processes of its namespace.
        for directory, _, _ in os.walk(self._cgroup, topdown=False):
            cgroups.remove(pathlib.Path(directory))

    def write(self, name, text):
        """Writes a unit or a drop-in, for instance `collectd.service.d/test.conf`."""
        file = self.units / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def systemctl(self, *arguments):
        """What systemctl(1) prints; it must succeed."""
        result = self._run("systemctl", *arguments)
        if result.returncode != 0:
            status = self._run("systemctl", "--no-pager", "status", *arguments[1:])
            raise AssertionError(f"systemctl {arguments}: {result.stderr}"
                                 f"{status.stdout}{self._log.read_text()}")
        return result.stdout

    def show(self, unit, name):
        """A property of a unit."""
        return self.systemctl("show", unit, f"--property={name}", "--value").strip()

    def processes(self, unit):
        """The PIDs of a unit, in the namespace of the test."""
        cgroup = self.show(unit, "ControlGroup")
        if not cgroup:
            return []
        return (self._cgroup / cgroup[1:] / "cgroup.procs").read_text().split()
