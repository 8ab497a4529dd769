"""Runs the real daemon on a host where everything changes all the time, and checks each
value that it serves meanwhile. docs/evidence/soak.md says more.

Two daemons run at once. The first discovers by process events. The second scans, in a
PID namespace with few PIDs. The exit status is 1 if a value was wrong, if memory or
descriptors grew, or if a process or cgroup was left behind."""

import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import oracle
from lab import chart, report
from tests.support import cgroups, proc, programs, testcase, waiting

INTERVAL = 1.0  # seconds
RATE = 500  # process starts a second
TICK = 0.2  # seconds between two samples of the watched processes
NAP = 0.05  # seconds
NOBODY = 65534
PARTS = {"events": "by process events", "scan": "by scanning"}
# In the namespace; with the threads below they come round every few seconds.
PID_MAX = 4096
THREADS = {"events": 10000, "scan": 2000}
NAMES = 6
# Seconds after which a pass has been written, on a machine that is busy.
WRITTEN = 0.3
# Seconds between two passes, without what the daemon waited for a CPU.
LATE = 1.5 * INTERVAL
# KiB by which resident memory may grow, from the second quarter of the time to
# the last: collectd's threads take turns, and the allocator has an arena for
# each, which grows to the most that it ever needed. In less than ten minutes they
# have not seen everything yet.
GROWTH = 1024
WARM = 600  # seconds
# By how many descriptors they may grow beyond two for each process: those that a pass
# has open, and processes that came or went since.
FILES_GROWTH = 10
SHOWN = 10  # seconds
# With --signals: what the sampler process gets, and how often on average, in seconds.
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGSTOP)
SIGNALS_EVERY = 5
# How long the daemon may wait for a process that is stopped, and for the next.
STOPPED = 3.0


def descriptors(pid):
    """The open files of a process. Sockets are left out: connections come and go."""
    files = []
    for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append(os.readlink(path))
    return [file for file in files if not file.startswith("socket:")]


