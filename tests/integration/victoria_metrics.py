"""Runs a real VictoriaMetrics for the tests."""

import json
import urllib.error
import urllib.parse
import urllib.request

import daemon


class VictoriaMetrics:
    """A single server in a directory of its own below that of the test; it ends
    with the test. `arguments` are further options of it."""

    def __init__(self, test, *arguments):
        self.directory = test.directory / "victoria-metrics"
        self.directory.mkdir()
        self._log = self.directory / "log"
        for _ in range(5):
            self.port = daemon.free_port()
            # A sample is seen at once, not after the usual 30 s.
            with open(self._log, "wb") as log:
                self.process = test.run_program(
                    "/usr/bin/victoria-metrics",
                    f"-storageDataPath={self.directory}/data",
                    f"-httpListenAddr=127.0.0.1:{self.port}",
                    "-search.latencyOffset=0s", *arguments,
                    stdout=log, stderr=log)
            # It ends at once if another process took the port in between.
            daemon.wait_for(lambda: self.process.poll() is not None
                            or self.query("1"), "VictoriaMetrics", self.log)
            if self.process.poll() is None:
                return
        raise AssertionError(self.log())

    def log(self):
        return self._log.read_text()

    def get(self, path):
        """Its answer; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                        timeout=daemon.PATIENCE) as reply:
                return reply.read().decode()
        except urllib.error.URLError:
            return None

    def query(self, expression):
        """The series of an instant query now, by the API of Prometheus."""
        answer = self.get("/api/v1/query?nocache=1&"
                          + urllib.parse.urlencode({"query": expression}))
        return json.loads(answer)["data"]["result"] if answer else []
