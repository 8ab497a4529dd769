"""Processes that come and change while the daemon runs, as families of services
do: found by process events and by scanning alike."""

import contextlib
import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import daemon

# Part of names, so that tests that run in parallel do not find each other.
UNIQUE = f"ra{os.getpid()}"


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return set(map(int, file.read().split()))


def command_line(pid):
    """Empty once the process has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


class Families:
    """The tests, for each way of discovery."""

    discovery = None

    def start_collectd(self, *blocks):
        collectd = super().start_collectd(
            f'Discovery "{self.discovery}"', *blocks)
        self.assertIn({"Events": "discovery by process events",
                       "Scan": "discovery by scanning /proc (option Discovery)"}
                      [self.discovery], collectd.log())
        return collectd

    def wait_for_singles(self, collectd, block, pids):
        daemon.wait_for(
            lambda: set(collectd.singles().get(block, {})) == set(pids),
            f"{block} to be {pids}", collectd.log)

    def test_nginx_and_the_workers_that_a_reload_replaces(self):
        name = f"{UNIQUE}ngx"
        collectd = self.start_collectd(
            f'Process "{name}"',
            f'ProcessMatch "master" "^nginx: master process .*{self.directory}/nginx.conf"',
            '<Process "workers">', f'Name "{name}"',
            'CommandLine "^nginx: worker process"', "PerProcess true",
            "</Process>")
        self.assertEqual(set(collectd.counts()), {"self"})

        program = self.directory / name
        shutil.copy("/usr/sbin/nginx", program)
        config = self.nginx_config(workers=3)
        nginx = self.run_group(program, "-c", config, "-p", self.directory)
        collectd.wait_for_counts(**{name: 4, "master": 1})
        workers = children(nginx.pid)
        self.wait_for_singles(collectd, "workers", workers)

        nginx.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: len(children(nginx.pid)) == 3 and
                        not children(nginx.pid) & workers, "new workers")
        self.wait_for_singles(collectd, "workers", children(nginx.pid))
        collectd.wait_for_counts(**{name: 4, "master": 1})

        nginx.send_signal(signal.SIGTERM)
        collectd.wait_for_counts(**{name: 0, "master": 0})
        self.assert_quiet_end(collectd)

    def start_postgresql(self):
        """A server on a socket in its directory; returns it and its client."""
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        home = self.directory / "postgresql"
        home.mkdir()
        options = {"env": {"PATH": os.environ["PATH"], "LC_ALL": "C"},
                   "cwd": home}
        if os.geteuid() == 0:  # which the server refuses to be
            shutil.chown(home, "postgres", "postgres")
            options.update(user="postgres", group="postgres", extra_groups=[])
        subprocess.run([f"{programs}/initdb", "--no-sync", "--auth=trust",
                        "--username=test", home / "data"], check=True,
                       stdout=subprocess.DEVNULL, **options)
        settings = {
            "cluster_name": UNIQUE, "listen_addresses": "",
            "unix_socket_directories": home, "fsync": "off",
            "shared_buffers": "1MB", "dynamic_shared_memory_type": "mmap"}
        server = self.run_program(
            f"{programs}/postgres", "-D", home / "data",
            *(f"--{name}={value}" for name, value in settings.items()),
            **options)

        def stop():
            # Gives its shared memory back, as it cannot when it is killed.
            if server.poll() is None:
                server.send_signal(signal.SIGQUIT)
                server.wait(daemon.PATIENCE)
        self.addCleanup(stop)
        psql = ("psql", "--host", home, "--username=test", "--no-psqlrc",
                "--tuples-only", "--no-align", "postgres")
        daemon.wait_for(
            lambda: subprocess.run([*psql, "--command=select"], **options,
                                   capture_output=True).returncode == 0,
            "PostgreSQL to answer")
        client = self.run_program(*psql, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, **options)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stdin.close)
        return server, client

    def test_postgresql_whose_processes_rewrite_their_command_line(self):
        collectd = self.start_collectd(
            f'ProcessMatch "pg-writer" "^postgres: {UNIQUE}: .*checkpointer"',
            '<Process "pg-backends">',
            f'CommandLine "^postgres: {UNIQUE}: .* \\\\[local\\\\]"',
            "PerProcess true", "</Process>",
            '<Process "pg">', f'CommandLine "--cluster_name={UNIQUE}"',
            "IncludeChildren true", "</Process>")
        server, client = self.start_postgresql()
        # Not a backend of the earlier checks whether the server answers.
        client.stdin.write(b"select pg_backend_pid();\n")
        client.stdin.flush()
        backend = int(client.stdout.readline())
        title = re.compile(f"^postgres: {UNIQUE}: .*checkpointer")
        checkpointer = daemon.wait_for(
            lambda: [pid for pid in children(server.pid)
                     if title.match(command_line(pid))], "a checkpointer")[0]
        self.wait_for_singles(collectd, "pg-backends", [backend])
        memory = collectd.wait_for_values("pg-writer")["pg-writer"]
        self.assertAlmostEqual(
            memory["process_memory_bytes"],
            daemon.status_kb(checkpointer, "VmRSS") * 1024,
            delta=1 << 20)
        collectd.wait_for_counts(
            **{"pg-writer": 1, "pg": 1 + len(children(server.pid))})

        client.stdin.close()
        self.wait_for_singles(collectd, "pg-backends", [])
        collectd.wait_for_counts(
            **{"pg-writer": 1, "pg": 1 + len(children(server.pid))})
        self.assert_quiet_end(collectd)

    def test_gunicorn_which_forks_one_more_worker(self):
        # With python3-setproctitle the title replaces the command line.
        collectd = self.start_collectd(
            '<Process "gunicorn">',
            f'CommandLine "{self.directory}/gunicorn.sock"',
            f'CommandLine "^gunicorn: .* \\\\[{UNIQUE}\\\\]$"', "</Process>")
        (self.directory / "app.py").write_text(
            "def application(environment, start_response):\n"
            "    start_response('204 No Content', [])\n"
            "    return []\n")
        gunicorn = self.run_group(
            "/usr/bin/gunicorn", "--workers=2", "--worker-tmp-dir",
            self.directory, "--bind", f"unix:{self.directory}/gunicorn.sock",
            "--name", UNIQUE, "app:application", cwd=self.directory)
        collectd.wait_for_counts(gunicorn=3)
        gunicorn.send_signal(signal.SIGTTIN)
        collectd.wait_for_counts(gunicorn=4)
        gunicorn.send_signal(signal.SIGTTOU)
        collectd.wait_for_counts(gunicorn=3)
        self.assert_quiet_end(collectd)

    def test_wrapper_that_executes_its_service_late(self):
        go = self.directory / "go"
        os.mkfifo(go)
        wrapper = self.run_group("sh", "-c", f"read go < {go}; exec sleep 1000",
                                 cwd=self.directory)
        collectd = self.start_collectd(
            '<Process "service">', 'Name "sleep"', 'CommandLine "^sleep 1000$"',
            f'PIDFile "{self.directory}/pid"', "</Process>",
            '<Process "searched">', f'Name "{UNIQUE}-late"', "</Process>")
        (self.directory / "pid").write_text(str(wrapper.pid))
        late = self.directory / f"{UNIQUE}-late"
        shutil.copy("/bin/sleep", late)
        searched = self.actor()
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})

        go.write_text("\n")
        searched.tell(f"os.execv('{late}', ['anything', '1000'])")
        collectd.wait_for_counts(service=1, searched=1)
        self.assert_quiet_end(collectd)

    def test_process_that_renames_itself(self):
        collectd = self.start_collectd(f'Process "{UNIQUE}-here"',
                                       f'Process "{UNIQUE}-there"')
        here, there = f"{UNIQUE}-here", f"{UNIQUE}-there"
        actor = self.actor()
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})
        for name, count in (
                (here, {here: 1, there: 0}), (there, {here: 0, there: 1}),
                (here, {here: 1, there: 0}), ("other", {here: 0, there: 0})):
            actor.do(f"rename({name.encode()})")
            collectd.wait_for_counts(**count)
        # The name of a thread is not that of its process.
        actor.do(f"rename_thread({here.encode()})")
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})
        self.assert_quiet_end(collectd)

    # The kernel sends no event for this.
    def test_process_that_rewrites_its_command_line(self):
        title = f"{UNIQUE}: ready"
        collectd = self.start_collectd(f'ProcessMatch "ready" "^{title}"',
                                       '<Process "starting">',
                                       f'CommandLine "{self.directory}/mark"',
                                       "</Process>")
        actor = self.actor(self.directory / "mark")
        collectd.wait_for_counts(starting=1, ready=0)
        for _ in range(3):
            collectd.wait_for_passes()
        actor.do(f"retitle({title.encode()})")
        collectd.wait_for_counts(starting=0, ready=1)
        self.assert_quiet_end(collectd)

    @daemon.needs_root
    def test_process_that_becomes_another_user(self):
        user = 100000 + os.getpid()
        collectd = self.start_collectd('<Process "of-user">', f"User {user}",
                                       "</Process>")
        actor = self.actor()
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})
        actor.do(f"os.seteuid({user})")
        collectd.wait_for_counts(**{"of-user": 1})
        actor.do("os.seteuid(0)")
        collectd.wait_for_counts(**{"of-user": 0})
        self.assert_quiet_end(collectd)

    def test_executable_whose_name_is_longer_than_the_kernel_keeps(self):
        name = f"{UNIQUE}-beyond-fifteen-bytes"
        collectd = self.start_collectd(f'Process "{name}"')
        # A program whose name differs after these bytes must not match.
        for one in (f"{UNIQUE}-beyond-fifteen", name):
            shutil.copy("/bin/sleep", self.directory / one)
            self.run_program("renamed", "1000", executable=self.directory / one)
        collectd.wait_for_counts(**{name: 1})
        collectd.wait_for_passes()
        self.assertEqual(collectd.counts()[name], 1)
        self.assert_quiet_end(collectd)

    def test_children_that_a_shell_starts_later(self):
        # Each reads its own FIFO: with one for both, a write might wake both at once.
        go = [self.directory / name for name in ("before", "after")]
        for fifo in go:
            os.mkfifo(fifo)
        script = self.directory / f"{UNIQUE}.sh"
        script.write_text(f"""
            sleep 1000 &
            read go < $1
            sh -c 'sleep 1000 & sleep 1000' &
            wait""")
        before = self.run_group("sh", script, go[0])
        daemon.wait_for(lambda: len(children(before.pid)) == 1, "one child")
        collectd = self.start_collectd(
            '<Process "family">', f'CommandLine "^sh {script} "',
            "IncludeChildren true", "</Process>")
        collectd.wait_for_counts(family=2)

        # The plugin also knows which are the children of a wrapper that came later.
        after = self.run_group("sh", script, go[1])
        collectd.wait_for_counts(family=4)
        for fifo in go:
            fifo.write_text("\n")
        collectd.wait_for_counts(family=10)

        [childless] = [pid for pid in children(after.pid) if not children(pid)]
        os.kill(childless, signal.SIGKILL)
        collectd.wait_for_counts(family=9)
        # Children of a process outside the block do not belong to it.
        before.kill()
        before.wait()
        collectd.wait_for_counts(family=4)
        after.kill()
        after.wait()
        collectd.wait_for_counts(family=0)
        self.assert_quiet_end(collectd)

    def test_children_that_a_process_had_before_it_matches(self):
        collectd = self.start_collectd(
            '<Process "family">', f'Name "{UNIQUE}-parent"',
            "IncludeChildren true", "</Process>")
        actor = self.actor()
        actor.do("fork(2)")
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.counts()), {"self"})
        actor.do(f"rename(b'{UNIQUE}-parent')")
        collectd.wait_for_counts(family=3)
        actor.do("rename(b'other')")
        collectd.wait_for_counts(family=0)
        self.assert_quiet_end(collectd)

    def test_processes_one_by_one(self):
        collectd = self.start_collectd(
            '<Process "all">', f'Name "{UNIQUE}-prefork"', "</Process>",
            '<Process "single">', f'Name "{UNIQUE}-prefork"',
            "PerProcess true", "</Process>")
        actor = self.actor()
        actor.do(f"rename(b'{UNIQUE}-prefork')")
        pids = [actor.pid, *actor.do("fork(3, mebibytes=8)")]
        self.wait_for_singles(collectd, "single", pids)
        collectd.wait_for_counts(all=4)
        collectd.wait_for_passes()
        def complete():
            singles = collectd.singles()["single"]
            return (all(set(single) == set(daemon.TYPES)
                        for single in singles.values()) and singles)
        singles = daemon.wait_for(complete, "five values each", collectd.log)
        for pid, single in singles.items():
            self.assertAlmostEqual(single["process_memory_bytes"],
                                   daemon.status_kb(pid, "VmRSS") * 1024,
                                   delta=256 << 10)
            self.assertEqual(single["tracing_cpu_overhead_percent"], 0.5)
        self.assertNotIn("single", collectd.samples())

        actor.do(f"end({pids[2]})")
        del pids[2]
        self.wait_for_singles(collectd, "single", pids)
        self.assert_quiet_end(collectd)

    def test_only_the_largest_processes_one_by_one(self):
        collectd = self.start_collectd(
            '<Process "single">', f'Name "{UNIQUE}-few"', "PerProcess true",
            "MaxProcesses 2", "</Process>")
        actor = self.actor()
        actor.do(f"rename(b'{UNIQUE}-few')")
        small, large, larger = [
            pid for mebibytes in (8, 16, 24)
            for pid in actor.do(f"fork(1, {mebibytes})")]
        self.wait_for_singles(collectd, "single", [large, larger])
        daemon.wait_for(lambda: collectd.lines("warning"), "a warning")
        actor.do(f"end({large})")
        self.wait_for_singles(collectd, "single", [small, larger])
        self.assertEqual(
            collectd.lines("warning"),
            ['block "single": more than MaxProcesses 2 processes match: the '
             "largest by resident memory are reported"])
        self.assertEqual(collectd.lines("error"), [])
        collectd.stop()

    def test_memory_that_workers_share_counts_once_as_pss(self):
        actor = self.actor(self.directory / "mark")
        actor.do("allocate(mebibytes=32)")
        pids = [actor.pid, *actor.do("fork(4, mebibytes=1)")]
        shared = 32 << 20
        selector = f'CommandLine "{self.directory}/mark"'
        collectd = self.start_collectd(
            '<Process "rss">', selector, "</Process>",
            '<Process "pss">', selector, 'MemoryType "Pss"', "</Process>")
        def pss():
            total = 0
            for pid in pids:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+) kB$", text, re.M)[1])
            return total * 1024
        collectd.wait_for_counts(rss=5, pss=5)
        values = collectd.wait_for_values("rss", "pss")
        self.assertAlmostEqual(values["pss"]["process_memory_bytes"], pss(),
                               delta=1 << 20)
        self.assertLess(values["pss"]["process_memory_bytes"],
                        values["rss"]["process_memory_bytes"] - 4 * shared
                        + (4 << 20))
        self.assertAlmostEqual(
            values["pss"]["tracing_memory_overhead_bytes"],
            values["pss"]["process_memory_bytes"] * 0.015, delta=1)
        self.assert_quiet_end(collectd)


@daemon.needs_process_events
class EventsTest(Families, daemon.TestCase):
    discovery = "Events"


class ScanTest(Families, daemon.TestCase):
    discovery = "Scan"


if __name__ == "__main__":
    unittest.main()