class Part(testcase.TestCase):
    """One daemon, the processes that it watches, and their sampler."""

    def __init__(self, name, tag, seconds, directory, signals):
        super().__init__()
        self.name, self.tag, self.seconds = name, tag, seconds
        self.signals = signals  # whether the sampler process gets some
        self.sampler_waited = {}  # by PID: seconds
        self.directory = directory
        self.random = random.Random(tag)
        self.counts = dict.fromkeys(
            ("starts", "restarts", "pids reused", "renames", "moves",
             "cgroups made", "PID file changes", "forks", "signals sent"), 0)
        self.cast = {}  # by role: (actor, its life)
        self.children = []  # of the leader
        # (seconds, KiB resident, open descriptors, watched processes)
        self.records = []
        self.watched = 0
        self.passes = {}  # by timestamp: {(block, PID): {type: value}}
        self.seen_whole = set()  # timestamps
        self.begin = None  # timestamp of the last pass that was judged
        self.gaps = []
        # (time, seconds that the daemon's readers had waited for a CPU)
        self.waits = [(0, 0)]
        self.standstills = []  # (time of its end, seconds)
        self.flickers = []  # [PID, start, end]

    # What is configured.

    def config(self):
        tag, of_actors = self.tag, f'Executable "{self.python}"'
        flicker = f'CommandLine "^soak-flicker {tag}$"'
        leader = f'PIDFile "{self.directory}/lead.pid"\nIncludeChildren true'
        blocks = {
            "self": "Self true",
            "all": of_actors,
            "all-each": f"{of_actors}\nPerProcess true\nMaxProcesses 65536",
            "by-${comm}": of_actors,
            f"{tag}-n0": f'Name "{tag}-n0"',
            "nobody": f'{of_actors}\nUser "{NOBODY}"',
            "file": f'PIDFile "{self.directory}/file.pid"',
            "ghost": f'PIDFile "{self.directory}/ghost.pid"\n'
                     f'Name "{tag}-ghost"',
            "cgroup": f'Cgroup "{tag}/*"',
            "cgroup-${cgroup}": f'Cgroup "{tag}/*"',
            "unit-${unit}": f'SystemdUnit "{tag}-*.service"',
            "long": f'CommandLine "soak-{tag}-long"',
            "many": f'Name "{tag}-many"',
            "tree": leader,
            "tree-each": f"{leader}\nPerProcess true",
            "pss": f'Name "{tag}-pss"\nMemoryType "Pss"\nPeakMemory "VmHWM"',
            "flicker": flicker,
            "flicker-each": f"{flicker}\nPerProcess true",
            "flicker-few": f"{flicker}\nPerProcess true\nMaxProcesses 3",
            "flicker-${comm}": f"{flicker}\nMaxInstances 8",
        }
        self.blocks = len(blocks)
        return "\n".join([
            "LoadPlugin resource_attribution", "<Plugin resource_attribution>",
            f"Interval {INTERVAL}",
            f'Discovery "{"Scan" if self.name == "scan" else "Events"}"',
            *(f'<Process "{name}">\n{options}\n</Process>'
              for name, options in blocks.items()),
            "</Plugin>"])

    # The processes. A role is what an actor plays, one after the other.

    def roles(self):
        """By role: the actor's arguments, what it does first, its blocks."""
        walkers = {f"n{i}": ((), [], [f"{self.tag}-n0"] if i == 0 else [])
                   for i in range(NAMES)}
        return walkers | {
            "busy": ((), [], []),
            "file": ((), [], ["file"]),
            "unit": ((), [], [f"unit-{self.tag}-a.service"]),
            "lead": ((), [], ["tree", "tree-each"]),
            "pss": ((), ["allocate(16)"], ["pss"]),
            # 17 of the longest argument that there can be: 2 MiB.
            "long": ((f"soak-{self.tag}-long",
                      *["a" * ((128 << 10) - 1)] * 17), [], ["long"]),
            "many": ((), ["threading.stack_size(64 << 10)"], ["many"]),
        }

    def start(self, role, pid=None):
        """Starts an actor in this role, with this PID unless another process gets it
        first."""
        arguments, first, blocks = self.roles()[role]
        name = f"{self.tag}-{role}"
        joins = ["all", "all-each", f"by-{name}", *blocks]
        before = time.time()
        if pid:
            pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(
                str(pid - 1))
        process = self.run_program(
            self.python, "-B", programs.ACTOR, *arguments, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=None)
        if role in ("file", "lead"):
            (self.directory / f"{role}.pid").write_text(f"{process.pid}\n")
        actor = programs.Actor(process)
        self.addCleanup(actor.close)
        life = oracle.Life(actor.pid)
        with life.change(join=joins):
            for one in life.memberships:
                one.joins = before
            # Until it is called so, it has the name of the program.
            life.memberships.append(oracle.Membership("by-python3", before))
            actor.do(f"rename(b'{name}')")
            life.memberships[-1].left = time.time()
            for command in first:
                actor.do(command)
            if role == "unit":
                self.move(actor.pid, f"{self.tag}.slice/{self.tag}-a.service")
        life.sample()
        self.oracle.lives.append(life)
        self.cast[role] = actor, life
        if role == "many":
            # Starting them takes a while. take_answers() reads the answer.
            actor.tell("len([threading.Thread(target=threading.Event().wait, "
                       "daemon=True).start() for _ in "
                       f"range({THREADS[self.name]})])")
        if role == "busy":
            actor.do("os.nice(19)")
            actor.do("burn()")
        self.counts["pids reused"] += actor.pid == pid

    def restart(self, role):
        actor, life = self.cast.pop(role)
        if role in ("file", "lead"):
            # Another process that gets the PID does not belong to the block.
            (self.directory / f"{role}.pid").unlink(missing_ok=True)
            (self.directory / "ghost.pid").write_text(f"{actor.pid}\n")
        if role == "lead":
            self.children.clear()
        self.kill(actor, life)
        self.start(role, actor.pid if self.random.random() < 0.5 else None)
        self.counts["restarts"] += 1

    def kill(self, actor, life):
        life.sample()
        now = time.time()
        with life.change(leave={one.block for one in life.memberships}):
            programs.end(actor.process)
        life.ended = time.time()
        actor.close()
        # Children of the leader end with it. The sampler sees when.
        for other in self.oracle.lives:
            if getattr(other, "parent", None) is life:
                for one in other.memberships:
                    one.leaves = min(one.leaves, now)

    # What happens to them.

    def one_of(self, *roles):
        return self.cast[self.random.choice(roles)]

    def walker(self):
        return self.one_of(*(f"n{i}" for i in range(NAMES)))

    def changing(self, life, command, actor, leave=(), join=()):
        life.sample()
        with life.change(leave, join):
            result = actor.do(command)
        life.sample()
        return result

    def rename(self):
        actor, life = self.walker()
        name = f"{self.tag}-n{self.random.randrange(NAMES)}"
        named = [one.block for one in life.memberships
                 if one.leaves == math.inf and
                 (one.block.startswith("by-") or one.block == f"{self.tag}-n0")]
        joins = [f"by-{name}"] + [name] * name.endswith("-n0")
        if f"by-{name}" not in named:
            self.changing(life, f"rename(b'{name}')", actor, named, joins)
            self.counts["renames"] += 1

    def change_user(self):
        actor, life = self.walker()
        is_nobody = any(one.block == "nobody" and one.leaves == math.inf
                        for one in life.memberships)
        self.changing(life, f"os.seteuid({0 if is_nobody else NOBODY})", actor,
                      ["nobody"] * is_nobody, ["nobody"] * (not is_nobody))

    def change_memory(self):
        actor, life = self.one_of("n0", "n1", "n2", "file", "pss", "unit")
        command = self.random.choice([
            f"allocate({self.random.randrange(1, 24)})", "memory.clear()"])
        self.changing(life, command, actor)

    def use_cpu(self):
        actor, _ = self.one_of("n0", "n1", "n2", "n3", "n4", "n5", "file",
                               "unit", "pss")
        actor.do(f"use_cpu({self.random.random() * 0.1})")

    def fork(self):
        actor, life = self.cast["lead"]
        if len(self.children) < 8:
            before = time.time()
            life.sample()
            [pid] = actor.do(f"fork(1, {self.random.randrange(8)})")
            life.sample()
            child = oracle.Life(pid)
            child.parent = life
            for one in life.memberships:
                if one.leaves == math.inf and one.block != "by-python3":
                    child.memberships.append(
                        oracle.Membership(one.block, before, time.time()))
            child.sample()
            self.oracle.lives.append(child)
            self.children.append(child)
            self.counts["forks"] += 1

    def end_child(self):
        if self.children:
            child = self.children.pop(self.random.randrange(len(self.children)))
            actor, _ = self.cast["lead"]
            self.changing(child, f"end({child.pid})", actor,
                          {one.block for one in child.memberships})

    def move(self, pid, path):
        (self.cgroups / path).mkdir(parents=True, exist_ok=True)
        (self.cgroups / path / "cgroup.procs").write_text(str(pid))

    def change_cgroup(self):
        """Moves a process to a cgroup, which may have to be made first, or to the
        root."""
        actor, life = self.walker()
        path = self.random.choice(["", "a", "b", "c", "d/below"])
        leave = [one.block for one in life.memberships
                 if one.leaves == math.inf and one.block.startswith("cgroup")]
        join = ["cgroup", f"cgroup-{path.rsplit('/')[-1]}"] if path else []
        if set(leave) == set(join):
            return
        life.sample()
        with life.change(leave, join):
            self.move(actor.pid, f"{self.tag}/{path}" if path else "")
        self.counts["moves"] += 1

    def change_cgroups(self):
        """Makes some empty cgroups and removes them again."""
        for number in range(5):
            path = self.cgroups / self.tag / f"empty-{number}" / "below"
            if path.exists():
                path.rmdir()
                path.parent.rmdir()
            else:
                path.mkdir(parents=True)
                self.counts["cgroups made"] += 2
        for name in ("a", "b", "c", "d/below"):
            with contextlib.suppress(OSError):
                (self.cgroups / self.tag / name).rmdir()

    def change_pid_file(self):
        """The PID file becomes bad, or good again."""
        _, life = self.cast["file"]
        path = self.directory / "file.pid"
        is_good = any(one.block == "file" and one.leaves == math.inf
                      for one in life.memberships)
        with life.change(["file"] * is_good, ["file"] * (not is_good)):
            path.unlink(missing_ok=True)
            if not is_good:
                path.write_text(f"{life.pid}\n")
            else:
                self.random.choice([
                    lambda: None,
                    lambda: path.write_text(""),
                    lambda: path.write_text("-1\n"),
                    lambda: path.write_text(f"{life.pid} and more\n"),
                    lambda: path.write_bytes(os.urandom(4096)),
                    lambda: path.write_text("9" * 100000),
                    lambda: path.symlink_to("ghost.pid"),
                    lambda: os.mkfifo(path),
                ])()
        self.counts["PID file changes"] += 1

    def change_something(self):
        roles = list(self.roles())
        roles.remove("busy")
        # The end of so many threads keeps every CPU busy for a while.
        if self.random.random() < 0.9:
            roles.remove("many")
        for change, share in (
                (self.rename, 0.3), (self.change_user, 0.1),
                (self.change_memory, 0.2), (self.use_cpu, 0.5),
                (self.fork, 0.15), (self.end_child, 0.12),
                (self.change_cgroup, 0.3),
                (self.change_cgroups, 0.2), (self.change_pid_file, 0.1),
                (lambda: self.restart(self.random.choice(roles)), 0.15)):
            if self.random.random() < share:
                change()

    # What is seen.

    def take_answers(self):
        """Reads the answer of the actor with many threads, and which processes of churn
        started and ended."""
        actor, _ = self.cast["many"]
        if select.select([actor.process.stdout], [], [], 0)[0]:
            actor.process.stdout.readline()
        while select.select([self.churn.stdout], [], [], 0)[0]:
            self.take_flicker(self.churn.stdout.readline().split())

    def take_flicker(self, words):
        if len(words) != 3:
            self.counts["starts"] = int(words[0])
        elif words[0] == b"+":
            self.flickers.append([int(words[1]), float(words[2]), math.inf])
        else:
            for one in reversed(self.flickers):
                if one[0] == int(words[1]):
                    one[2] = float(words[2])
                    break

    def scrape(self):
        begun = time.time()
        newest = None
        for block, pid, name, value, time_ in self.collectd.all_samples():
            values = self.passes.get(time_)
            if values is None and (self.begin is None or time_ > self.begin):
                values = self.passes[time_] = {}
            if values is not None:
                values.setdefault((block, pid), {})[name] = value
            if block == "self":
                newest = max(newest or 0, time_)
        if newest and begun >= newest + WRITTEN:
            self.seen_whole.add(newest)

    def judge(self):
        """The passes that are over, and after which all was sampled again."""
        while len(self.passes) > 2:
            end = min(self.passes)
            if end > time.time() - INTERVAL:
                return
            values = self.passes.pop(end)
            self.watched = sum(
                round(values[block, ""].get(oracle.TRACING_CPU, 0) / 0.5)
                for block in ("self", "all", "flicker")
                if (block, "") in values)
            if self.begin is not None:
                self.gaps.append(end - self.begin)
                self.judge_gap(end)
                # After two intervals collectd removes values, at a time of its
                # own, with which new ones of a late pass may go.
                whole = (end in self.seen_whole and self.gaps[-1] < LATE
                         and not self.signals)
                self.oracle.judge(self.begin, end, values, whole)
            self.begin = end
            self.seen_whole.discard(end)
            self.flickers[:] = [one for one in self.flickers
                                if one[2] > end - oracle.KEPT]

    def judge_gap(self, end):
        """A pass may be late by the time that the daemon waited for a CPU, and by the
        same time again: other processes waited, too, and may have held locks that
        the daemon needs. It may also be late if the whole machine stood still."""
        waited = ([wait for time_, wait in self.waits if time_ >= end][0]
                  - [wait for time_, wait in self.waits
                     if time_ <= self.begin][-1])
        stood = sum(late for time_, late in self.standstills
                    if time_ >= self.begin and time_ - late <= end)
        # A pass is made again by the next sampler process, which waits for one that
        # is stopped.
        if self.signals:
            stood += STOPPED
        if self.gaps[-1] > LATE + 2 * (waited + stood):
            self.oracle.complain(
                f"{end:.3f} {self.gaps[-1]:.3f} s after the last pass, of "
                f"which {waited:.3f} s waiting for a CPU and {stood:.3f} s of "
                "standstill")
        self.waits = [one for one in self.waits if one[0] > end - oracle.KEPT]
        del self.standstills[:-1000]

    def watch_standstills(self):
        """Notes when a short sleep takes long."""
        while True:
            before = time.monotonic()
            time.sleep(NAP)
            late = time.monotonic() - before - NAP
            if late > NAP:
                self.standstills.append((time.time(), late))

    def waited(self):
        """Seconds that what makes the passes was ready to run and did not: threads of
        the daemon, and the sampler process."""
        def seconds(path):
            return int((path / "schedstat").read_text().split()[1]) / 1e9
        for pid in self.samplers():
            with contextlib.suppress(OSError):
                self.sampler_waited[pid] = seconds(pathlib.Path(f"/proc/{pid}"))
        return sum(map(seconds, self.readers)) + sum(self.sampler_waited.values())

    def samplers(self):
        """The sampler process; none for a moment after it has ended."""
        return proc.children(self.collectd.process.pid)

    def sum_of_processes(self, of_one):
        """A figure of the daemon and its sampler process together."""
        total = of_one(self.collectd.process.pid)
        for pid in self.samplers():
            with contextlib.suppress(OSError, TypeError):
                total += of_one(pid)
        return total

    def send_signals(self):
        """Ends or stops the sampler process at random times."""
        chance = random.Random(self.tag)
        while True:
            time.sleep(chance.expovariate(1 / SIGNALS_EVERY))
            for pid in self.samplers():
                with contextlib.suppress(OSError):
                    os.kill(pid, chance.choice(SIGNALS))
                    self.counts["signals sent"] += 1

    def show(self):
        _, resident, files, _ = self.records[-1]
        print(f"{report.elapsed(self.begun)}  {self.name:6}  "
              f"{len(self.gaps):4} passes, {self.oracle.checked:,} values, "
              f"{resident / 1024:.2f} MiB, "
              f"{files} descriptors, {self.counts['restarts']} restarts, "
              f"{len(self.oracle.violations)} violations", flush=True)

    # From beginning to end.

    def set_up(self):
        self.cgroups = cgroups.of_services()
        self.python = self.directory / "python3"
        shutil.copy(os.path.realpath(sys.executable), self.python)
        self.oracle = oracle.Oracle(
            [("all", "all-each"), ("tree", "tree-each"),
             ("flicker", "flicker-each")],
            {name: (self.flickers, 16 << 20)
             for name in ("flicker", "flicker-each", "flicker-few")},
            {"pss"}, INTERVAL)
        self.addCleanup(self.remove_cgroups)
        (self.cgroups / self.tag).mkdir()

    def remove_cgroups(self):
        for top in self.cgroups.glob(f"{self.tag}*"):
            for name, _, _ in os.walk(top, topdown=False):
                processes = pathlib.Path(name) / "cgroup.procs"
                waiting.wait_for(lambda: not processes.read_text(),
                                 f"{name} to be empty")
                os.rmdir(name)

    def run_all(self):
        self.set_up()
        self.collectd = super().collectd(
            self.config(), interval=INTERVAL).start()
        daemon_pid = self.collectd.process.pid
        waiting.wait_for(lambda: "self" in self.collectd.samples(), "a pass")
        self.readers = [
            path for path in pathlib.Path(f"/proc/{daemon_pid}/task").iterdir()
            if re.match("reader|resource_attrib", (path / "comm").read_text())]
        files_before = descriptors(daemon_pid)
        # Arguments have a quarter of the stack.
        _, hard = resource.getrlimit(resource.RLIMIT_STACK)
        resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, hard))
        self.churn = self.run_program(
            os.environ["CHURN"], str(RATE), self.tag, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, bufsize=0)
        for role in self.roles():
            self.start(role)

        threading.Thread(target=self.watch_standstills, daemon=True).start()
        if self.signals:
            threading.Thread(target=self.send_signals, daemon=True).start()
        self.begun = time.monotonic()
        shown = 0
        while (now := time.monotonic() - self.begun) < self.seconds:
            if select.select([sys.stdin], [], [], 0)[0]:
                raise KeyboardInterrupt  # The other side has ended.
            self.oracle.sample()
            self.change_something()
            self.scrape()
            # The last answers before judging; an actor may have had to wait.
            self.take_answers()
            self.waits.append((time.time(), self.waited()))
            self.judge()
            if not self.records or now - self.records[-1][0] >= 1:
                self.records.append((
                    now,
                    self.sum_of_processes(lambda pid: proc.status_kb(pid, "VmRSS")),
                    self.sum_of_processes(lambda pid: len(descriptors(pid))),
                    self.watched))
            if now - shown >= SHOWN:
                shown = now
                self.show()
            time.sleep(max(0, TICK - (time.monotonic() - self.begun - now)))

        self.churn.stdin.close()
        for line in self.churn.stdout:
            self.take_flicker(line.split())
        for actor, life in self.cast.values():
            self.kill(actor, life)
        waiting.wait_for(lambda: self.blocks_now() == {"self"},
                         "no values but the daemon's own", self.collectd.log)
        self.collectd.wait_for_passes()
        return self.result(files_before, descriptors(daemon_pid))

    def blocks_now(self):
        return {block for block, *_ in self.collectd.all_samples()}

    def result(self, files_before, files_after):
        self.collectd.stop()
        log = self.collectd.log().splitlines()
        ours = [line for line in log if "resource_attribution plugin" in line]
        errors = self.collectd.lines("error")
        # "started", and for each block and for failures twelve lines an hour of each
        # severity.
        bound = 1 + 3 * 12 * (self.blocks + 1) * math.ceil(self.seconds / 3600)
        complain = self.oracle.complain
        if (errors and not self.signals) or len(ours) > bound:
            complain(f"{len(ours)} log lines, {bound} allowed; {errors}")
        late = [gap for gap in self.gaps if gap > LATE]
        if len(files_after) > len(files_before):
            complain(f"open are {files_after}, before {files_before}")

        quarter = len(self.records) // 4
        def quarters(column):
            values = [column(record) for record in self.records]
            return [statistics.median(part) for part in (
                values[quarter:2 * quarter], values[-quarter:])]
        early, end = quarters(lambda record: record[1])
        # Two for each process that is watched.
        early_files, end_files = quarters(
            lambda record: record[2] - 2 * record[3])
        if self.seconds >= WARM and end - early > GROWTH:
            complain(f"resident memory grew from {early} to {end} KiB")
        if self.seconds >= WARM and end_files - early_files > FILES_GROWTH:
            complain(f"descriptors without two for each process grew from "
                     f"{early_files} to {end_files}")
        return {
            "records": self.records,
            "violations": self.oracle.violations,
            "log": ours,
            "table": {
                "passes": len(self.gaps),
                f"of them more than {LATE} s after the last": len(late),
                "longest time between two, s": round(max(self.gaps), 2),
                "time that the daemon's readers waited for a CPU, s":
                    round(self.waits[-1][1], 1),
                "reads of which collectd says that they took too long":
                    sum("read-function of the" in line for line in log),
                "values served and checked": self.oracle.checked,
                "sizes held against the sampler's": self.oracle.sizes,
                "of them with nothing to choose from": self.oracle.exact,
                f"CPU of a process over {oracle.STRETCH} passes held against "
                "the sampler's": self.oracle.stretches,
                "processes started by churn": self.counts.pop("starts"),
                **{f"watched: {name}": count
                   for name, count in self.counts.items()},
                "resident memory, second quarter, KiB": round(early),
                "resident memory, last quarter, KiB": round(end),
                "resident memory, most, KiB":
                    max(record[1] for record in self.records),
                "descriptors before": len(files_before),
                "descriptors, most": max(record[2] for record in self.records),
                "processes watched, most":
                    max(record[3] for record in self.records),
                "descriptors without two for each process, second quarter":
                    round(early_files),
                "the same, last quarter": round(end_files),
                "descriptors after": len(files_after),
                f"log lines, of at most {bound}": len(ours),
                "violations": len(self.oracle.violations),
            },
        }


