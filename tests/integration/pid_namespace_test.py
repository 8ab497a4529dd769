"""The daemon in a PID namespace of its own, as in a container."""


import daemon
import reused_pid_test


@daemon.needs_namespaces
class PidNamespaceTest(reused_pid_test.ReusedPid, daemon.WithoutEvents,
                       daemon.TestCase):

    discovery = "Auto"


if __name__ == "__main__":
    daemon.run_tests("--pid", "--fork", "--kill-child", "--mount-proc")
