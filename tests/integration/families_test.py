"""Processes that come and change while the daemon runs, as families of services
do: found by process events and by scanning alike."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from tests.support import daemon, needs, proc, services, testcase, waiting

# Part of names, so that tests that run in parallel do not find each other.
UNIQUE = f"ra{os.getpid()}"


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
        waiting.wait_for(
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
        nginx = services.start_nginx(self, 3, program)
        collectd.wait_for_counts(**{name: 4, "master": 1})
        workers = proc.children(nginx.pid)
        self.wait_for_singles(collectd, "workers", workers)

        nginx.send_signal(signal.SIGHUP)
        waiting.wait_for(lambda: len(proc.children(nginx.pid)) == 3 and
                         not proc.children(nginx.pid) & workers, "new workers")
        self.wait_for_singles(collectd, "workers", proc.children(nginx.pid))
        collectd.wait_for_counts(**{name: 4, "master": 1})

        nginx.send_signal(signal.SIGTERM)
        collectd.wait_for_counts(**{name: 0, "master": 0})
        self.assert_quiet_end(collectd)

    def start_postgresql(self):
        """A server on a socket in its directory; returns it and its client."""
        server = services.Postgresql(self, cluster_name=UNIQUE)
        psql = ("psql", "--host", server.home, "--username=test", "--no-psqlrc",
                "--tuples-only", "--no-align", "postgres")
        waiting.wait_for(
            lambda: subprocess.run(
                [*psql, "--command=select"], capture_output=True,
                **server.options).returncode == 0,
            "PostgreSQL to answer")
        client = self.run_program(*psql, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, **server.options)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stdin.close)
        return server.process, client

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
        checkpointer = waiting.wait_for(
            lambda: [pid for pid in proc.children(server.pid)
                     if title.match(command_line(pid))], "a checkpointer")[0]
        # The server starts workers now and then, which do not last.
        def wait_for_all():
            waiting.wait_for(
                lambda: collectd.counts().get("pg") == 1 + len(proc.children(server.pid)),
                "all of PostgreSQL", collectd.log)
        self.wait_for_singles(collectd, "pg-backends", [backend])
        memory = collectd.wait_for_values("pg-writer")["pg-writer"]
        self.assertAlmostEqual(
            memory["process_memory_bytes"],
            proc.status_kb(checkpointer, "VmRSS") * 1024,
            delta=1 << 20)
        wait_for_all()

        client.stdin.close()
        self.wait_for_singles(collectd, "pg-backends", [])
        wait_for_all()
        self.assert_quiet_end(collectd)

    def test_gunicorn_which_forks_one_more_worker(self):
        # With python3-setproctitle the title replaces the command line.
        collectd = self.start_collectd(
            '<Process "gunicorn">',
            f'CommandLine "{self.directory}/gunicorn.sock"',
            f'CommandLine "^gunicorn: .* \\\\[{UNIQUE}\\\\]$"', "</Process>")
        gunicorn = services.start_gunicorn(self, "--name", UNIQUE)
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

    @needs.root
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
        # A name that differs behind these bytes does not match.
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
        waiting.wait_for(lambda: len(proc.children(before.pid)) == 1, "one child")
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

        [childless] = [pid for pid in proc.children(after.pid)
                       if not proc.children(pid)]
        os.kill(childless, signal.SIGKILL)
        collectd.wait_for_counts(family=9)
        # Children whose parent is not in the block do not belong to it.
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
        singles = waiting.wait_for(complete, "five values each", collectd.log)
        for pid, single in singles.items():
            self.assertAlmostEqual(single["process_memory_bytes"],
                                   proc.status_kb(pid, "VmRSS") * 1024,
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
        waiting.wait_for(lambda: collectd.lines("warning"), "a warning")
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


@needs.process_events
class EventsTest(Families, testcase.TestCase):
    discovery = "Events"


class ScanTest(Families, testcase.TestCase):
    discovery = "Scan"


if __name__ == "__main__":
    unittest.main()
