"""The files that `cmake --install` installs, and those that it leaves alone."""

import os
import subprocess
import unittest

from tests.support import daemon, project, testcase


class InstallTest(testcase.TestCase):

    def install(self):
        subprocess.run(
            [os.environ["CMAKE_COMMAND"], "--install", project.BUILD_DIR],
            check=True, capture_output=True,
            env={**os.environ, "DESTDIR": str(self.directory)})

    def installed(self):
        return {str(path.relative_to(self.directory))
                for path in self.directory.rglob("*") if path.is_file()}

    def test_everything_is_where_collectd_looks(self):
        self.install()
        plugins = str(daemon.plugin_directory()).lstrip("/")
        doc = "usr/share/doc/collectd-resource-attribution"
        self.assertEqual(
            {path for path in self.installed()
             if not path.startswith((f"{doc}/docs/", f"{doc}/examples/"))},
            {
                f"{plugins}/resource_attribution.so",
                f"{plugins}/resource_attribution_sampler",
                "usr/bin/resource-attribution-check",
                "usr/share/collectd/resource_attribution_types.db",
                "usr/share/man/man1/resource-attribution-check.1.gz",
                "usr/share/man/man5/collectd-resource_attribution.5.gz",
                "etc/collectd/collectd.conf.d/resource_attribution.conf",
                f"{doc}/CHANGELOG.md",
                f"{doc}/CONTRIBUTING.md",
                f"{doc}/README.md",
                f"{doc}/changelog.gz",
                f"{doc}/collectd.conf.d/resource_attribution.conf",
                f"{doc}/copyright",
            })

    def test_changed_drop_in_stays(self):
        self.install()
        drop_in = (self.directory
                   / "etc/collectd/collectd.conf.d/resource_attribution.conf")
        drop_in.write_text("# mine\n")
        self.install()
        self.assertEqual(drop_in.read_text(), "# mine\n")


if __name__ == "__main__":
    unittest.main()
