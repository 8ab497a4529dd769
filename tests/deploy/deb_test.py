"""The Debian package: what is in it, and its whole life in a root of its own."""

import os
import re
import shutil
import subprocess
import unittest

import links
import package
from tests.support import loopback, needs, project, testcase

DROP_IN = "etc/collectd/collectd.conf.d/resource_attribution.conf"
MODULE = "usr/lib/collectd/resource_attribution.so"


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], text=True,
                            capture_output=True, check=False, **options)
    assert result.returncode == 0, (command, result.stdout, result.stderr)
    return result.stdout


class DebTest(testcase.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.package = package.build(cls, "deb")

    def test_lintian_finds_no_errors(self):
        run("lintian", "--fail-on", "error", "--allow-root", self.package)

    def test_depends_on_the_libraries_of_the_module(self):
        depends = run("dpkg-deb", "--field", self.package, "Depends")
        for name in ("collectd-core", r"libre2-\d+", "libmnl0", r"libstdc\+\+6"):
            self.assertRegex(depends, rf"\b{name}\b")

    def dpkg(self, *arguments):
        # There is no collectd in that root, and no shell.
        run("dpkg", f"--root={self.root}", "--force-depends,script-chrootless",
            "--force-confdef,confold", *arguments)

    def make_root(self):
        self.root = self.directory / "root"
        database = self.root / "var/lib/dpkg"
        (database / "info").mkdir(parents=True)
        (database / "updates").mkdir()
        (database / "status").touch()

    def files(self):
        return {str(path.relative_to(self.root)) for path in
                self.root.rglob("*") if path.is_file()
                and "var/lib/dpkg" not in str(path)}

    def with_another_drop_in(self):
        """The next version, whose drop-in differs."""
        tree = self.directory / "next"
        run("dpkg-deb", "--raw-extract", self.package, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*", "Version: 99",
                                  control.read_text()))
        with open(tree / DROP_IN, "a") as drop_in:
            drop_in.write("# new\n")
        package_ = self.directory / "next.deb"
        run("dpkg-deb", "--build", "--root-owner-group", tree, package_)
        return package_

    @needs.root
    def test_changed_drop_in_outlives_an_upgrade_and_ends_with_a_purge(self):
        self.make_root()
        self.dpkg("--install", self.package)
        shipped = (self.root / DROP_IN).read_text()
        self.assertEqual(shipped, (project.SOURCE_DIR / "collectd.conf.d"
                                   / "resource_attribution.conf").read_text())
        next_package = self.with_another_drop_in()
        (self.root / DROP_IN).write_text("# mine\n")
        self.dpkg("--install", next_package)
        self.assertEqual((self.root / DROP_IN).read_text(), "# mine\n")
        self.assertTrue((self.root / f"{DROP_IN}.dpkg-dist").exists())
        self.dpkg("--remove", package.NAME)
        self.assertEqual(self.files(), {DROP_IN, f"{DROP_IN}.dpkg-dist"})
        self.dpkg("--purge", package.NAME)
        self.assertEqual(self.files(), set())
        self.assertFalse((self.root / "usr").exists())

    @needs.root
    def test_unchanged_drop_in_follows_an_upgrade(self):
        self.make_root()
        self.dpkg("--install", self.package)
        self.dpkg("--install", self.with_another_drop_in())
        self.assertTrue((self.root / DROP_IN).read_text().endswith("# new\n"))

    def test_what_is_packaged_serves_the_values(self):
        root = self.directory / "root"
        run("dpkg-deb", "--extract", self.package, root)
        port = loopback.free_port()
        drop_in = root / DROP_IN
        # As the README says.
        [edit] = re.findall(r"^    sed -i '(.*)' /etc/collectd",
                            (project.SOURCE_DIR / "README.md").read_text(),
                            re.MULTILINE)
        run("sed", "-i", edit, drop_in)
        drop_in.write_text(drop_in.read_text().replace('"9103"', f'"{port}"'))
        run(root / "usr/bin/resource-attribution-check", "--plugin-dir",
            (root / MODULE).parent, drop_in)
        collectd = self.collectd(
            f'Include "{drop_in}"', writer=False,
            env={"RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS": "0.2"})
        for file in project.MODULE_FILES:
            shutil.copy((root / MODULE).with_name(file.name),
                        collectd.directory / "plugins")
        collectd.start()
        collectd.port = port
        collectd.wait_for_values("collectd")
        collectd.stop()

    @needs.unshare("--mount", "--net", "--uts")
    def test_host_gets_a_name_that_can_be_looked_up_and_keeps_one(self):
        page = (project.SOURCE_DIR / "docs/installing.md").read_text()
        [line] = re.findall(r"^    (getent hosts .*)", page, re.MULTILINE)
        hosts = self.directory / "hosts"
        hosts.write_text("127.0.0.1 localhost\n")
        configuration = self.directory / "collectd.conf"
        configuration.write_text(
            "FQDNLookup true\nLoadPlugin logfile\n<Plugin logfile>\n"
            "  File stdout\n</Plugin>\n")
        # The daemon exits with 1 either way: nothing is there to be read.
        once = f"/usr/sbin/collectd -T -C {configuration} || true"
        said = run("unshare", "--mount", "--net", "--uts", "bash", "-ec",
                   f"mount --bind {hosts} /etc/hosts; hostname nameless; "
                   f"{once}; echo then; {line}; {line}; {once}")
        before, after = said.split("then\n")
        self.assertIn('Looking up "nameless" failed', before)
        self.assertNotIn("failed. You have set", after)
        self.assertIn("No read-functions are registered", after)
        self.assertEqual(hosts.read_text(),
                         "127.0.0.1 localhost\n127.0.1.1 nameless\n")

    def test_pages_and_their_commands_name_what_is_in_the_package(self):
        root = self.directory / "root"
        run("dpkg-deb", "--extract", self.package, root)
        doc = root / "usr/share/doc" / package.NAME
        lost, count = links.broken(doc)
        self.assertEqual(lost, [])
        self.assertGreater(count, 50)
        named = {name for page in doc.rglob("*.md")
                 for line in re.findall(r"^    (?:cp|install|ansible|sed).*(?:\\\n.*)*",
                                        page.read_text(), re.MULTILINE)
                 for name in re.findall(r"(?<!\S)deploy/\S+", line)}
        self.assertIn("deploy/prometheus/rules", named)
        self.assertEqual([name for name in named if not (doc / name).exists()],
                         [])
        self.assertEqual(
            (doc / "collectd.conf.d/resource_attribution.conf").read_text(),
            (root / DROP_IN).read_text())

    def test_manual_pages_are_without_errors(self):
        root = self.directory / "root"
        run("dpkg-deb", "--extract", self.package, root)
        pages = list((root / "usr/share/man").rglob("*.gz"))
        self.assertEqual(sorted(page.name for page in pages), [
            "collectd-resource_attribution.5.gz",
            "resource-attribution-check.1.gz"])
        for page in pages:
            result = subprocess.run(
                ["man", "--warnings=all", "--local-file", page], text=True,
                capture_output=True, env={**os.environ, "MANWIDTH": "80"},
                check=True)
            self.assertEqual(result.stderr, "")
            self.assertIn("SEE ALSO", result.stdout)


if __name__ == "__main__":
    unittest.main()
