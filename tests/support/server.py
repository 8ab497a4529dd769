"""Programs that serve HTTP."""

import urllib.error
import urllib.request

from tests.support import loopback, waiting


class Server:
    """A program that listens at a free port of loopback and ends with the test. It has
    a directory of its own below that of the test."""

    def __init__(self, test, name):
        self.directory = test.directory / name
        self.directory.mkdir()
        self._test, self._name = test, name
        self._log = self.directory / "log"

    def _start(self, command):
        """Runs the words that `command()` returns for self.port, until the program
        answers a query."""
        for _ in range(5):
            self.port = loopback.free_port()
            with open(self._log, "wb") as log:
                self.process = self._test.run_program(*command(), stdout=log,
                                                      stderr=log)
            # It ends at once if another program took the port in between.
            waiting.wait_for(lambda: self.process.poll() is not None
                             or self.query("vector(1)"), self._name, self.log)
            if self.process.poll() is None:
                return
        raise AssertionError(self.log())

    def log(self):
        return self._log.read_text()

    def fetch(self, path):
        """What it answers; None while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                        timeout=waiting.PATIENCE) as reply:
                return reply.read().decode()
        except urllib.error.URLError:
            return None
