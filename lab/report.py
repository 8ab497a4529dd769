"""What the reports of several measurements have in common."""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import time


def elapsed(begin):
    """Minutes and seconds since this time of the monotonic clock."""
    minutes, seconds = divmod(int(time.monotonic() - begin), 60)
    return f"{minutes:2}:{seconds:02}"


def cpu_model():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return model[1] if model else platform.machine()


def machine(*packages):
    """When and where a measurement ran, and with which versions of Debian
    packages."""
    versions = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}, ", *packages],
        capture_output=True, text=True, check=False).stdout.rstrip(", ")
    return {"date": datetime.date.today().isoformat(), "cpu": cpu_model(),
            "cpus": os.cpu_count(), "kernel": platform.release(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE")
                                * os.sysconf("SC_PHYS_PAGES") / 2 ** 30),
            "versions": versions}


def describe(machine_):
    """What machine() returned, as a line."""
    return ("{date}, {cpus} × {cpu}, {memory_gib} GiB, Linux {kernel}; {versions}."
            .format(**machine_))


def write_tables(page, text, mark="table"):
    """Replaces what stands between the marks of a page."""
    before, begin, rest = page.read_text().partition(f"<!-- {mark} begin -->\n")
    _, end, after = rest.partition(f"<!-- {mark} end -->")
    if not begin or not end:
        raise ValueError(f"{page} has no place for the {mark}")
    page.write_text(f"{before}{begin}{text}\n{end}{after}")