def run_part(arguments):
    # The end of the input ends the run early.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if arguments.part == "scan" and pid_max_is_of_the_namespace():
        pathlib.Path("/proc/sys/kernel/pid_max").write_text(str(PID_MAX))
    part = Part(arguments.part, arguments.tag, arguments.minutes * 60,
                arguments.directory, arguments.signals)
    try:
        result = part.run_all()
        (arguments.directory / "result.json").write_text(json.dumps(result))
        return 0
    except KeyboardInterrupt:
        return 1
    finally:
        part.doCleanups()


def pid_max_is_of_the_namespace():
    """From Linux 6.14 on; before, pid_max was a limit of the host."""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)",
                                   os.uname().release).groups())) >= (6, 14)


def start_part(name, tag, minutes, directory, signals):
    directory.mkdir()
    command = [sys.executable, "-B", __file__, "--part", name, "--tag", tag,
               "--directory", directory, "--minutes", str(minutes),
               *(["--signals"] if signals else [])]
    if name == "scan":
        # A shell collects processes whose parent ended before them.
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                   "sh", "-c", '"$@"; exit $?', "sh", *command]
    return subprocess.Popen([str(word) for word in command],
                            stdin=subprocess.PIPE, start_new_session=True)


def left_behind(tag, directory):
    """Processes and cgroups of the soak that are there after its end."""
    for kind in (("cgroup2",), ("cgroup", "name=systemd")):
        root = cgroups.mounted(*kind)
        for path in root.glob(f"{tag}*") if root else ():
            yield str(path)
    for pid, command in proc.of_all("cmdline"):
        if tag.encode() in command or str(directory).encode() in command:
            if pid != os.getpid():
                yield command[:200].decode(errors="replace")


