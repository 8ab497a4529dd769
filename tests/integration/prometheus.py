"""Runs a real Prometheus for the tests."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request

import daemon


def shipped_config(test, targets, alertmanager="localhost:9093"):
    """The configuration that deploy/prometheus ships, with these groups of
    targets. Its rules are a copy below the directory of the test; everything
    goes round twice a second."""
    shipped = test.directory / "shipped"
    shutil.copytree(daemon.SOURCE_DIR / "deploy/prometheus", shipped)
    (shipped / "targets/collectd.yml").write_text(json.dumps(targets))
    config = (shipped / "prometheus.yml").read_text()
    for text, here in (
            ("scrape_interval: 30s", "scrape_interval: 500ms"),
            ("evaluation_interval: 1m", "evaluation_interval: 500ms"),
            ("- rules/", f"- {shipped}/rules/"),
            ("targets/collectd*", f"{shipped}/targets/collectd*"),
            ("localhost:9093", alertmanager)):
        assert config.count(text) == 1, text
        config = config.replace(text, here)
    return config


class Prometheus:
    """A server with this configuration, in a directory of its own below that
    of the test; it ends with the test. `arguments` are further options of
    prometheus(1)."""

    def __init__(self, test, config, *arguments):
        self.directory = test.directory / "prometheus"
        self.directory.mkdir()
        self._log = self.directory / "log"
        path = self.directory / "prometheus.yml"
        path.write_text(config)
        for _ in range(5):
            self.port = daemon.free_port()
            with open(self._log, "wb") as stderr:
                server = test.run_program(
                    "/usr/bin/prometheus", f"--config.file={path}",
                    f"--storage.tsdb.path={self.directory}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}", *arguments,
                    stderr=stderr)
            # It ends at once if another process took the port in between.
            daemon.wait_for(lambda: server.poll() is not None
                            or self.query("vector(1)"), "Prometheus", self.log)
            if server.poll() is None:
                return
        raise AssertionError(self.log())

    def log(self):
        return self._log.read_text()

    def get(self, path, **parameters):
        """The answer of its HTTP API; None while it does not answer."""
        url = (f"http://127.0.0.1:{self.port}/api/v1/{path}?"
               + urllib.parse.urlencode(parameters))
        try:
            with urllib.request.urlopen(url, timeout=daemon.PATIENCE) as reply:
                return json.load(reply)["data"]
        except urllib.error.URLError:
            return None

    def query(self, expression):
        """The series of an instant query now."""
        data = self.get("query", query=expression)
        return data["result"] if data else []

    def wait_for(self, expression):
        """Those series once there are some."""
        return daemon.wait_for(lambda: self.query(expression), expression,
                               self.log)
