"""The .rpm: it has RHEL's paths, and what an administrator changed stays."""

import subprocess
import unittest

import package
from tests.support import needs, testcase

DROP_IN = "/etc/collectd.d/resource_attribution.conf"


class RpmTest(testcase.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = package.build(cls, "rpm")

    def rpm(self, *arguments):
        # A database of its own, wherever the host has one.
        return subprocess.run(
            ["rpm", f"--dbpath={self.directory}/database", *arguments],
            check=True, capture_output=True, text=True).stdout.splitlines()

    def test_files_are_where_rhel_has_them(self):
        files = self.rpm("--query", "--list", "--package", self.package)
        for name in ("/usr/lib64/collectd/resource_attribution.so", DROP_IN,
                     "/usr/share/collectd/resource_attribution_types.db",
                     "/usr/bin/resource-attribution-check",
                     "/usr/share/man/man5/collectd-resource_attribution.5.gz"):
            self.assertIn(name, files)
        self.assertFalse([name for name in files if "/usr/lib/collectd" in name])

    def test_requires_collectd_and_the_libraries(self):
        requires = self.rpm("--query", "--requires", "--package", self.package)
        self.assertIn("collectd >= 5.8.1", requires)
        for library in ("libre2.so", "libmnl.so"):
            self.assertTrue([one for one in requires if one.startswith(library)])

    def test_rpmlint_finds_nothing(self):
        options = self.directory / "rpmlint.toml"
        # The publisher of the package signs it. Our pages are compressed by gzip. The
        # licences that rpmlint knows are a distribution's list. Its dictionary, where
        # there is one, does not know "procfs".
        options.write_text('Filters = ["no-signature", "manpage-not-compressed", '
                           '"no-manual-page-for-binary", "invalid-license", '
                           '"no-url-tag", "spelling-error"]\n')
        checked = subprocess.run(["rpmlint", "--config", options, self.package],
                                 capture_output=True, text=True, check=False)
        self.assertRegex(checked.stdout, r"\b0 errors, 0 warnings\b")

    @needs.root
    def test_changed_drop_in_outlives_the_package(self):
        root = self.directory / "root"
        into_root = (f"--root={root}", "--nodeps")
        root.mkdir()
        self.rpm(*into_root, "--install", self.package)
        (root / DROP_IN.lstrip("/")).write_text("# mine\n")
        self.rpm(*into_root, "--install", "--force", "--replacepkgs",
                 self.package)
        self.assertEqual((root / DROP_IN.lstrip("/")).read_text(), "# mine\n")
        self.rpm(*into_root, "--erase", package.NAME)
        self.assertEqual({path.name for path in root.rglob("*")
                          if path.is_file() and "database" not in str(path)},
                         {"resource_attribution.conf.rpmsave"})


if __name__ == "__main__":
    unittest.main()
