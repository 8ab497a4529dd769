"""The daemon in namespaces of its own with the host's procfs, as in a container
that watches the host."""

import os
import subprocess
import unittest

from tests.support import cgroups, needs, proc, testcase

UNIQUE = f"raforeign{os.getpid()}"


@needs.root
class ForeignProcfsTest(cgroups.Hierarchy, testcase.TestCase):

    kind, option, mount_options = "cgroup2", "", []

    def start(self, *options, namespaces, before=""):
        """The daemon in new namespaces, with the host's procfs at
        "host-proc"."""
        host = self.directory / "host-proc"
        host.mkdir(exist_ok=True)
        wrapper = ["sh", "-c", f'{before} exec "$@"', "sh", "unshare",
                   *namespaces, "--mount", "--propagation", "private", "sh",
                   "-c", f'mount --bind /proc {host} && mount -t proc proc '
                   '/proc && exec "$@"', "sh"]
        if subprocess.run([*wrapper, "true"], check=False).returncode != 0:
            self.skipTest("namespaces or mounts are refused")
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>",
            "Interval 0.2",
            f'ProcPath "{host}"',
            *options,
            '<Process "self">', "Self true", "</Process>",
            "</Plugin>"]), wrapper=wrapper).start()
        collectd.wait_for_passes()
        return collectd

    def assert_quiet(self, collectd):
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])

    def actor_in(self, path, mebibytes):
        actor = self.actor()
        actor.do(f"allocate({mebibytes})")
        self.make(path)
        self.move(actor.pid, path)
        return actor

    def test_processes_are_those_of_the_host(self):
        unit = f"{UNIQUE}.service"
        actor = self.actor_in(unit, 30)
        pid_file = self.directory / "x.pid"
        pid_file.write_text(str(actor.pid))
        collectd = self.start(
            '<Process "unit">', f'SystemdUnit "{unit}"', "</Process>",
            '<Process "cgroup">', f'Cgroup "/{unit}"', "</Process>",
            '<Process "named">', f'SystemdUnit "{unit}"', 'Name "python3"',
            "</Process>",
            '<Process "file">', f'PIDFile "{pid_file}"', "</Process>",
            '<Process "file-and-unit">', f'PIDFile "{pid_file}"',
            f'SystemdUnit "{unit}"', "</Process>",
            '<Process "other">', f'SystemdUnit "{UNIQUE}-2.service"',
            "</Process>",
            namespaces=("--pid", "--fork", "--kill-child"))
        self.assertRegex(
            collectd.log(), r"discovery by scanning /proc \(.*PID namespace.*\); "
            "SystemdUnit and Cgroup are read from each process")
        collectd.wait_for_counts(unit=1, cgroup=1, file=1, other=0,
                                 **{"file-and-unit": 1})
        memory = proc.status_kb(actor.pid, "VmRSS") * 1024
        for block in ("unit", "cgroup", "file", "file-and-unit"):
            self.assertAlmostEqual(
                collectd.samples()[block]["process_memory_bytes"][0], memory,
                delta=1 << 20)
        # The daemon's own PID is the host's there, not 1 or 2.
        own = collectd.samples()["self"]["process_memory_bytes"][0]
        [pid] = self.pids_of(collectd)
        self.assertAlmostEqual(own, proc.status_kb(pid, "VmRSS") * 1024,
                               delta=2 << 20)

        second = self.actor_in(f"{UNIQUE}-2.service", 1)
        collectd.wait_for_counts(unit=1, other=1)
        self.move(second.pid)
        collectd.wait_for_counts(unit=1, other=0)
        self.assert_quiet(collectd)

    def pids_of(self, collectd):
        """The PIDs of the daemon: processes of its command name with its directory
        in the command line, without the programs that started it."""
        daemons = {pid for pid, comm in proc.of_all("comm") if comm == b"collectd\n"}
        return [pid for pid, command in proc.of_all("cmdline")
                if pid in daemons and str(collectd.directory).encode() in command]

    # In the container's own PID namespace this PID is another process.
    def test_pid_in_a_file_is_that_of_the_procfs(self):
        pid_file = self.directory / "x.pid"
        pid_file.write_text("1")
        collectd = self.start(
            '<Process "file">', f'PIDFile "{pid_file}"', "</Process>",
            namespaces=("--pid", "--fork", "--kill-child"))
        collectd.wait_for_counts(file=1)
        self.assertAlmostEqual(
            collectd.samples()["file"]["process_memory_bytes"][0],
            proc.status_kb(1, "VmRSS") * 1024, delta=1 << 20)

    def test_cgroup_namespace_hides_beginnings_of_paths_but_no_unit(self):
        self.make(f"{UNIQUE}.slice/container.scope")
        beside = self.actor_in(f"{UNIQUE}.slice/{UNIQUE}-a.service", 1)
        far = self.actor_in(f"{UNIQUE}-b.service", 1)
        inside = self.root / f"{UNIQUE}.slice/container.scope/cgroup.procs"
        for actor in (beside, far):
            actor.do(f"rename(b'{UNIQUE[:12]}')")
        collectd = self.start(
            '<Process "u ${unit}">', f'Name "{UNIQUE[:12]}"', "</Process>",
            '<Process "a">', f'SystemdUnit "{UNIQUE}-a.service"', "</Process>",
            '<Process "path">', f'Name "{UNIQUE[:12]}"',
            f'Cgroup "{UNIQUE}-b.service"', "</Process>",
            namespaces=("--cgroup", "--pid", "--fork", "--kill-child"),
            before=f"echo $$ >{inside};")
        collectd.wait_for_counts(**{f"u {UNIQUE}-a.service": 1,
                                    f"u {UNIQUE}-b.service": 1, "a": 1})
        self.assertNotIn("u ..", collectd.samples())
        # The plugin does not guess the part of the path that is hidden.
        self.assertNotIn("path", collectd.samples())
        [warning] = collectd.lines("warning")
        self.assertIn('block "path": processes may be missing: '
                      "/proc/PID/cgroup: expected a path from the root",
                      warning)
        collectd.kill()


if __name__ == "__main__":
    unittest.main()
