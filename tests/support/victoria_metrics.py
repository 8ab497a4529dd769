"""Runs a real VictoriaMetrics for the tests."""

import json
import urllib.parse

from tests.support import server


class VictoriaMetrics(server.Server):
    """A single server. `arguments` are further options of it."""

    def __init__(self, test, *arguments):
        super().__init__(test, "victoria-metrics")
        # A sample is seen at once, not after the usual 30 s.
        self._start(lambda: (
            "/usr/bin/victoria-metrics",
            f"-storageDataPath={self.directory}/data",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-search.latencyOffset=0s", *arguments))

    def query(self, expression):
        """The series of an instant query now, by the API of Prometheus."""
        answer = self.fetch("/api/v1/query?nocache=1&"
                            + urllib.parse.urlencode({"query": expression}))
        return json.loads(answer)["data"]["result"] if answer else []
