"""Judges what /metrics serves by what an independent sampler saw of the processes.

All times are of CLOCK_REALTIME, as the timestamps of the values are. The plugin read
the values of a pass after the timestamp of the pass before, `begin`, and before their
own, `end`. A value is right if it was true at any moment in between. If a process may
or may not have belonged to a block then, both are right."""

import contextlib
import dataclasses
import math
import os
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
CPUS = os.cpu_count()
# Bytes by which two readings of a size may differ although nothing happened:
# before Linux 6.17, three counters, each with as many pages as one CPU keeps to
# itself, for each CPU; at least what an interpreter does between two commands.
SIZE_TOLERANCE = max(3 * max(32, 2 * CPUS) * CPUS * PAGE, 256 << 10)
# Timestamps are rounded to milliseconds.
ROUNDING = 0.002
# Seconds between the reading of a process and the timestamp of its pass.
LONGEST_PASS = 0.5
# Passes whose CPU is compared with the sampler's at once.
STRETCH = 10
KEPT = 30  # seconds of samples
SHOWN = 20  # violations

MEMORY, PEAK, CPU = ("process_memory_bytes", "process_memory_peak_bytes",
                     "process_cpu_percent")
TRACING_MEMORY, TRACING_CPU = ("tracing_memory_overhead_bytes",
                               "tracing_cpu_overhead_percent")


@dataclasses.dataclass
class Sample:
    begin: float
    end: float
    rss: int  # bytes, as the other sizes
    anonymous: int
    peak: int
    resident_peak: int
    cpu: float  # seconds


@dataclasses.dataclass
class Membership:
    """When a process belonged to a block: certainly between the inner times,
    perhaps between the outer ones."""
    block: str
    joins: float
    joined: float = math.inf
    leaves: float = math.inf
    left: float = math.inf

    def perhaps(self, begin, end):
        return self.joins <= end and begin <= self.left

    def certainly(self, begin, end):
        return self.joined <= begin and end <= self.leaves


