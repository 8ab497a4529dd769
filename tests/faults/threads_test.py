"""The daemon calls the module from several threads: configuration and shutdown
from one, passes from any of its readers. ThreadSanitizer sees whether they get
into each other's way."""

import signal
import unittest

from tests.support import testcase


class ThreadsTest(testcase.TestCase):

    def test_passes_and_shutdown_do_not_race(self):
        # Passes take longer than the interval, so that the daemon is stopped
        # while there is one.
        collectd = self.collectd("""
            ReadThreads 5
            WriteThreads 5
            LoadPlugin load
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.1
              Discovery "Scan"
              MaxOpenFiles 0
              <Process "${comm}">
                CommandLine "."
                MemoryType "Pss"
                TracingDetect true
              </Process>
              <Process "threads">
                CommandLine "."
                TracingOverhead "Threads"
                TracingExportPort 4317
                <Component "all">
                  Thread "."
                </Component>
              </Process>
              <Process "self">
                Self true
              </Process>
            </Plugin>""", plugins=["load"], interval=0.1,
            wrapper=["setarch", "--addr-no-randomize"])
        for _ in range(3):
            collectd.start()
            collectd.wait_for_passes()
            # It flushes.
            collectd.process.send_signal(signal.SIGUSR1)
            collectd.wait_for_passes()
            collectd.stop()
            (collectd.directory / "log").unlink()


if __name__ == "__main__":
    unittest.main()
