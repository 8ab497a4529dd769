"""What a test needs of the machine. Where that is missing, the test is skipped and
says why."""

import functools
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time
import unittest

from tests.support import programs


def works(*command):
    """Whether the command exists and succeeds."""
    return shutil.which(command[0]) is not None and subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False).returncode == 0


def unshare(*namespaces):
    """For tests that make these namespaces, given as options of unshare(1)."""
    return unittest.skipUnless(works("unshare", *namespaces, "true"),
                               f"needs unshare {' '.join(namespaces)}")


def capabilities(*names):
    """For tests that run a program as another user with these capabilities."""
    return unittest.skipUnless(works(*programs.as_nobody(*names), "true"),
                               f"needs the capabilities {', '.join(names)}"
                               if names else "needs to become another user")


def can_choose_pid():
    """Whether this user may write ns_last_pid; the kernel demands a capability."""
    last_pid = pathlib.Path("/proc/sys/kernel/ns_last_pid")
    try:
        last_pid.write_text(last_pid.read_text())
    except OSError:
        return False
    return True


def listens_on_loopback():
    """Whether write_prometheus can listen there. It asks getaddrinfo(3) with
    AI_ADDRCONFIG, which answers only if the host has another address, too."""
    try:
        socket.getaddrinfo("127.0.0.1", 9103, family=socket.AF_INET,
                           type=socket.SOCK_STREAM,
                           flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG)
    except socket.gaierror:
        return False
    return True


@functools.cache
def has_process_events():
    """Whether the kernel answers a subscription to its process events."""
    netlink_connector, idx_proc, val_proc, mcast_listen, ack = 11, 1, 1, 1, 4711
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM,
                       netlink_connector) as events:
        events.settimeout(5)
        try:
            events.bind((0, idx_proc))
            message = struct.pack("=IIIIHHI", idx_proc, val_proc, 0, ack, 4, 0,
                                  mcast_listen)
            header = struct.pack("=IHHII", 16 + len(message), 3, 0, 0, 0)
            events.send(header + message)
            # If the kernel does not answer, events of others may still come without
            # end.
            end = time.monotonic() + 5
            while time.monotonic() < end:
                # Behind both headers: what it is, 0 for the answer; the CPU; the
                # time; and the error.
                answer = events.recv(4096)
                what, _, _, error = struct.unpack_from("=IIQI", answer, 36)
                if (what, answer[28:32]) == (0, struct.pack("=I", ack + 1)):
                    return error == 0
        except OSError:
            pass
    return False


# A command that runs another one where tracefs is mounted.
WITH_TRACEFS = ("unshare", "--mount", "sh", "-c",
                "test -d /sys/kernel/tracing/events/sock || "
                "mount -t tracefs tracefs /sys/kernel/tracing && exec \"$@\"", "sh")


def tracefs(test):
    """For tests of tracepoints, whose daemon runs behind WITH_TRACEFS."""
    return unittest.skipUnless(
        works(*WITH_TRACEFS, "cat",
              "/sys/kernel/tracing/events/sock/inet_sock_set_state/format"),
        "needs tracefs, or to mount it")(test)


root = unittest.skipUnless(os.geteuid() == 0, "only root can do this")
NOT_LISTENING = "write_prometheus needs an address besides loopback's"
listening = unittest.skipUnless(listens_on_loopback(), NOT_LISTENING)
# The namespaces that testcase.run_tests makes.
namespaces = unittest.skipUnless(
    "IN_NAMESPACES" in os.environ, "only root can make namespaces")


def process_events(test):
    """For tests of discovery by process events."""
    return unittest.skipUnless(
        has_process_events(), "the kernel tells this user, or in this namespace, "
        "no process events")(test)


def choice_of_pid(test):
    """For tests that choose the PID of the next process."""
    return unittest.skipUnless(can_choose_pid(),
                               "needs to choose PIDs: ns_last_pid")(test)
