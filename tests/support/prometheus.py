"""Runs a real Prometheus for the tests."""

import json
import re
import shutil
import urllib.parse

from tests.support import project, server, waiting


def documented_scrape_config():
    """The scrape_configs of docs/prometheus.md."""
    page = (project.SOURCE_DIR / "docs/prometheus.md").read_text()
    return re.search(r"```yaml\n(scrape_configs:.*?)```", page, re.DOTALL)[1]


def shipped_config(test, targets, alertmanager="localhost:9093"):
    """The configuration that deploy/prometheus ships, with these groups of
    targets. Its rules are a copy below the directory of the test; everything
    goes round twice a second."""
    shipped = test.directory / "shipped"
    shutil.copytree(project.SOURCE_DIR / "deploy/prometheus", shipped)
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


class Prometheus(server.Server):
    """A Prometheus with this configuration. `arguments` are further options of
    prometheus(1)."""

    def __init__(self, test, config, *arguments):
        super().__init__(test, "prometheus")
        path = self.directory / "prometheus.yml"
        path.write_text(config)
        self._start(lambda: (
            "/usr/bin/prometheus", f"--config.file={path}",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", *arguments))

    def get(self, path, **parameters):
        """What its HTTP API answers; None while it does not."""
        answer = self.fetch(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        return json.loads(answer)["data"] if answer else None

    def query(self, expression):
        """The series of an instant query now."""
        data = self.get("query", query=expression)
        return data["result"] if data else []

    def wait_for(self, expression):
        """Those series once there are some."""
        return waiting.wait_for(lambda: self.query(expression), expression,
                                self.log)
