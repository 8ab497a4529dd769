"""The files in deploy/prometheus are valid, Prometheus loads them, and they pass their
examples for promtool."""

import re
import subprocess
import tempfile
import unittest

import yaml

from tests.support import project

SHIPPED = project.SOURCE_DIR / "deploy/prometheus"
RULES = sorted((SHIPPED / "rules").iterdir())
EXAMPLES = sorted((SHIPPED / "tests").iterdir())


def rules():
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def examples(kind):
    for path in EXAMPLES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            yield from test.get(kind, [])


def uncommented(path):
    """The file with the options that it shows as comments."""
    return re.sub(r"^( *)#((?:- |  +)\w+:(?: .+)?)$", r"\1\2",
                  path.read_text(), flags=re.MULTILINE)


class PrometheusRulesTest(unittest.TestCase):

    def promtool(self, *arguments):
        result = subprocess.run(
            ["promtool", *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_rules_are_valid(self):
        self.promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)

    def test_configuration_loads_every_file_of_rules(self):
        said = self.promtool("check", "config", SHIPPED / "prometheus.yml")
        loaded = re.findall(r"Checking .*(rules/\S+)", said)
        self.assertEqual(sorted(loaded),
                         [f"rules/{path.name}" for path in RULES])

    def test_rules_do_what_the_examples_say(self):
        self.promtool("test", "rules", *EXAMPLES)

    def test_every_alert_has_examples_that_it_fires_and_does_not(self):
        fires, quiet = set(), set()
        for example in examples("alert_rule_test"):
            seen = fires if example["exp_alerts"] else quiet
            seen.add(example["alertname"])
        alerts = {rule["alert"] for rule in rules() if "alert" in rule}
        self.assertEqual(fires, alerts)
        self.assertEqual(quiet, alerts)

    def test_every_recorded_series_has_an_example(self):
        seen = {sample["labels"].split("{")[0]
                for example in examples("promql_expr_test")
                for sample in example["exp_samples"]}
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        # round() leaves no name.
        averages = {name for example in examples("promql_expr_test")
                    for name in re.findall(r"round\((\S+),", example["expr"])}
        self.assertEqual(recorded - seen - averages, set())

    def test_every_alert_says_how_urgent_it_is_and_what_to_do(self):
        page = (project.SOURCE_DIR / "docs/prometheus.md").read_text()
        for rule in rules():
            with self.subTest(rule=rule):
                self.assertIn(f"`{rule.get('alert') or rule['record']}`", page)
                if "alert" in rule:
                    self.assertIn(rule["labels"]["severity"],
                                  ("critical", "warning"))
                    self.assertEqual(set(rule["annotations"]),
                                     {"summary", "description"})

    def test_commented_rules_are_valid(self):
        text = uncommented(
            SHIPPED / "rules/resource_attribution_thresholds.yml")
        self.assertIn("\n          process: orders\n", text)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text)
            file.flush()
            self.promtool("check", "rules", file.name)

    def test_commented_targets_are_valid(self):
        groups = yaml.safe_load(uncommented(SHIPPED / "targets/collectd.yml"))
        self.assertEqual(len(groups), 3)
        for group in groups:
            self.assertEqual(set(group), {"targets", "labels"})
            self.assertIn(group["labels"]["tracing"], ("on", "off"))

    def test_relabelling_is_that_of_the_page(self):
        page = (project.SOURCE_DIR / "docs/prometheus.md").read_text()
        shown = yaml.safe_load(re.search(
            r"```yaml\n(scrape_configs:.*?)```", page, re.DOTALL)[1])
        shipped = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
        for option in ("honor_labels", "metric_relabel_configs"):
            self.assertEqual(shipped["scrape_configs"][0][option],
                             shown["scrape_configs"][0][option])


if __name__ == "__main__":
    unittest.main()
