"""The rehearsal, in short: three hosts, and an alert that waits for seconds."""

import subprocess
import sys
import unittest

from tests.support import needs, project

PROGRAM = project.SOURCE_DIR / "lab/rehearsal/rehearse.py"


@needs.listening
class RehearsalTest(unittest.TestCase):

    def test_alert_comes_for_one_process_alone_and_ends(self):
        rehearsal = subprocess.run(
            [sys.executable, "-B", PROGRAM, "--quick", "--hosts", "3"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(rehearsal.returncode, 0, rehearsal.stdout)
        for state in ("pending", "firing", "resolved"):
            self.assertIn(f"HighProcessMemory {state}; host2 ",
                          rehearsal.stdout)


if __name__ == "__main__":
    unittest.main()
