"""A real collectd, a real Prometheus with the configuration and the remote write that
we ship, and a real VictoriaMetrics: the values arrive under their bare names."""

import re
import unittest

from tests.support import (
    daemon, project, prometheus, testcase, victoria_metrics, waiting)

DIRECTORY = "deploy/prometheus"


class RemoteWriteTest(testcase.TestCase):

    def test_relabelling_keeps_every_type(self):
        relabelling, = re.findall(r"(?m)^ *regex: (job.*)$", project.shipped(
            f"{DIRECTORY}/remote-write.yml", {}))
        types = (project.SOURCE_DIR / "plugin/types.db").read_text().splitlines()
        self.assertTrue(types)
        for name, source, *more in map(str.split, types):
            # write_prometheus makes a counter of each source of a type with several.
            kept = name if not more else f"{name}_{source.split(':')[0]}_total"
            self.assertRegex(kept, f"^(?:{relabelling})$")

    def test_store_has_every_value_and_nothing_recorded_of_a_block(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "self">
                Self true
                TracingExportPort 4317
                <Component "reader">
                  Thread "^reader"
                </Component>
              </Process>
            </Plugin>
            LoadPlugin load
            """, plugins=["load"], hostname="host1").start()
        store = victoria_metrics.VictoriaMetrics(self)
        targets = self.directory / "collectd.yml"
        targets.write_text(project.shipped(
            f"{DIRECTORY}/targets/collectd.yml",
            {'["localhost:9103"]': f'["127.0.0.1:{collectd.port}"]'}))
        server = prometheus.Prometheus(self, project.shipped(
            f"{DIRECTORY}/prometheus.yml", {
                "scrape_interval: 30s": "scrape_interval: 500ms",
                "evaluation_interval: 1m": "evaluation_interval: 500ms",
                "rules/resource_attribution_":
                    project.SOURCE_DIR / DIRECTORY
                    / "rules/resource_attribution_",
                "targets/collectd*.yml": targets,
                '["localhost:9093"]': "[]",
            }) + project.shipped(f"{DIRECTORY}/remote-write.yml",
                                 {"127.0.0.1:8428": f"127.0.0.1:{store.port}"})
            # Instead of 5 seconds.
            + "    queue_config:\n      batch_send_deadline: 200ms\n")
        for name in (*daemon.TYPES, "tracing_network_bytes_sent_total",
                     "tracing_network_bytes_received_total"):
            [series] = waiting.wait_for(lambda: store.query(name), name,
                                        server.log)
            self.assertEqual(series["metric"], {
                "__name__": name, "process": "self", "instance": "host1",
                "job": "collectd", "target": f"127.0.0.1:{collectd.port}",
                "tracing": "on"})
        component = 'process_component_cpu_percent{component="reader"}'
        waiting.wait_for(lambda: store.query(component), component, server.log)
        # Recorded after the others, and therefore sent after them.
        share = "job:tracing_memory_overhead_per_process_memory:ratio"
        [series] = waiting.wait_for(lambda: store.query(share), share, server.log)
        self.assertAlmostEqual(float(series["value"][1]), 0.015)
        self.assertTrue(store.query("up"))
        server.wait_for("collectd_load_shortterm")
        self.assertEqual(store.query('{__name__=~"collectd_.*|instance.*"}'), [])
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
