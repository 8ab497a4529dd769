"""The configuration that deploy/alertmanager ships is valid and routes as it
says; alerts of a real Prometheus arrive through a real Alertmanager."""

import json
import queue
import re
import subprocess
import unittest
import urllib.request

from tests.support import loopback, programs, project, prometheus, testcase, waiting

SHIPPED = project.SOURCE_DIR / "deploy/alertmanager/alertmanager.yml"


def amtool(*arguments):
    return subprocess.run(["amtool", *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


class Webhook(loopback.HttpServer):
    """What the receivers post to: (receiver, alert) in the order of arrival."""

    def __init__(self, test):
        self.alerts = queue.Queue()
        super().__init__(test, self.Handler)

    class Handler(loopback.HttpHandler):

        def do_POST(self):
            message = json.loads(self.body())
            for alert in message["alerts"]:
                self.server.alerts.put((self.path.strip("/"), alert))
            self.send_response(200)
            self.end_headers()

    def wait_for(self, receiver, status, **labels):
        """The alert with these labels; drops the alerts before it."""
        while True:
            try:
                arrived, alert = self.alerts.get(timeout=waiting.PATIENCE)
            except queue.Empty:
                raise AssertionError("waited in vain for "
                                     f"{receiver} {status} {labels}") from None
            if (arrived, alert["status"]) == (receiver, status) and (
                    labels.items() <= alert["labels"].items()):
                return alert


class AlertmanagerTest(testcase.TestCase):

    def start_alertmanager(self):
        """With the shipped configuration, which waits for nothing and posts to
        the test."""
        self.webhook = Webhook(self)
        config = SHIPPED.read_text()
        for shipped, here in (
                ("127.0.0.1:9095", f"127.0.0.1:{self.webhook.server_port}"),
                ("group_wait: 30s", "group_wait: 0s"),
                ("group_interval: 5m", "group_interval: 500ms")):
            self.assertIn(shipped, config)
            config = config.replace(shipped, here)
        path = self.directory / "alertmanager.yml"
        path.write_text(config)
        log = self.directory / "alertmanager.log"
        with open(log, "wb") as stderr:
            self.run_program(
                "prometheus-alertmanager", f"--config.file={path}",
                f"--storage.path={self.directory}/alertmanager",
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=", stderr=stderr)
        self.address = waiting.wait_for(
            lambda: re.search(r'"Listening on" address=(\S+)\n',
                              log.read_text()),
            "Alertmanager", log.read_text)[1]

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.address}/api/v2/{path}",
                                    timeout=waiting.PATIENCE) as reply:
            return json.load(reply)

    def add(self, alertname, **labels):
        amtool("--alertmanager.url", f"http://{self.address}", "alert", "add",
               alertname,
               *(f"{name}={value}" for name, value in labels.items()))

    def test_configuration_is_valid_with_its_commented_route(self):
        amtool("check-config", SHIPPED)
        path = self.directory / "alertmanager.yml"
        path.write_text(re.sub(r"^( *)#((?:- |  )\w+: )", r"\1\2",
                               SHIPPED.read_text(), flags=re.MULTILINE))
        for receiver, process in (("nobody", "backup"), ("nobody", "report-1"),
                                  ("pager", "backups")):
            self.assertEqual(amtool(
                "config", "routes", "test", f"--config.file={path}",
                "alertname=ProcessGone", "severity=critical",
                f"process={process}").strip(), receiver)

    def test_severity_routes(self):
        for severity, receiver in (("critical", "pager"),
                                   ("warning", "tickets")):
            self.assertEqual(amtool(
                "config", "routes", "test", f"--config.file={SHIPPED}",
                f"severity={severity}").strip(), receiver)

    def test_hosts_that_are_cut_off_at_once_are_one_group(self):
        self.start_alertmanager()
        for host in ("host1", "host2"):
            for name in ("CollectdDown", "ResourceAttributionSilent"):
                self.add(name, severity="critical", instance=host, job="collectd")
            self.add("ProcessGone", severity="critical", instance=host,
                     job="other", process="checkout")
        groups = waiting.wait_for(
            lambda: (found := self.get("alerts/groups")) and
            sum(len(group["alerts"]) for group in found) == 6 and found, "groups")
        self.assertEqual(
            sorted((group["receiver"]["name"], len(group["alerts"]),
                    *sorted(group["labels"].values())) for group in groups),
            [("pager", 1, "checkout", "host1"), ("pager", 1, "checkout", "host2"),
             ("pager", 2, "CollectdDown", "collectd"),
             ("pager", 2, "ResourceAttributionSilent", "collectd")])

    def test_silent_host_speaks_for_its_processes(self):
        self.start_alertmanager()
        self.add("ResourceAttributionSilent", severity="critical",
                 instance="host1", job="collectd")
        self.webhook.wait_for("pager", "firing", instance="host1")
        for host in ("host1", "host2"):
            self.add("ProcessGone", severity="critical", instance=host,
                     job="collectd", process="checkout")
        self.webhook.wait_for("pager", "firing", alertname="ProcessGone",
                              instance="host2")
        inhibited = [alert["labels"] for alert in self.get("alerts")
                     if alert["status"]["inhibitedBy"]]
        self.assertEqual([labels["alertname"] + labels["instance"]
                          for labels in inhibited], ["ProcessGonehost1"])

    def test_alert_of_prometheus_arrives_and_resolves(self):
        self.start_alertmanager()
        checkout = self.run_program("sleep", "1000")
        (self.directory / "checkout.pid").write_text(str(checkout.pid))
        collectd = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "collectd">
                Self true
              </Process>
              <Process "checkout">
                PIDFile "{self.directory}/checkout.pid"
              </Process>
            </Plugin>""", hostname="host1").start()
        config = prometheus.shipped_config(
            self, [{"targets": [f"127.0.0.1:{collectd.port}"],
                    "labels": {"tracing": "on"}}], self.address)
        self.hasten_rules()
        server = prometheus.Prometheus(self, config)
        server.wait_for('instance_process:process_memory_bytes:sum'
                        '{process="checkout"}')
        programs.end(checkout)
        alert = self.webhook.wait_for("pager", "firing",
                                      alertname="ProcessGone")
        self.assertEqual(alert["annotations"]["summary"],
                         "checkout on host1 is gone")
        again = self.run_program("sleep", "1000")
        (self.directory / "checkout.pid").write_text(str(again.pid))
        self.webhook.wait_for("pager", "resolved", alertname="ProcessGone",
                              process="checkout")

    def hasten_rules(self):
        """Seconds instead of minutes until an alert fires."""
        for name, shipped, here in (("alerts", "for: 5m", "for: 1s"),
                                    ("thresholds", "expr: 180", "expr: 3")):
            path = (self.directory /
                    f"shipped/rules/resource_attribution_{name}.yml")
            text = path.read_text()
            self.assertIn(shipped, text)
            path.write_text(text.replace(shipped, here))


if __name__ == "__main__":
    unittest.main()