def picture(results):
    """Resident memory and descriptors over the time, of each daemon."""
    colours = {"events": "#0a7d38", "scan": "#2a6fdb"}
    left, right = 80, 640
    longest = max(record[0] for result in results.values()
                  for record in result["records"])
    drawing = chart.Chart(860, 470)
    for top, title, column, unit in (
            (50, "Resident memory of the daemon, MiB", 1, 1024),
            (270, "Open descriptors of the daemon", 2, 1)):
        bottom = top + 150
        most = max(record[column] / unit for result in results.values()
                   for record in result["records"])
        step = 10 ** math.floor(math.log10(most))
        step = next(one for one in (step / 5, step / 2, step, 2 * step)
                    if most / one <= 6)
        scale = math.ceil(most / step) * step
        drawing.title(left, top - 16, title)
        for line in range(round(scale / step) + 1):
            drawing.level(left, right, bottom - 150 * line * step / scale,
                          f"{line * step:g}")
        ends = []
        for name, result in results.items():
            points = [(left + (right - left) * record[0] / longest,
                       bottom - 150 * record[column] / unit / scale)
                      for record in result["records"]]
            drawing.curve(points, colours[name], 1.5)
            ends.append((points[-1][1], PARTS[name], colours[name]))
        drawing.names(right + 12, ends)
    minutes = longest / 60
    for number in range(5):
        drawing.centred(left + (right - left) * number / 4, 440,
                        f"{minutes * number / 4:.3g}")
    drawing.centred((left + right) / 2, 460, "minutes")
    return drawing.svg()


