"""Builds the package of the build for the tests."""

import os
import pathlib
import subprocess
import tempfile

from tests.support import project

NAME = "collectd-resource-attribution"
CPACK = pathlib.Path(os.environ["CMAKE_COMMAND"]).with_name("cpack")


def build(test_class, suffix):
    """The package, in a directory that ends with the class."""
    directory = test_class.enterClassContext(
        tempfile.TemporaryDirectory(prefix="ra-test."))
    result = subprocess.run(
        [CPACK, "--config", project.BUILD_DIR / "CPackConfig.cmake", "-B",
         directory], capture_output=True, text=True, cwd=directory, check=False)
    [package] = pathlib.Path(directory).glob(f"*.{suffix}") or [None]
    assert result.returncode == 0 and package, result.stdout + result.stderr
    return package
