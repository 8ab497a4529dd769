"""A real Prometheus scrapes the real collectd with the configuration of
docs/prometheus.md."""

import unittest

from tests.support import daemon, prometheus, testcase


class PrometheusTest(testcase.TestCase):

    def test_scrape_restores_the_bare_names(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "check \\"out\\"">
                Self true
              </Process>
            </Plugin>
            LoadPlugin load
            """, plugins=["load"]).start()
        collectd.wait_for_values('check "out"')
        config = prometheus.documented_scrape_config()
        self.assertIn("localhost:9103", config)
        server = prometheus.Prometheus(
            self, "global:\n  scrape_interval: 500ms\n" + config.replace(
                "localhost:9103", f"127.0.0.1:{collectd.port}"))
        for name in daemon.TYPES:
            with self.subTest(name=name):
                series = server.wait_for(name)
                self.assertEqual(len(series), 1)
                self.assertEqual(series[0]["metric"]["process"], 'check "out"')
                self.assertNotIn("resource_attribution", series[0]["metric"])
        share = server.query("tracing_memory_overhead_bytes / process_memory_bytes")
        self.assertAlmostEqual(float(share[0]["value"][1]), 0.015)
        # Everything else keeps its name and its labels.
        load = server.wait_for("collectd_load_shortterm")
        self.assertEqual(len(load), 1)
        self.assertNotIn("process", load[0]["metric"])
        self.assertEqual(server.query('{__name__=~"collectd_resource_.*"}'), [])
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
