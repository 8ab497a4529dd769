"""The daemon in a PID namespace of its own, as in a container."""

import reused_pid
import without_events
from tests.support import needs, testcase


@needs.namespaces
class PidNamespaceTest(reused_pid.ReusedPid, without_events.WithoutEvents,
                       testcase.TestCase):

    discovery = "Auto"


if __name__ == "__main__":
    testcase.run_tests("--pid", "--fork", "--kill-child", "--mount-proc")