def table(results):
    lines = ["| | " + " | ".join(PARTS[name] for name in results) + " |",
             "| --- |" + " ---: |" * len(results)]
    for row in next(iter(results.values()))["table"]:
        values = [result["table"][row] for result in results.values()]
        lines.append(f"| {row} | "
                     + " | ".join(f"{value:,}" for value in values) + " |")
    return "\n".join(lines)


def soak(minutes, output, signals):
    # With the names below it makes at most the 15 bytes that the kernel keeps.
    tag = f"s{os.getpid()}"
    results, failed = {}, False
    with tempfile.TemporaryDirectory(prefix="ra-soak.") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        parts = {
            part: start_part(part, tag + part[0], minutes, directory / part,
                             signals)
            for part in PARTS}
        try:
            for part, process in parts.items():
                process.wait()
        finally:
            for process in parts.values():
                process.stdin.close()
            for process in parts.values():
                process.wait()
        for part, process in parts.items():
            if process.returncode == 0:
                results[part] = json.loads(
                    (directory / part / "result.json").read_text())
            else:
                failed = True
                print(f"soak: the part {part} ended with {process.returncode}")
    for what in left_behind(tag, directory):
        failed = True
        print(f"soak: left behind: {what}")
    failed |= any(result["violations"] for result in results.values())
    output.mkdir(parents=True, exist_ok=True)
    (output / "soak.json").write_text(json.dumps(results))
    if results:
        (output / "soak.svg").write_text(picture(results))
        print(f"\n{datetime.date.today()}, {minutes:g} minutes, "
              f"{os.cpu_count()} CPUs, Linux {os.uname().release}\n\n"
              f"{table(results)}\n")
    print("FAILED" if failed else "As it should be")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--signals", action="store_true")
    for internal in ("--part", "--tag"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=pathlib.Path,
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        return run_part(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return soak(arguments.minutes, arguments.output, arguments.signals)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
