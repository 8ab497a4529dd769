"""A real Prometheus scrapes the real collectd; the configuration is the one that
the README shows."""

import json
import re
import unittest
import urllib.error
import urllib.parse
import urllib.request

import daemon


def readme_scrape_config():
    readme = (daemon.SOURCE_DIR / "README.md").read_text()
    return re.search(r"```yaml\n(scrape_configs:.*?)```", readme, re.DOTALL)[1]


class PrometheusTest(daemon.TestCase):

    def start_prometheus(self, target):
        config = self.directory / "prometheus.yml"
        text = readme_scrape_config()
        self.assertIn("localhost:9103", text)
        config.write_text("global:\n  scrape_interval: 500ms\n"
                          + text.replace("localhost:9103", target))
        log = self.directory / "prometheus.log"
        for _ in range(5):
            self.port = daemon.free_port()
            with open(log, "wb") as stderr:
                prometheus = self.run_program(
                    "/usr/bin/prometheus", f"--config.file={config}",
                    f"--storage.tsdb.path={self.directory}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}", stderr=stderr)
            # It ends at once where somebody else took the port in between.
            daemon.wait_for(lambda: prometheus.poll() is not None
                            or self.query("vector(1)"), "Prometheus",
                            log.read_text)
            if prometheus.poll() is None:
                return
        self.fail(log.read_text())

    def query(self, expression):
        url = (f"http://127.0.0.1:{self.port}/api/v1/query?"
               + urllib.parse.urlencode({"query": expression}))
        try:
            with urllib.request.urlopen(url, timeout=daemon.PATIENCE) as reply:
                return json.load(reply)["data"]["result"]
        except urllib.error.URLError:
            return []

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
            """)
        daemon.shutil.copy(daemon.plugin_directory() / "load.so",
                           collectd.directory / "plugins")
        collectd.start()
        collectd.wait_for_values('check "out"')
        self.start_prometheus(f"127.0.0.1:{collectd.port}")
        for name in daemon.TYPES:
            with self.subTest(name=name):
                series = daemon.wait_for(lambda: self.query(name), name,
                                         (self.directory
                                          / "prometheus.log").read_text)
                self.assertEqual(len(series), 1)
                self.assertEqual(series[0]["metric"]["process"], 'check "out"')
                self.assertNotIn("resource_attribution", series[0]["metric"])
        share = self.query("tracing_memory_overhead_bytes / process_memory_bytes")
        self.assertAlmostEqual(float(share[0]["value"][1]), 0.015)
        # Everything else keeps its name and its labels.
        load = daemon.wait_for(lambda: self.query("collectd_load_shortterm"),
                               "the load")
        self.assertEqual(len(load), 1)
        self.assertNotIn("process", load[0]["metric"])
        self.assertEqual(self.query('{__name__=~"collectd_resource_.*"}'), [])
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
