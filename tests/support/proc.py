"""What the kernel says of a process."""

import collections
import contextlib
import os
import pathlib
import re
import time


def status_kb(pid, key):
    """A size of /proc/PID/status in kB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB$", text, re.MULTILINE)[1])


def of_all(name):
    """A file of each process that can be read: yields PIDs and bytes. Processes may end
    meanwhile, upon which a glob of pathlib fails."""
    for directory in pathlib.Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            content = (directory / name).read_bytes()
        except OSError:
            continue
        yield int(directory.name), content


def children(pid):
    """The PIDs of its children."""
    found = set()
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            found.update(map(int, path.read_text().split()))
    return found


def cpu_seconds(pid):
    """utime + stime of /proc/PID/stat, in whole ticks: what a user sees."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    utime, stime = fields.split()[11:13]
    return (int(utime) + int(stime)) / os.sysconf("SC_CLK_TCK")


def cpu_clock(pid):
    """The same sum to the nanosecond: the CPUCLOCK_SCHED of the process, see
    clock_getcpuclockid(3). A pass costs less than a tick."""
    return time.clock_gettime((~pid << 3) | 2)


def cpu_by_thread(pid):
    """The same for its threads by name: {name: seconds}. Threads whose names differ
    only in a number, as in "reader#1", are one."""
    used = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            name = re.sub(r"#\d+$", "", (task / "comm").read_text().rstrip("\n"))
            used[name] += int((task / "schedstat").read_text().split()[0]) / 1e9
    return used
