"""The console page as a real browser shows it, served by a real Prometheus that
scrapes the real collectd."""

import json
import sys
import unittest
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.support import project, prometheus, testcase, waiting

CONSOLES = project.SOURCE_DIR / "deploy/prometheus/consoles"
HOSTILE = '<b>"x" & y\\z'
SCRAPE_OFTEN = "global:\n  scrape_interval: 500ms\n"
# Has as many MiB as its first argument says, and uses some CPU all the time.
WORKLOAD = """
import sys, time
memory = b"x" * (int(sys.argv[1]) << 20)
while True:
    sum(range(200000))
    time.sleep(0.05)
"""


class ConsoleTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        libraries = self.directory / "libraries"
        libraries.mkdir()
        self.arguments = (f"--web.console.templates={CONSOLES}",
                          f"--web.console.libraries={libraries}")
        options = webdriver.ChromeOptions()
        for argument in ("headless=new", "no-sandbox", "disable-gpu",
                         "disable-dev-shm-usage", "window-size=1280,1000",
                         f"user-data-dir={self.directory}/chromium"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs",
                               {"browser": "ALL", "performance": "ALL"})
        self.browser = webdriver.Chrome(
            options=options, service=Service("/usr/bin/chromedriver"))
        self.addCleanup(self.browser.quit)

    def start_collectd(self, measured=""):
        """Three blocks: the largest, the costliest, whose name means something
        to HTML, to an address and to PromQL, and which has these options to measure,
        and one without a process."""
        blocks = []
        for name, mebibytes, options in (
                ("checkout", 32, "PerProcess true"),
                (HOSTILE, 1, f"TracingMemoryPercent 50\n{measured}"),
                ("gone", 1, 'Name "gone"')):
            mark = self.directory / f"mark-{len(blocks)}"
            self.run_program(sys.executable, "-c", WORKLOAD, mebibytes, mark)
            quoted = name.replace("\\", "\\\\").replace('"', '\\"')
            blocks.append(f'<Process "{quoted}">\nCommandLine "{mark}"\n'
                          f"{options}\n</Process>")
        return self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>", "Interval 0.5",
            f'SamplingMode "Act"\nSamplingAnswers "{self.directory}"', *blocks,
            "</Plugin>"])).start()

    def start_prometheus(self, config):
        return prometheus.Prometheus(self, SCRAPE_OFTEN + config,
                                     *self.arguments)

    def scrape(self, collectd):
        server = self.start_prometheus(
            prometheus.documented_scrape_config().replace(
                "localhost:9103", f"127.0.0.1:{collectd.port}"))
        server.wait_for("count(process_cpu_percent > 0) == 2")
        return server

    def open(self, server, query=""):
        self.browser.get(f"http://127.0.0.1:{server.port}/consoles/"
                         f"resource_attribution.html{query}")

    def rows(self, table):
        """The cells of a table, by the text of the first one."""
        rows = self.browser.find_elements(By.CSS_SELECTOR,
                                          f"#{table} tbody tr")
        cells = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
                 for row in rows]
        return {name: rest for name, *rest in cells}

    def text(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def wait_for_charts(self, *names):
        """Waits until each chart has a line for each of these names."""
        def drawn():
            figures = self.browser.find_elements(By.TAG_NAME, "figure")
            return len(figures) == 4 and all(
                sorted(item.text for item in figure.find_elements(
                    By.CSS_SELECTOR, "li span:first-of-type"))
                == sorted(names)
                and len(figure.find_elements(By.CSS_SELECTOR, "svg .line"))
                == len(names) for figure in figures)
        waiting.wait_for(drawn, "charts", lambda: self.browser.page_source)

    def assert_quiet(self, server):
        """The page logged nothing, and asked no other server."""
        # The browser's own pages are slow where there is no network.
        self.assertEqual([entry for entry in self.browser.get_log("browser")
                          if not entry["message"].startswith("chrome://")], [])
        events = [json.loads(entry["message"])["message"]
                  for entry in self.browser.get_log("performance")]
        asked = {urlsplit(event["params"]["request"]["url"])[:2]
                 for event in events
                 if event["method"] == "Network.requestWillBeSent"}
        # What is of the browser itself: its first page, whose scheme is chrome or
        # chrome-untrusted, and an icon inline.
        asked = {(scheme, host) for scheme, host in asked
                 if scheme != "data" and not scheme.startswith("chrome")}
        self.assertEqual(asked, {("http", f"127.0.0.1:{server.port}")})

    def test_shows_each_process_and_host_with_its_values(self):
        server = self.scrape(self.start_collectd())
        def complete():
            # Who got no CPU between two passes has no share of it.
            self.open(server)
            rows = self.rows("process")
            return rows and not any("–" in cells for cells in rows.values()) and rows
        processes = waiting.wait_for(complete, "two rows", lambda: self.text("body"))
        # The costliest is first; what does not run has no row.
        self.assertEqual(list(processes), [HOSTILE, "checkout"])
        for name, share in ((HOSTILE, "50.00 %"), ("checkout", "1.50 %")):
            (memory, of_memory, total, peak, cpu, of_cpu, total_cpu, hosts,
             age) = processes[name]
            for size in (memory, total, peak):
                self.assertRegex(size, r"^[0-9.]+ [kM]iB$")
            self.assertEqual(of_memory, share)
            self.assertEqual((cpu, hosts), ("0.50 %", "1"))
            for percent in (of_cpu, total_cpu):
                self.assertRegex(percent, r"^[0-9.]+ %$")
            self.assertRegex(age, r"^\d+ s$")
        self.assertEqual(list(self.rows("instance")), ["testhost"])
        self.assertIn("0.010 cores", self.text("dl"))
        self.wait_for_charts(HOSTILE, "checkout")
        self.assert_quiet(server)

    def test_shows_what_is_measured_where_it_is(self):
        server = self.scrape(self.start_collectd(
            'TracingExportPort 4317\n<Component "a & b">\nThread "^python"\n'
            "</Component>\nTracingOverhead \"Threads\"\n<Sampling>\nMaxCPUShare 3\n"
            "Ratio 0.001 0.1\n</Sampling>"))
        server.wait_for("rate(tracing_network_bytes_received_total[10s])")
        component = server.wait_for("process_component_cpu_percent > 0")
        self.assertEqual(component[0]["metric"]["process"], HOSTILE)
        self.open(server)
        self.assertEqual([title.text for title in self.browser.find_elements(
            By.TAG_NAME, "figcaption")][4:], [
                "Traces sent, bytes a second", "Received in answer, bytes a second",
                "CPU by component, % of one core", "Traces sampled, %"])
        def lines():
            return [item.text for item in self.browser.find_elements(
                By.CSS_SELECTOR,
                "figure:nth-of-type(n + 5) li span:first-of-type")]
        waiting.wait_for(lambda: lines() == [HOSTILE, HOSTILE, f"{HOSTILE} a & b",
                                             HOSTILE],
                         "lines", lambda: self.browser.page_source)
        self.open(server, "?process=checkout")
        self.wait_for_charts("testhost")
        self.assert_quiet(server)

    def test_who_has_no_value_of_tracing_has_a_row_and_no_share(self):
        server = self.scrape(self.start_collectd(
            'TracingOverhead "Compared"\n<Untraced>\nName "nobody"\n</Untraced>'))
        self.open(server)
        processes = self.rows("process")
        self.assertEqual(list(processes), ["checkout", HOSTILE])
        memory, of_memory, total, _, cpu, of_cpu, *_ = processes[HOSTILE]
        self.assertEqual([memory, of_memory, cpu, of_cpu], 4 * ["–"])
        self.assertNotEqual(total, "–")
        # The host's is that of the other alone.
        self.assertEqual(self.rows("instance")["testhost"][1], "1.50 %")
        self.assertIn("1.50 % of memory", self.text("dl"))
        self.assert_quiet(server)

    def test_any_name_leads_to_its_own_page(self):
        server = self.scrape(self.start_collectd())
        self.open(server)
        self.browser.find_element(By.LINK_TEXT, HOSTILE).click()
        self.assertIn(HOSTILE, self.text("h1"))
        self.assertEqual(list(self.rows("instance")), ["testhost"])
        self.assertEqual(self.rows("process"), {})
        self.wait_for_charts("testhost")
        self.browser.find_element(By.LINK_TEXT, "testhost").click()
        self.assertEqual(list(self.rows("process")), [HOSTILE])
        self.wait_for_charts(HOSTILE)
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "td b"),
                         [])
        self.assert_quiet(server)

    def test_jobs_stay_apart(self):
        collectd = self.start_collectd()
        config = prometheus.documented_scrape_config().replace(
            "localhost:9103", f"127.0.0.1:{collectd.port}")
        address = f'targets: ["127.0.0.1:{collectd.port}"]'
        job = config[config.index("  - job_name: collectd"):]
        server = self.start_prometheus(config + job.replace(
            "job_name: collectd", "job_name: other").replace(
                address, f'{address}\n        labels: {{cpu_percent_of: "host"}}'))
        server.wait_for("count(process_cpu_percent > 0) == 4")
        self.open(server)
        processes = self.rows("process")
        self.assertEqual(sorted(processes), sorted(
            f"{name} {job}" for name in (HOSTILE, "checkout")
            for job in ("collectd", "other")))
        # The CPU in percent of the host has no share.
        self.assertRegex(processes["checkout collectd"][5], r"^[0-9.]+ %$")
        self.assertEqual(processes["checkout other"][5], "–")
        self.wait_for_charts(*(f"{name} ({job})" for name in (HOSTILE, "checkout")
                               for job in ("collectd", "other")))
        self.browser.find_element(By.CSS_SELECTOR, "#jobs a:last-child").click()
        [job] = [link.text for link in self.browser.find_elements(
            By.CSS_SELECTOR, "#jobs a[aria-current]")]
        self.assertIn(job, ("collectd", "other"))
        self.assertEqual(sorted(self.rows("process")),
                         sorted([HOSTILE, "checkout"]))
        self.wait_for_charts(HOSTILE, "checkout")
        self.browser.find_element(By.LINK_TEXT, "checkout").click()
        self.assertIn(f"job={job}&", self.browser.current_url)
        self.assert_quiet(server)

    def test_sorts_by_the_column_that_is_clicked(self):
        server = self.scrape(self.start_collectd())
        self.open(server)
        self.assertEqual(list(self.rows("process")), [HOSTILE, "checkout"])
        self.browser.find_element(By.LINK_TEXT, "Memory").click()
        self.assertEqual(list(self.rows("process")), ["checkout", HOSTILE])

    def test_says_what_to_check_where_nothing_is_scraped(self):
        server = self.start_prometheus("scrape_configs: []")
        self.open(server)
        self.assertIn("No process has values", self.text(".empty h2"))
        self.assertIn("Resource attribution started", self.text(".empty"))
        self.assertIn("scraped nothing yet", self.text(".empty table"))
        self.assert_quiet(server)

    def test_says_that_the_names_were_not_restored(self):
        collectd = self.start_collectd()
        server = self.start_prometheus(f"""
scrape_configs:
  - job_name: collectd
    static_configs:
      - targets: ["127.0.0.1:{collectd.port}"]
""")
        server.wait_for("collectd_resource_attribution_process_memory_bytes")
        self.open(server)
        self.assertIn("metric_relabel_configs", self.text(".empty li b + code"))
        self.assertEqual(self.text(".empty tbody tr"), "collectd 1 1")

    def test_says_that_a_process_has_no_values(self):
        server = self.start_prometheus("scrape_configs: []")
        self.open(server, "?process=gone&instance=testhost")
        self.assertIn("No values of process gone on host testhost",
                      self.text(".empty h2"))


if __name__ == "__main__":
    unittest.main()
