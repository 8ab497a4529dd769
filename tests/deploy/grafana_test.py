"""The Grafana dashboard against Grafana's own schema, and its queries against a
real Prometheus that scrapes the real collectd. Grafana itself is not run: Debian
does not have it."""

import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

import yaml

from tests.support import project, prometheus, testcase, waiting

DASHBOARD = project.SOURCE_DIR / "deploy/grafana/resource_attribution.json"
HERE = pathlib.Path(__file__).parent
# What only the block that asks for it has, which is checkout.
MEASURED = {"Export traffic", "CPU by component", "Sampling ratio"}
# Uses some CPU all the time.
WORKLOAD = """
import time
while True:
    sum(range(200000))
    time.sleep(0.05)
"""


def dashboard():
    return json.loads(DASHBOARD.read_text())


def panels():
    """The panels that show values, without rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def variables():
    return {variable["name"]: variable
            for variable in dashboard()["templating"]["list"]}


def escape(value):
    """A value as Grafana puts it into a regular expression in a string."""
    return re.sub(r"[$^*{}\[\]+?.()|']", r"\\\g<0>",
                  value.replace("\\", r"\\")).replace("\\", r"\\")


def substitute(query, **selected):
    """The query with its variables replaced, as Grafana does. A variable for
    which nothing is selected is All."""
    values = {"__range": "30s", "__interval": "1s", "__rate_interval": "10s"}
    for name in ("job", "instance", "process"):
        words = [escape(word) for word in selected.get(name, ())]
        values[name] = (variables()[name]["allValue"] if not words else
                        words[0] if len(words) == 1 else
                        "(" + "|".join(words) + ")")
    return re.sub(r"\$(\w+)", lambda match: values[match[1]], query)


class SchemaTest(testcase.TestCase):

    def test_dashboard_is_what_grafana_says_that_it_is(self):
        # npm keeps what it installs in the directory that it runs in.
        directory = project.BUILD_DIR / "grafana_schema"
        directory.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc",
                     "dashboard.ts"):
            shutil.copy(HERE / name, directory)
        (directory / "check.ts").write_text(
            'import type { Exported } from "./dashboard";\n'
            f"export const dashboard: Exported = {DASHBOARD.read_text()};\n")
        self.run_in(directory, "npm", "ci", "--prefer-offline",
                    "--ignore-scripts", "--no-audit", "--no-fund")
        self.run_in(directory, "node", "node_modules/typescript/bin/tsc",
                    "--noEmit", "--strict", "--target", "es2022",
                    "--module", "esnext", "--moduleResolution", "bundler",
                    "check.ts")

    def run_in(self, directory, *command):
        run = subprocess.run(command, cwd=directory, capture_output=True,
                             text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


class StructureTest(unittest.TestCase):

    def test_panels_say_what_they_show_and_in_which_unit(self):
        for panel in panels():
            with self.subTest(panel=panel["title"]):
                defaults = panel["fieldConfig"]["defaults"]
                self.assertTrue(panel["title"])
                self.assertTrue(panel["description"])
                self.assertTrue(defaults["unit"])
                self.assertTrue(defaults["thresholds"]["steps"])

    def test_panels_have_ids_and_places_of_their_own(self):
        everything = dashboard()["panels"]
        ids = [panel["id"] for panel in everything]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in everything:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
        for one, other in itertools.combinations(everything, 2):
            a, b = one["gridPos"], other["gridPos"]
            apart = (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
                     or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])
            self.assertTrue(apart, (one["title"], other["title"]))

    def test_data_source_is_the_variable_everywhere(self):
        used = re.findall(r'"datasource": \{[^}]*"uid": "([^"]*)"',
                          DASHBOARD.read_text())
        queries = sum(len(panel["targets"]) for panel in panels())
        self.assertEqual(len(used), len(panels()) + queries + 3)
        self.assertEqual(set(used), {"${datasource}"})
        self.assertNotIn("id", dashboard())

    def test_gaps_stay_gaps(self):
        series = [panel for panel in panels() if panel["type"] == "timeseries"]
        self.assertTrue(series)
        for panel in series:
            custom = panel["fieldConfig"]["defaults"]["custom"]
            self.assertIs(custom["spanNulls"], False, panel["title"])

    def test_table_names_the_column_of_every_query(self):
        [table] = [panel for panel in panels() if panel["type"] == "table"]
        _, organize = table["transformations"]
        names = organize["options"]["renameByName"]
        values = {f"Value #{target['refId']}" for target in table["targets"]}
        self.assertEqual(set(names), values | {"process", "instance", "job"})
        columns = {override["matcher"]["options"]
                   for override in table["fieldConfig"]["overrides"]}
        self.assertEqual(columns, set(names.values()))
        self.assertIn(table["options"]["sortBy"][0]["displayName"], columns)


class ProvisioningTest(unittest.TestCase):

    def test_loads_dashboards_from_files_of_one_directory(self):
        text = (DASHBOARD.parent / "provisioning.yaml").read_text()
        provisioning = yaml.safe_load(text)
        self.assertEqual(provisioning["apiVersion"], 1)
        [provider] = provisioning["providers"]
        self.assertEqual(provider["type"], "file")
        self.assertTrue(pathlib.Path(provider["options"]["path"]).is_absolute())


class QueriesTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        blocks = []
        for name, options in (
                ("checkout", 'TracingExportPort 4317\n<Component "retriever">\n'
                 'Thread "^python"\n</Component>\nTracingOverhead "Threads"\n'
                 'TracingThread "^python"\n<Sampling>\nMaxCPUShare 3\n'
                 "Ratio 0.001 0.1\n</Sampling>"),
                ("api.v2", "PerProcess true"), ("other", "")):
            mark = self.directory / f"mark-{len(blocks)}"
            self.run_program(sys.executable, "-c", WORKLOAD, mark)
            blocks.append(f'<Process "{name}">\nCommandLine "{mark}"\n'
                          f"{options}\n</Process>")
        collectd = self.collectd("\n".join([
            "LoadPlugin resource_attribution",
            "<Plugin resource_attribution>", "Interval 0.5",
            f'SamplingMode "Act"\nSamplingAnswers "{self.directory}"', *blocks,
            "</Plugin>"])).start()
        self.config = ("global:\n  scrape_interval: 500ms\n"
                       + prometheus.documented_scrape_config().replace(
                           "localhost:9103", f"127.0.0.1:{collectd.port}"))

    def start_prometheus(self, config, series):
        """Until a query over a time range, which has full seconds, sees all."""
        self.server = prometheus.Prometheus(self, config)
        self.server.wait_for("count(count_over_time((process_cpu_percent > 0)"
                             f"[3s:1s])) == {series}")
        self.server.wait_for("process_component_cpu_percent > 0")

    def range(self, expression):
        now = time.time()
        data = self.server.get("query_range", query=expression,
                               start=now - 30, end=now, step=1)
        return data["result"] if data else []

    def assert_all_have_data(self, read, processes, **selected):
        for panel in panels():
            wanted = processes
            if panel["title"] in MEASURED:
                wanted = processes & {"checkout"}
            for target in panel["targets"]:
                query = substitute(target["expr"], **selected)
                with self.subTest(panel=panel["title"], query=query):
                    if not wanted:
                        self.assertEqual(read(query), [])
                        continue
                    # A rate needs two scrapes; who used no CPU in a pass, on a
                    # machine with much to do, has no share of it.
                    def is_complete():
                        found = {one["metric"].get("process")
                                 for one in read(query)}
                        return found in ({None}, wanted)
                    waiting.wait_for(is_complete, f"{wanted}", self.server.log)

    def test_every_query_has_data(self):
        self.start_prometheus(self.config, 3)
        two = {"checkout", "api.v2"}
        for read in (self.server.query, self.range):
            self.assert_all_have_data(read, two | {"other"})
            self.assert_all_have_data(read, two, process=sorted(two),
                                      instance=["testhost"])
            self.assert_all_have_data(read, {"api.v2"}, process=["api.v2"])

    def test_jobs_stay_apart_and_shares_need_percent_of_a_core(self):
        # The same hosts and processes once more, in percent of the host.
        job = self.config[self.config.index("  - job_name: collectd"):]
        address = re.search(r'targets: \["(.*)"\]', job)[1]
        self.start_prometheus(self.config + job.replace(
            "job_name: collectd", "job_name: other").replace(
                f'targets: ["{address}"]',
                f'targets: ["{address}"]\n'
                '        labels: {cpu_percent_of: "host"}'), 6)
        for panel in panels():
            for target in panel["targets"]:
                query = substitute(target["expr"])
                with self.subTest(panel=panel["title"], query=query):
                    series = self.range(query)
                    if len(series) > 1:
                        jobs = ["collectd"] if "cpu_percent_of" in query else [
                            "collectd", "other"]
                        blocks = 1 if panel["title"] in MEASURED else 3
                        self.assertEqual(sorted(one["metric"]["job"]
                                                for one in series),
                                         sorted(blocks * jobs))
        [share] = [panel["targets"][0]["expr"] for panel in panels()
                   if panel["title"] == "Tracing CPU, share"]
        self.assertEqual(self.server.query(substitute(share, job=["other"])), [])
        self.assertTrue(self.server.query(substitute(share)))

    def test_charts_show_the_highest_of_the_time_range(self):
        self.start_prometheus(self.config, 3)
        [chart] = [panel["targets"][0]["expr"] for panel in panels()
                   if panel["title"] == "Peak memory"]
        self.assertIn("topk(20, ", chart)
        series = self.range(substitute(chart.replace("topk(20", "topk(2")))
        self.assertEqual(len(series), 2)

    def test_every_variable_has_values(self):
        self.start_prometheus(self.config, 3)
        expected = {"job": ["collectd"], "instance": ["testhost"],
                    "process": ["api.v2", "checkout", "other"]}
        for name, values in expected.items():
            with self.subTest(variable=name):
                query = substitute(variables()[name]["query"]["query"])
                series, label = re.fullmatch(r"label_values\((.+), (\w+)\)",
                                             query).groups()
                self.assertEqual(self.server.get(f"label/{label}/values",
                                                 **{"match[]": series}), values)


if __name__ == "__main__":
    unittest.main()