class Life:
    """A process from its start to its end."""

    def __init__(self, pid):
        self.pid = pid
        self.samples = []
        self.memberships = []
        self.ended = math.inf
        self.passes = []  # (timestamp, CPU percent) of those not compared yet
        with open(f"/proc/{pid}/stat", "rb") as stat:
            self.start_time = self._fields(stat.read())[19]

    @staticmethod
    def _fields(stat):
        """From the third, which is the state, on."""
        return stat.rsplit(b")", 1)[1].split()

    def sample(self):
        """Reads the process; false when it has ended."""
        begin = time.time()
        try:
            with open(f"/proc/{self.pid}/stat", "rb") as stat:
                fields = self._fields(stat.read())
            with open(f"/proc/{self.pid}/status", "rb") as status:
                sizes = dict(line.split(b":", 1) for line in status)
        except (FileNotFoundError, ProcessLookupError):
            return self._end()
        if (fields[0] in b"ZX" or fields[19] != self.start_time
                or b"VmRSS" not in sizes):
            return self._end()

        def size(key):
            return int(sizes[key].split()[0]) * 1024
        self.samples.append(Sample(
            begin, time.time(), size(b"VmRSS"), size(b"RssAnon"),
            size(b"VmPeak"), size(b"VmHWM"),
            (int(fields[11]) + int(fields[12])) / TICKS))
        if self.samples[0].end < begin - 2 * KEPT:
            del self.samples[:len(self.samples) // 2]
        return True

    def _end(self):
        self.ended = min(self.ended, time.time())
        for one in self.memberships:
            one.leaves = min(one.leaves, self.ended)
            one.left = min(one.left, self.ended)
        return False

    @contextlib.contextmanager
    def change(self, leave=(), join=()):
        """Within the body, the process leaves blocks and joins others."""
        now = time.time()
        leaving = [one for one in self.memberships
                   if one.block in leave and one.leaves == math.inf]
        for one in leaving:
            one.leaves = now
        joining = [Membership(block, now) for block in join]
        self.memberships += joining
        yield
        now = time.time()
        for one in leaving:
            one.left = min(one.left, now)
        for one in joining:
            one.joined = now

    def bounds(self, begin, end, field):
        """The least and the most that the sampler saw around this time."""
        before = [i for i, one in enumerate(self.samples) if one.end <= begin]
        after = [i for i, one in enumerate(self.samples) if one.begin >= end]
        seen = [getattr(one, field) for one in self.samples[
            before[-1] if before else 0:
            after[0] + 1 if after else len(self.samples)]]
        return min(seen), max(seen)

    def cpu_between(self, begin, end):
        """The least and the most that it can have used from a reading for the
        timestamp `begin` to one for `end`; none where the samples do not
        reach."""
        def last_before(moment):
            return [one.cpu for one in self.samples if one.end <= moment][-1]
        def first_after(moment):
            return [one.cpu for one in self.samples if one.begin >= moment][0]
        try:
            return (last_before(end - LONGEST_PASS) - first_after(begin),
                    first_after(end) - last_before(begin - LONGEST_PASS))
        except IndexError:
            return None


class Oracle:
    """Judges passes. `sum_and_each`: blocks that add up processes, and those
    that report the same ones one by one. `strangers`: blocks whose processes are
    too short-lived to be sampled, with the times of them, which is all that is
    known, and a size that none has. `proportional`: blocks with Pss and VmHWM.
    """

    def __init__(self, sum_and_each, strangers, proportional, interval):
        self.sum_and_each = sum_and_each
        self.strangers, self.proportional = strangers, proportional
        self.interval = interval
        self.lives = []
        # (block, PID) with values in the last pass; missed in the last pass; missed
        # now.
        self.reported, self.missed_before, self.missed = set(), set(), set()
        self.checked = self.sizes = self.exact = self.stretches = 0
        self.violations = []

    def complain(self, text):
        self.violations.append(text)
        if len(self.violations) <= SHOWN:
            print(f"violation: {text}", flush=True)

    def miss(self, key, text):
        """Values that came back may go with the old ones, which collectd
        removes after two intervals, at a time of its own: but not twice."""
        if key in self.reported or key in self.missed_before:
            self.complain(text)
        self.missed.add(key)

    def sample(self):
        now = time.time()
        for life in self.lives:
            if life.ended == math.inf:
                life.sample()
        # A pass that is judged later does not need these.
        self.lives = [life for life in self.lives if life.ended > now - KEPT]

    def judge(self, begin, end, values, complete):
        """`values` of the pass: {(block, PID or ""): {type: value}}.
        `complete`: what is not there was not reported."""
        begin, end = begin - ROUNDING, end + ROUNDING
        for key, one in values.items():
            self._judge_one(end, key, one)
        members = {}
        for life in self.lives:
            for one in life.memberships:
                if one.perhaps(begin, end):
                    sure = one.certainly(begin, end)
                    of_block = members.setdefault(one.block, {})
                    of_block[life] = of_block.get(life, False) or sure
        self._judge_sums(begin, end, values, members, complete)
        for sum_block, each_block in self.sum_and_each:
            if each_block not in self.strangers:
                self._judge_each(begin, end, values, members, complete,
                                 each_block)
            if complete and not self.missed:
                self._judge_consistency(end, values, sum_block, each_block)
        for block, (times, size) in self.strangers.items():
            self._judge_strangers(begin, end, values, block, times, size)
        self.reported = set(values)
        self.missed_before, self.missed = self.missed, set()

    def _judge_one(self, end, key, one):
        """Checks that apply to every watched process."""
        self.checked += len(one)
        for name, value in one.items():
            if not 0 <= value < math.inf:
                self.complain(f"{end:.3f} {key}: {name} is {value}")
        if TRACING_CPU not in one:
            return
        processes = one[TRACING_CPU] / 0.5
        if processes != int(processes) or processes < 1 or (
                key[1] and processes != 1):
            self.complain(f"{end:.3f} {key}: {processes} processes")
        if MEMORY in one and TRACING_MEMORY in one and not math.isclose(
                one[TRACING_MEMORY], one[MEMORY] * 0.015, rel_tol=1e-9):
            self.complain(f"{end:.3f} {key}: tracing memory is "
                          f"{one[TRACING_MEMORY]} of {one[MEMORY]}")
        # No pass that measures is shorter than half an interval, and each of
        # the two readings of a process is cut to whole ticks.
        limit = 100 * CPUS + processes * 100 / TICKS / (self.interval / 2)
        if one.get(CPU, 0) > limit:
            self.complain(f"{end:.3f} {key}: CPU is {one[CPU]} %")

    def _judge_sums(self, begin, end, values, members, complete):
        watched = {block for life in self.lives
                   for block in (one.block for one in life.memberships)}
        each = {block for _, block in self.sum_and_each}
        for block in watched - each - set(self.strangers):
            perhaps = members.get(block, {})
            surely = [life for life, sure in perhaps.items() if sure]
            one = values.get((block, ""), {})
            if not one:
                if surely and complete:
                    self.miss((block, ""), f"{end:.3f} {block}: no values of "
                              f"{[life.pid for life in surely]}")
                continue
            # There is no CPU in the first pass of a process.
            if complete and len(one) < 4:
                self.miss((block, ""), f"{end:.3f} {block}: only {sorted(one)}")
            if TRACING_CPU in one:
                processes = one[TRACING_CPU] / 0.5
                if not len(surely) <= processes <= len(perhaps):
                    self.complain(
                        f"{end:.3f} {block}: {processes} processes, not "
                        f"{len(surely)} to {len(perhaps)}")
            fields = ((MEMORY, "anonymous", "rss"),
                      (PEAK, "resident_peak", "resident_peak")
                      ) if block in self.proportional else (
                          (MEMORY, "rss", "rss"), (PEAK, "peak", "peak"))
            for name, lower, upper in fields:
                if name in one:
                    self._judge_size(
                        f"{end:.3f} {block}: {name}", one[name], len(perhaps),
                        sum(life.bounds(begin, end, lower)[0]
                            for life in surely),
                        sum(life.bounds(begin, end, upper)[1]
                            for life in perhaps))

    def _judge_size(self, what, size, processes, least, most):
        tolerance = SIZE_TOLERANCE * processes
        if not least - tolerance <= size <= most + tolerance:
            self.complain(f"{what} is {size:.0f}, not {least} to {most}")
        self.sizes += 1
        self.exact += most - least <= tolerance

    def _judge_each(self, begin, end, values, members, complete, block):
        perhaps = members.get(block, {})
        for life, sure in perhaps.items():
            key = block, str(life.pid)
            if sure and complete and len(values.get(key, {})) < 4:
                self.miss(key, f"{end:.3f} {block}: no values of {life.pid}")
        for (name, pid), one in values.items():
            if name != block:
                continue
            lives = [life for life in perhaps if life.pid == int(pid)]
            if not lives:
                self.complain(f"{end:.3f} {block}: {pid} had ended, or never "
                              "belonged to it")
                continue
            for name, field in ((MEMORY, "rss"), (PEAK, "peak")):
                if name in one:
                    bounds = [life.bounds(begin, end, field) for life in lives]
                    # If there are two, either may be meant. A process that has just
                    # started may have had less memory.
                    sure = len(lives) == 1 and perhaps[lives[0]]
                    self._judge_size(
                        f"{end:.3f} {block} {pid}: {name}", one[name], 1,
                        bounds[0][0] if sure else 0,
                        max(most for _, most in bounds))
            if CPU in one and len(lives) == 1:
                self._add_cpu(lives[0], end - ROUNDING, one[CPU])

    def _add_cpu(self, life, end, percent):
        """Over several passes the percentages add up to what was used. They do
        so over the times of the readings; over the timestamps, with an error
        of at most what the percentages change, times how long a pass takes.
        """
        if life.passes and end - life.passes[-1][0] > self.interval * 1.5:
            life.passes = []
        life.passes.append((end, percent))
        if len(life.passes) <= STRETCH:
            return
        times, shares = zip(*life.passes)
        life.passes = life.passes[-1:]
        bounds = life.cpu_between(times[0], times[-1])
        if bounds is None:
            return
        used = sum(share / 100 * (last - first) for first, last, share
                   in zip(times, times[1:], shares[1:]))
        changes = shares[1] + shares[-1] + sum(
            abs(last - first) for first, last in zip(shares[1:], shares[2:]))
        tolerance = 2 / TICKS + changes / 100 * LONGEST_PASS
        if not bounds[0] - tolerance <= used <= bounds[1] + tolerance:
            self.complain(
                f"{times[-1]:.3f} {life.pid}: {used:.3f} s of CPU in "
                f"{STRETCH} passes, not {bounds[0]:.3f} to {bounds[1]:.3f}")
        self.stretches += 1

    def _judge_consistency(self, end, values, sum_block, each_block):
        """Both blocks come from the same readings."""
        total = values.get((sum_block, ""), {})
        each = [one for (block, _), one in values.items()
                if block == each_block]
        for name in (MEMORY, PEAK, CPU, TRACING_MEMORY, TRACING_CPU):
            parts = [one[name] for one in each if name in one]
            if not math.isclose(sum(parts), total.get(name, 0), rel_tol=1e-9,
                                abs_tol=1e-6):
                self.complain(f"{end:.3f} {sum_block}: {name} is "
                              f"{total.get(name)}, the sum of {len(parts)} is "
                              f"{sum(parts)}")

    def _judge_strangers(self, begin, end, values, block, times, size):
        perhaps = [pid for pid, started, ended in times
                   if started <= end and begin <= ended]
        for (name, pid), one in values.items():
            if name != block:
                continue
            if pid and int(pid) not in perhaps:
                self.complain(f"{end:.3f} {block}: {pid} had ended, or never "
                              "belonged to it")
            processes = one.get(TRACING_CPU, 0) / 0.5
            if processes > len(perhaps):
                self.complain(f"{end:.3f} {block}: {processes} processes, not "
                              f"{len(perhaps)}")
            if one.get(MEMORY, 0) > size * max(processes, 1):
                self.complain(f"{end:.3f} {block}: {one[MEMORY]} bytes")
