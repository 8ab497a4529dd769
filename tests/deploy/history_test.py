"""The histories that we ship, written by the real collectd: nothing of the files is
replaced but the directory."""

import subprocess
import unittest

from tests.support import daemon, project, testcase, waiting


class HistoryTest(testcase.TestCase):

    def start(self, file, directory, plugin, interval):
        """A collectd with a history file that we ship, and the path of its block.
        """
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval {interval}
              <Process "self">
                Self true
              </Process>
            </Plugin>
            """ + project.shipped(file, {directory: self.directory / "history"}),
            plugins=[plugin]).start()
        return (collectd, self.directory / "history" / "testhost" /
                "resource_attribution-self")

    def test_csv_has_a_line_for_each_reading_of_the_five_values(self):
        collectd, block = self.start("deploy/collectd/history.conf",
                                     "/var/lib/collectd/csv", "csv", 0.2)
        for name in daemon.TYPES:
            with self.subTest(name=name):
                def lines():
                    files = list(block.glob(f"{name}-????-??-??"))
                    lines = [line for file in files
                             for line in file.read_text().splitlines()]
                    return lines if len(lines) >= 3 else None
                first, *readings = waiting.wait_for(lines, name, collectd.log)
                self.assertEqual(first, "epoch,value")
                times, values = zip(*(map(float, reading.split(","))
                                      for reading in readings))
                self.assertEqual(sorted(set(times)), list(times))
                if name == "process_memory_bytes":
                    served, _ = collectd.samples()["self"][name]
                    self.assertAlmostEqual(values[-1] / served, 1, delta=0.5)
        self.assert_quiet_end(collectd)

    def test_rrdtool_has_the_five_values(self):
        collectd, block = self.start("deploy/collectd/history-rrdtool.conf",
                                     "/var/lib/collectd/rrd", "rrdtool", 1)
        served = collectd.wait_for_values("self")["self"]
        collectd.wait_for_passes()
        self.assert_quiet_end(collectd)
        for name in daemon.TYPES:
            with self.subTest(name=name):
                answer = subprocess.run(
                    ["rrdtool", "lastupdate", block / f"{name}.rrd"],
                    capture_output=True, text=True, check=True).stdout
                last = float(answer.split(": ")[-1])
                if name == "process_memory_bytes":
                    self.assertAlmostEqual(last / served[name], 1, delta=0.5)


if __name__ == "__main__":
    unittest.main()
