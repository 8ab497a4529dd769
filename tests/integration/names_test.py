"""Blocks whose name has placeholders. Any user who starts a process fills them in."""

import os
import pwd
import unittest

from tests.support import daemon, programs, testcase, waiting

UNIQUE = f"ra{os.getpid()}"


def fnv_1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return value


class NamesTest(testcase.TestCase):

    def wait_for_exactly(self, collectd, counts):
        collectd.wait_for_counts(**counts)
        collectd.wait_for_passes()
        # A pass may have met a process before it had its name.
        waiting.wait_for(lambda: collectd.counts() == {**counts, "self": 1},
                         f"exactly {counts}",
                         lambda: f"{collectd.counts()}\n{collectd.log()}")

    def test_part_of_the_command_line(self):
        collectd = self.start_collectd(
            '<Process "jar ${jar}">',
            f'CommandLine "-jar {self.directory}/(?P<jar>[^/ ]+)\\\\.jar"',
            "</Process>")
        for jar in ("orders", "checkout", "checkout"):
            self.actor("-jar", self.directory / f"{jar}.jar")
        # No jar: the point is one, not any character.
        self.actor("-jar", self.directory / "stray-jar")
        self.wait_for_exactly(collectd,
                              {"jar orders": 1, "jar checkout": 2})
        self.assert_quiet_end(collectd)

    def test_user_and_command_name(self):
        me = pwd.getpwuid(os.geteuid()).pw_name
        expected = {f"{me}:{UNIQUE}": 1}
        collectd = self.start_collectd(
            '<Process "${user}:${comm}">',
            f'CommandLine "{self.directory}/mark"', "</Process>")
        self.actor(self.directory / "mark").do(f"rename(b'{UNIQUE}')")
        if os.geteuid() == 0:
            self.actor(self.directory / "mark", user="nobody").do(
                f"rename(b'{UNIQUE}')")
            expected[f"nobody:{UNIQUE}"] = 1
            # An ID without a name is its number.
            self.actor(self.directory / "mark", user=54321).do(
                f"rename(b'{UNIQUE}')")
            expected[f"54321:{UNIQUE}"] = 1
        self.wait_for_exactly(collectd, expected)
        self.assert_quiet_end(collectd)

    def test_hostile_names(self):
        collectd = self.start_collectd(
            '<Process "x-${comm}">',
            f'CommandLine "{self.directory}/mark"', "</Process>")
        hostile = {
            b'a"b\\c{d}e,f=g': 'a"b\\c{d}e,f=g',
            b"new\nline\ttab": "new_line_tab",
            b"\x01\x1b[31mred\x7f": "__[31mred_",
            b"../etc/passwd": ".._etc_passwd",
            b"bad \xff\xfe\xc3": "bad ___",
            "gut geübt".encode(): "gut geübt",
            b"c1 \xc2\x85 \xed\xa0\x80": "c1 _ ___",
            b'"} 1 2\n# TYPE': '"} 1 2_# TYPE',
            b"${user}%s%n": "${user}%s%n",
            b"a) S 1 1 (b": "a) S 1 1 (b",
        }
        for comm in hostile:
            self.actor(self.directory / "mark").do(f"rename({comm!r})")
        self.wait_for_exactly(
            collectd, {f"x-{name}": 1 for name in hostile.values()})
        # No name broke a line, and the whole page is UTF-8.
        for line in collectd.metrics_text().splitlines():
            self.assertRegex(line, r"^(#.*|collectd_.*} \S+ \d+|)$")
        # The log has no lines that processes wrote.
        for line in collectd.log().splitlines():
            self.assertRegex(line, r"^(\[[a-z]+\] .*|\[\d{4}-.*|)$")
        self.assert_quiet_end(collectd)

    def test_name_beyond_what_collectd_takes(self):
        head = "n" * 150
        names = [f"{head}{end}" for end in ("", "-one", "-two")]
        collectd = self.start_collectd(
            '<Process "${name}">',
            f'CommandLine "actor.py {self.directory}/(?P<name>.*)"', "</Process>")
        for name in (*names, "short"):
            self.actor(self.directory / name)
        expected = {f"{head[:110]}_{fnv_1a(name.encode()):016x}": 1
                    for name in names}
        self.assertEqual({len(name) for name in expected}, {127})
        self.wait_for_exactly(collectd, {**expected, "short": 1})
        self.assert_quiet_end(collectd)

    def test_bound_of_instances_is_said_once(self):
        collectd = self.start_collectd(
            '<Process "${name}">', "MaxInstances 3",
            f'CommandLine "actor.py {self.directory}/(?P<name>\\\\w+)"', "</Process>")
        for number in range(5):
            self.actor(self.directory / f"number{number}")
        def instances():
            return set(collectd.counts()) - {"self"}
        waiting.wait_for(lambda: len(instances()) == 3, "three", collectd.log)
        waiting.wait_for(lambda: collectd.lines("warning"), "a warning",
                         collectd.log)
        first = instances()
        self.actor(self.directory / "more")
        # A process whose name has a place counts there.
        self.actor(self.directory / min(first))
        collectd.wait_for_counts(**{min(first): 2})
        collectd.wait_for_passes()
        self.assertEqual(instances(), first)
        self.assertEqual(len(collectd.lines("warning")), 1)
        self.assertRegex(
            collectd.lines("warning")[0],
            r'^block "\${name}": MaxInstances 3 reached: processes with other '
            r"names are left out, [12] now")
        self.assertEqual(collectd.lines("error"), [])
        collectd.stop()

    def test_instance_gives_way_when_its_processes_are_gone(self):
        collectd = self.start_collectd(
            '<Process "${name}">', "MaxInstances 1",
            f'CommandLine "actor.py {self.directory}/(?P<name>\\\\w+)"', "</Process>")
        first = self.actor(self.directory / "first")
        collectd.wait_for_counts(first=1)
        self.actor(self.directory / "second")
        waiting.wait_for(lambda: collectd.lines("warning"), "a warning",
                         collectd.log)
        programs.end(first.process)
        collectd.wait_for_counts(first=0, second=1)
        collectd.stop()

    def test_processes_that_swap_names_swap_instances(self):
        collectd = self.start_collectd(
            f'<Process "{UNIQUE} ${{comm}}">',
            f'CommandLine "{self.directory}/mark"', "</Process>")
        busy = self.actor(self.directory / "mark")
        idle = self.actor(self.directory / "mark")
        idle.do("allocate(mebibytes=32)")
        a, b = f"{UNIQUE} a", f"{UNIQUE} b"
        most = 0

        def settled(holds):
            nonlocal most
            samples = collectd.samples()
            for block in (a, b):
                cpu = samples.get(block, {}).get("process_cpu_percent")
                if cpu:
                    self.assertGreaterEqual(cpu[0], 0)
                    most = max(most, cpu[0])
            return all(set(samples.get(block, {})) == set(daemon.TYPES)
                       for block in (a, b)) and holds(
                *({name: value for name, (value, _) in samples[block].items()}
                  for block in (a, b)))

        names = [b"a", b"b"]
        busy.do("burn()")
        for _ in range(4):
            for actor, name in zip((busy, idle), names):
                actor.do(f"rename({name!r})")
            def holds(of_a, of_b):
                if names[0] == b"b":
                    of_a, of_b = of_b, of_a
                return (of_a["process_cpu_percent"] > of_b["process_cpu_percent"]
                        and of_a["process_memory_bytes"] + (24 << 20)
                        < of_b["process_memory_bytes"])
            waiting.wait_for(lambda: settled(holds), f"names {names}",
                             collectd.log)
            names.reverse()
        # One thread can use one CPU; ticks are as coarse as a hundredth of a
        # second, an interval has 0.2.
        self.assertLess(most, 150)
        self.assertGreater(most, 1)
        self.assert_quiet_end(collectd)


if __name__ == "__main__":
    unittest.main()
