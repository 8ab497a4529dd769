"""A real Prometheus with the configuration that deploy/prometheus ships scrapes
the real collectd; only targets, intervals and paths differ."""

import re
import unittest

from prometheus_client.parser import text_string_to_metric_families

from tests.support import daemon, project, prometheus, testcase, waiting

TRAFFIC = [f"tracing_network_bytes_{way}_total" for way in ("sent", "received")]
OURS = [*daemon.TYPES, "process_component_cpu_percent", *TRAFFIC]
COMPONENTS = [f'process_component_cpu_percent{{component="{name}"}}'
              for name in ("retriever", "2")]


class PrometheusScrapeTest(testcase.TestCase):

    def host(self, name):
        """A collectd with three blocks: itself, a pair with PerProcess, and a service
        with more measurements."""
        return self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "collectd">
                Self true
              </Process>
              <Process "pair">
                PIDFile "{self.directory}/yes.pid"
                PIDFile "{self.directory}/sleep.pid"
                PerProcess true
              </Process>
              <Process "service">
                PIDFile "{self.directory}/service.pid"
                TracingExportPort 4317
                <Component "retriever">
                  Thread "^retr-"
                </Component>
                <Component "2">
                  Thread "^work-"
                </Component>
              </Process>
            </Plugin>
            LoadPlugin load
            LoadPlugin cpu
            LoadPlugin memory
            """, hostname=name, plugins=("load", "cpu", "memory")).start()

    def start(self, **hosts):
        """Hosts that are traced or not, "on" or "off", and Prometheus. One of
        the pair is busy; the service has threads with names."""
        self.pids = [self.run_program(name, "1000").pid
                     for name in ("yes", "sleep")]
        for pid, name in zip(self.pids, ("yes", "sleep")):
            (self.directory / f"{name}.pid").write_text(str(pid))
        service = self.actor()
        for name in ("retr-1", "work-1"):
            service.do(f"rename_thread({name.encode()})")
        (self.directory / "service.pid").write_text(str(service.pid))
        self.hosts = {name: self.host(name) for name in hosts}
        self.prometheus = prometheus.Prometheus(
            self, prometheus.shipped_config(self, [
                {"targets": [self.target(name)], "labels": {"tracing": tracing}}
                for name, tracing in hosts.items()]))

    def target(self, host):
        return f"127.0.0.1:{self.hosts[host].port}"

    def served(self, host):
        """The values that the collectd serves, under the bare names."""
        for family in text_string_to_metric_families(
                self.hosts[host].metrics_text()):
            for sample in family.samples:
                labels = {"__name__": sample.name, **sample.labels}
                if sample.name.startswith(daemon.PREFIX):
                    labels["__name__"] = sample.name[len(daemon.PREFIX):]
                    labels["process"] = labels.pop("resource_attribution")
                    if labels["__name__"] == "process_component_cpu_percent":
                        labels["component"] = labels.pop("type")
                yield labels

    def test_ours_have_the_bare_names_and_others_stay_as_they_are(self):
        self.start(host1="on")
        for name in ("collectd_load_shortterm", "collectd_memory",
                     "collectd_cpu_total", *COMPONENTS, *TRAFFIC, *(
                         f'{name}{{process="pair", type="{pid}"}}'
                         for name in daemon.TYPES for pid in self.pids)):
            self.prometheus.wait_for(name)
        served = list(self.served("host1"))
        # Without any instance, with a type instance, with both.
        for labels in ({"__name__": "process_memory_bytes",
                        "process": "collectd"},
                       {"__name__": "collectd_load_shortterm"},
                       {"__name__": "collectd_memory", "memory": "free"},
                       {"__name__": "collectd_cpu_total", "cpu": "0",
                        "type": "idle"},
                       {"__name__": "process_component_cpu_percent",
                        "process": "service", "component": "retriever"},
                       {"__name__": "tracing_network_bytes_sent_total",
                        "process": "service"}):
            self.assertIn({**labels, "instance": "host1"}, served)
        collected = f'{{__name__=~"collectd_.+|{"|".join(OURS)}"}}'
        waiting.wait_for(
            lambda: len(self.prometheus.query(collected)) >= len(served),
            f"{len(served)} series", self.prometheus.log)
        scraped = [one["metric"] for one in self.prometheus.query(collected)]
        wanted = [{**labels, "job": "collectd", "tracing": "on",
                   "target": self.target("host1")} for labels in served]
        key = lambda labels: sorted(labels.items())
        self.assertEqual(sorted(scraped, key=key), sorted(wanted, key=key))

    def test_every_rule_is_evaluated_and_records(self):
        self.start(host1="on", host2="off")
        def groups():
            return self.prometheus.get("rules")["groups"]
        recorded = {rule["name"] for group in groups()
                    for rule in group["rules"] if rule["type"] == "recording"}
        self.assertIn("instance_process:process_memory_bytes:sum", recorded)
        for name in recorded:
            self.prometheus.wait_for(f'{{__name__="{name}"}}')
        for group in groups():
            for rule in group["rules"]:
                self.assertEqual((rule["health"], rule.get("lastError")),
                                 ("ok", None), rule["name"])
        page = (project.SOURCE_DIR / "docs/prometheus.md").read_text()
        queries = [one for one in re.findall(r"(?:^    .+\n)+", page, re.MULTILINE)
                   if "instance_process:" in one]
        self.assertEqual(len(queries), 3)
        for query in queries:
            self.assertTrue(self.prometheus.query(query), query)
        share = "{}:tracing_memory_overhead_per_process_memory:ratio"
        for level in ("instance_process", "instance", "job"):
            for one in self.prometheus.query(share.format(level)):
                self.assertAlmostEqual(float(one["value"][1]), 0.015)


if __name__ == "__main__":
    unittest.main()
