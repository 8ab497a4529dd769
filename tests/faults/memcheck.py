"""The sampler process of the real daemon under valgrind's memcheck, see
scripts/memcheck. valgrind 3.19 knows no descriptors of processes, so that the daemon
itself cannot run in it; AddressSanitizer sees both."""

import collections
import os
import pathlib
import shlex
import sys
import time
import unittest
import xml.etree.ElementTree

from tests.support import loopback, programs, testcase

SUPPRESSIONS = pathlib.Path(__file__).parent / "valgrind.supp"
SECONDS_EACH = float(os.environ.get("SECONDS_EACH", "30"))
# Searching, with files kept open; and what goes another way.
VARIANTS = {
    "events": 'Discovery "Auto"',
    "scan": 'Discovery "Scan"\nMaxOpenFiles 0\nCPUPercentOf "Host"',
}


def blocks(directory, port):
    """Every selector and option of a block."""
    return f"""
        <Process "self">
          Self true
        </Process>
        <Process "pid-file">
          PIDFile "{directory}/pid"
          PeakMemory "VmHWM"
          TracingMemoryPercent 2
          TracingCPUPercent 0.25
        </Process>
        <Process "name">
          Name "python3"
          Name "a-name-of-more-than-fifteen-bytes"
          PerProcess true
          MaxProcesses 2
        </Process>
        <Process "executable">
          Executable "{os.path.realpath(sys.executable)}"
          MemoryType "Pss"
        </Process>
        <Process "jar ${{jar}}">
          CommandLine "(?P<jar>[^/ ]+)\\\\.jar"
          MaxInstances 2
        </Process>
        <Process "user ${{user}} ${{comm}}">
          User "root"
          User "no-such-user"
        </Process>
        <Process "family">
          CommandLine "actor\\\\.py"
          IncludeChildren true
        </Process>
        <Process "cgroup ${{cgroup}}">
          Cgroup "*"
        </Process>
        <Process "unit ${{unit}}">
          SystemdUnit "*"
        </Process>
        <Process "measured">
          CommandLine "actor\\.py"
          TracingDetect true
          TracingOverhead "Threads"
          TracingThread "^python3"
          TracingExportPort 4317 {port}
          <Component "all">
            Thread "."
          </Component>
        </Process>
        <Process "compared">
          CommandLine "actor\\.py"
          TracingOverhead "Compared"
          CompareWindow 1
          <Untraced>
            CommandLine "/b\\.jar$"
          </Untraced>
        </Process>
        <Process "collector">
          Self true
          TracingProcess true
        </Process>"""


def errors(path):
    """The errors of a report: (kind, functions of the stacks, whether ours)."""
    for error in xml.etree.ElementTree.parse(path).iter("error"):
        frames = [(frame.findtext("obj", ""), frame.findtext("fn", "?"))
                  for frame in error.iter("frame")]
        is_ours = any(pathlib.Path(file).name in (
            "resource_attribution.so", "resource_attribution_sampler")
            for file, _ in frames)
        yield error.findtext("kind"), [name for _, name in frames], is_ours


class Memcheck(testcase.TestCase):

    def come_and_go(self, collectd, port):
        """Processes that match start and end. Returns how many there were."""
        count = 0
        end = time.monotonic() + SECONDS_EACH
        while time.monotonic() < end:
            actors = [self.actor(f"/srv/{name}.jar") for name in "abc"]
            actors[0].do(f"connect({port})")
            actors[0].do("send(1000, 500)")
            count += len(actors)
            (self.directory / "pid").write_text(f"{actors[0].pid}\n")
            self.assertIsNone(collectd.process.poll(), collectd.log())
            time.sleep(1)
            (self.directory / "pid").write_text("none\n")
            for actor in actors:
                programs.end(actor.process)
            time.sleep(1)
        return count

    def wrap(self, collectd, *command):
        """Has the daemon start its child by this command."""
        program = collectd.directory / "plugins" / "resource_attribution_sampler"
        real = program.rename(program.with_suffix(".real"))
        program.write_text(
            f"#!/bin/sh\nexec {shlex.join(map(str, command))} {real}\n")
        program.chmod(0o755)

    def test_memcheck_finds_nothing_in_the_module(self):
        sink = loopback.HalfEcho(self)
        for name, options in VARIANTS.items():
            with self.subTest(name):
                reports = self.directory / name
                reports.mkdir()
                collectd = self.collectd(f"""
                    LoadPlugin resource_attribution
                    <Plugin resource_attribution>
                      Interval 2
                      {options}
                      {blocks(self.directory, sink.port)}
                    </Plugin>""")
                self.wrap(collectd, "valgrind", "--tool=memcheck",
                          "--leak-check=full", "--show-leak-kinds=definite",
                          "--num-callers=40", f"--suppressions={SUPPRESSIONS}",
                          "--xml=yes", f"--xml-file={reports}/%p.xml")
                collectd.start()
                collectd.wait_for_values("self")
                count = self.come_and_go(collectd, sink.port)
                blocks_seen = len(collectd.wait_for_values("self"))
                collectd.stop()
                found = [error for report in reports.iterdir()
                         for error in errors(report)]
                kinds = collections.Counter(kind for kind, _, _ in found)
                for report in reports.iterdir():
                    self.assertIn("</valgrindoutput>", report.read_text(),
                                  "the daemon did not wait for the report of the "
                                  "leaks: try again on a quiet machine")
                self.assertEqual(len(list(reports.iterdir())), 1)
                print(f"{name}: {count} processes came and went, "
                      f"{blocks_seen} blocks had values; errors: "
                      f"{sum(ours for *_, ours in found)} in the module, "
                      f"{dict(kinds)} in all")
                self.assertEqual([error for error in found if error[2]], [])


if __name__ == "__main__":
    unittest.main()
