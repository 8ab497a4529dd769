"""Every link of the documentation leads somewhere."""

import unittest

import links
from tests.support import project


class LinksTest(unittest.TestCase):

    def test_pages_name_what_is_there(self):
        lost, count = links.broken(project.SOURCE_DIR)
        self.assertEqual(lost, [])
        self.assertGreater(count, 100)


if __name__ == "__main__":
    unittest.main()
