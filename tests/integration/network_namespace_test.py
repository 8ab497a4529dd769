"""The daemon in a network namespace of its own, to which the kernel sends no
process events."""

import subprocess

import without_events
from tests.support import needs, testcase


@needs.namespaces
class NetworkNamespaceTest(without_events.WithoutEvents, testcase.TestCase):

    def setUp(self):
        super().setUp()
        # write_prometheus listens on no loopback address where there are no
        # others (AI_ADDRCONFIG of getaddrinfo(3)).
        for command in (["link", "set", "lo", "up"],
                        ["address", "replace", "192.0.2.1/32", "dev", "lo"]):
            subprocess.run(["ip", *command], check=True)


if __name__ == "__main__":
    testcase.run_tests("--net")
