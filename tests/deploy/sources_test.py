"""The module builds against collectd's sources where its headers are no package.
Debian's collectd-dev has the headers in the layout of the sources, but for how they
include each other; what stands in for the sources is made of it."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import daemon

HEADERS = pathlib.Path("/usr/include/collectd")


class SourcesTest(daemon.TestCase):

    def cmake(self, *arguments):
        return subprocess.run(
            [os.environ["CMAKE_COMMAND"], *map(str, arguments)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def configure(self, sources):
        return self.cmake("-G", "Ninja", "-S", daemon.SOURCE_DIR, "-B",
                          self.directory / "build", "-DBUILD_TESTING=OFF",
                          f"-DCOLLECTD_SOURCE_DIR={sources}")

    def test_shim_compiles(self):
        sources = self.directory / "collectd"
        shutil.copytree(HEADERS / "core", sources / "src")
        shutil.copytree(HEADERS / "liboconfig", sources / "src/liboconfig")
        for header in sources.rglob("*.h"):
            header.write_text(re.sub('"collectd/core/(daemon/)?', '"',
                                     header.read_text()))
        result = self.configure(sources)
        self.assertEqual(result.returncode, 0, result.stdout)
        result = self.cmake("--build", self.directory / "build", "--target",
                            "shim", "-j1")
        self.assertEqual(result.returncode, 0, result.stdout)
        # The build read none of the installed headers.
        depends = subprocess.run(
            ["ninja", "-C", self.directory / "build", "-t", "deps"],
            capture_output=True, text=True, check=True).stdout
        self.assertIn(f"{sources}/src/daemon/plugin.h", depends)
        self.assertNotIn(f"{HEADERS}/", depends)

    def test_sources_before_configure_are_refused(self):
        result = self.configure(self.directory)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("has no src/config.h; run ./configure",
                      " ".join(result.stdout.split()))


if __name__ == "__main__":
    unittest.main()
