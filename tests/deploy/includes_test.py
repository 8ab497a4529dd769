"""The sources include what lies below them, as docs/architecture.md says."""

import re
import unittest

from tests.support import project

# What each folder may include besides itself.
BELOW = {"procfs": set()}
BELOW["kernel"] = BELOW["store"] = {"procfs"}
BELOW["discovery"] = {"kernel", "store", "procfs"}
BELOW["config"] = {"discovery"} | BELOW["discovery"]
BELOW["measures"] = {"config"} | BELOW["config"]
BELOW["sampler"] = {"measures"} | BELOW["measures"]
BELOW["trace_sampling"] = {"measures"} | BELOW["measures"]
BELOW["child"] = {"sampler"} | BELOW["sampler"]


class IncludesTest(unittest.TestCase):

    def test_point_down(self):
        sources = [path for path in (project.SOURCE_DIR / "src").rglob("*")
                   if path.suffix in (".cc", ".h")]
        self.assertEqual({path.parent.name for path in sources}, set(BELOW))
        for path in sources:
            folder = path.parent.name
            for line in path.read_text().splitlines():
                included = re.match(r'#include "(?:(\w+)/)?', line)
                if included:
                    with self.subTest(path.name, include=line):
                        self.assertIn(included[1], BELOW[folder] | {folder})


if __name__ == "__main__":
    unittest.main()
