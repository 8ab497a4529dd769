"""A PID that the kernel reuses, for each way of discovery."""

import unittest

import reused_pid
from tests.support import needs, testcase


@needs.choice_of_pid
@needs.process_events
class EventsTest(reused_pid.ReusedPid, testcase.TestCase):
    discovery = "Events"


@needs.choice_of_pid
class ScanTest(reused_pid.ReusedPid, testcase.TestCase):
    discovery = "Scan"


@needs.choice_of_pid
class NoKeptFilesTest(reused_pid.ReusedPid, testcase.TestCase):
    """With no open file, which would tell that its process has ended."""
    discovery = "Auto"
    options = "MaxOpenFiles 0"


if __name__ == "__main__":
    unittest.main()
