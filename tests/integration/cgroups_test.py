"""Cgroups and systemd's units, in every hierarchy that keeps services apart."""

import os
import signal

from tests.support import cgroups, needs, programs, testcase

UNIQUE = f"ratest{os.getpid()}"


class HierarchyTests(cgroups.Hierarchy):
    """The tests, for each hierarchy."""

    def test_processes_move_between_cgroups_that_come_and_go(self):
        collectd = self.start_collectd(
            '<Process "any">', f'Cgroup "{UNIQUE}/*"', "</Process>",
            '<Process "all">', f'Cgroup "/{UNIQUE}"', "</Process>",
            '<Process "one">', f'Cgroup "{UNIQUE}/one"', "</Process>",
            '<Process "named">', f'Cgroup "{UNIQUE}/*"', 'Name "sleep"',
            "</Process>",
            '<Process "other">', f'Cgroup "{UNIQUE}/*"', 'Name "no-such-name"',
            "</Process>")
        # Every block has a list.
        self.assertIn("discovery none needed", collectd.log())
        self.assertEqual(set(collectd.counts()), {"self"})

        self.process_in(UNIQUE)
        one = self.process_in(f"{UNIQUE}/one")
        deep = self.process_in(f"{UNIQUE}/two/deep/deeper")
        collectd.wait_for_counts(any=2, all=3, one=1, named=2)

        self.move(deep, f"{UNIQUE}/one")
        collectd.wait_for_counts(any=2, all=3, one=2, named=2)
        self.move(one)
        collectd.wait_for_counts(any=1, all=2, one=1, named=1)
        self.move(deep)
        collectd.wait_for_counts(any=0, all=1, one=0, named=0)

        (self.root / UNIQUE / "one").rmdir()
        collectd.wait_for_passes()
        self.make(f"{UNIQUE}/one")
        self.move(one, f"{UNIQUE}/one")
        collectd.wait_for_counts(any=1, all=2, one=1, named=1)
        self.assertNotIn("other", collectd.counts())
        for pid in (one, deep):
            os.kill(pid, signal.SIGKILL)
        collectd.wait_for_counts(any=0, all=1, one=0, named=0)
        self.assert_quiet_end(collectd)

    def test_nesting_hides_no_other_process(self):
        # So many of the longest names that a path cannot hold them; then a thousand of
        # the shortest.
        names = ["d" * 255] * 20 + ["d"] * 1000
        self.make(f"{UNIQUE}/deep")
        deepest = os.open(self.root / UNIQUE / "deep", os.O_RDONLY)
        self.addCleanup(os.close, deepest)
        self.addCleanup(self.remove_above, deepest, names)
        for name in names:
            os.mkdir(name, dir_fd=deepest)
            self.go(deepest, name)
        hidden = self.run_program("sleep", "1000")
        procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=deepest)
        os.write(procs, str(hidden.pid).encode())
        os.close(procs)
        self.addCleanup(programs.end, hidden)
        self.process_in(f"{UNIQUE}/other" + "/x" * 30)
        collectd = self.start_collectd(
            '<Process "all">', f'Cgroup "{UNIQUE}"', "</Process>")
        collectd.wait_for_counts(all=1)
        collectd.wait_for_passes()
        warning, = collectd.lines("warning")
        self.assertRegex(
            warning, r'^block "all": processes may be missing: '
            rf'cgroup /\S*{UNIQUE}/deep/d+\.\.\.: File name too long$')
        collectd.stop()

    @needs.capabilities()
    def test_closed_cgroup_hides_no_other(self):
        for user in "abc":
            self.process_in(f"{UNIQUE}/{user}/below")
            self.process_in(f"{UNIQUE}/closed-{user}/below")
        for user in "abc":
            closed = self.root / UNIQUE / f"closed-{user}"
            self.addCleanup(closed.chmod, 0o755)
            closed.chmod(0)
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "all">
                Cgroup "{UNIQUE}"
              </Process>
            </Plugin>""", wrapper=programs.as_nobody())
        collectd.directory.chmod(0o777)
        collectd.start()
        collectd.wait_for_counts(all=3)
        warning, = collectd.lines("warning")
        self.assertRegex(
            warning, r'^block "all": processes may be missing: '
            rf'cgroup /\S*{UNIQUE}/closed-[abc]: Permission denied '
            r'\(the daemon lacks CAP_DAC_READ_SEARCH\)$')
        collectd.stop()

    def go(self, directory, name):
        """Makes a descriptor that of the directory `name` in it."""
        there = os.open(name, os.O_RDONLY, dir_fd=directory)
        os.dup2(there, directory)
        os.close(there)

    def remove_above(self, deepest, names):
        for name in reversed(names):
            self.go(deepest, "..")
            os.rmdir(name, dir_fd=deepest)

    def test_forked_processes_are_where_their_parent_is(self):
        collectd = self.start_collectd(
            '<Process "service">', f'Cgroup "{UNIQUE}"', "</Process>")
        self.make(UNIQUE)
        actor = self.actor()
        self.move(actor.pid, UNIQUE)
        collectd.wait_for_counts(service=1)
        actor.do("fork(5)")
        collectd.wait_for_counts(service=6)
        self.assert_quiet_end(collectd)

    def test_unit_in_nested_slices(self):
        outer = f"{UNIQUE}.slice"
        inner = f"{outer}/{UNIQUE}-inner.slice"
        service = f"{UNIQUE}-web.service"
        collectd = self.start_collectd(
            '<Process "unit">', f'SystemdUnit "{service}"', "</Process>",
            '<Process "slice">', f'SystemdUnit "{UNIQUE}-inner.slice"',
            "</Process>",
            '<Process "two">', f'SystemdUnit "{service}"',
            f'SystemdUnit "{UNIQUE}-db.service"', "</Process>")
        self.process_in(f"{inner}/{service}")
        # What a unit makes below itself belongs to it.
        self.process_in(f"{inner}/{service}/workers/one")
        self.process_in(f"{inner}/{UNIQUE}-db.service")
        # A user who may only make cgroups below their own cannot pass for a unit.
        self.process_in(f"{outer}/{UNIQUE}-user.service/{service}")
        collectd.wait_for_counts(unit=2, slice=3, two=3)
        collectd.wait_for_passes()
        self.assertEqual(collectd.counts(),
                         {"unit": 2, "slice": 3, "two": 3, "self": 1})
        self.assert_quiet_end(collectd)

    def test_instance_for_each_unit(self):
        # Names as systemd makes them of devices, templates and sessions.
        units = [f"{UNIQUE}-plain.service", f"{UNIQUE}-getty@tty1.service",
                 f"{UNIQUE}-disk-by\\x2duuid.service", f"{UNIQUE}-1.scope"]
        collectd = self.start_collectd(
            '<Process "${unit}">', f'SystemdUnit "{UNIQUE}-*.service"',
            f'SystemdUnit "{UNIQUE}-?.scope"', "</Process>",
            '<Process "in ${cgroup}">', f'Cgroup "{UNIQUE}.slice/*"',
            "</Process>")
        for unit in units:
            self.process_in(f"{UNIQUE}.slice/{unit}")
        self.process_in(f"{UNIQUE}.slice/{units[0]}/below")
        expected = {unit: 1 for unit in units}
        expected[units[0]] = 2
        expected |= {f"in {unit}": 1 for unit in [*units, "below"]}
        collectd.wait_for_counts(**expected)
        self.assertEqual(collectd.counts(), {**expected, "self": 1})
        self.assert_quiet_end(collectd)

    def test_unit_as_the_name_of_what_other_selectors_find(self):
        actor = self.actor(self.directory / "mark")
        unit = f"{UNIQUE}-found.service"
        self.make(f"{UNIQUE}.slice/{unit}")
        self.move(actor.pid, f"{UNIQUE}.slice/{unit}")
        collectd = self.start_collectd(
            '<Process "${unit}">', f'CommandLine "{self.directory}/mark"',
            "</Process>")
        collectd.wait_for_counts(**{unit: 1})
        self.assert_quiet_end(collectd)


@needs.namespaces
class V2Test(HierarchyTests, testcase.TestCase):
    kind, option, mount_options = "cgroup2", "", []


@needs.namespaces
class V1Test(HierarchyTests, testcase.TestCase):
    kind, option = "cgroup", "name=systemd"
    mount_options = ["-o", "none,name=systemd"]


if __name__ == "__main__":
    testcase.run_tests("--mount")
