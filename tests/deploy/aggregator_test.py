"""Real collectds send their values, encrypted, to a real one that Prometheus would
scrape. Nothing of the files that we ship is replaced but address, ports, paths,
user and password."""

import socket
import unittest

from prometheus_client.parser import text_string_to_metric_families

from tests.support import daemon, loopback, network, project, testcase, waiting


class AggregatorTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        self.port = loopback.free_port(socket.SOCK_DGRAM)

    def start_aggregator(self, replacements, more="", password="secret"):
        config = network.aggregator_config(self.directory, self.port, password)
        for old, new in replacements.items():
            self.assertIn(old, config)
            config = config.replace(old, new)
        self.aggregator = self.collectd(
            config + more, writer=False, hostname="aggregator",
            plugins=["network", "threshold"]).start()

    def start_agent(self, hostname, password="secret", level="Encrypt"):
        agent = network.agent_config(self.port, password, 0.5).replace(
            'SecurityLevel "Encrypt"', f'SecurityLevel "{level}"')
        return self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "self">
                Self true
              </Process>
            </Plugin>
            {agent}""", hostname=hostname, writer=False,
            plugins=["network"]).start()

    def hosts(self):
        """{instance: types} of our values that the aggregator serves."""
        hosts = {}
        for family in text_string_to_metric_families(
                self.aggregator.metrics_text()):
            if family.name.startswith(daemon.PREFIX):
                for sample in family.samples:
                    self.assertEqual(sample.labels["resource_attribution"],
                                     "self")
                    hosts.setdefault(sample.labels["instance"], set()).add(
                        family.name.removeprefix(daemon.PREFIX))
        return hosts

    def test_serves_the_five_values_of_each_host(self):
        self.start_aggregator({})
        agents = [self.start_agent(host) for host in ("host1", "host2")]
        both = {"host1": set(daemon.TYPES), "host2": set(daemon.TYPES)}
        waiting.wait_for(lambda: self.hosts() == both, both,
                         self.aggregator.log)
        for agent in agents:
            self.assert_quiet_end(agent)
        self.aggregator.stop()

    def test_judges_the_thresholds_of_a_host_and_its_silence(self):
        self.start_aggregator({}, project.shipped(
            "deploy/collectd/threshold.conf",
            {"1073741824": 1 << 20, "Hits        3": "Hits 0"}))
        agent = self.start_agent("host1")
        for severity in ("WARNING", "FAILURE"):
            line = (f"severity = {severity}, host = host1, plugin = "
                    "resource_attribution, plugin_instance = self, "
                    "type = process_memory_bytes")
            waiting.wait_for(lambda: line in self.aggregator.log(), line,
                             self.aggregator.log)
            agent.kill()

    def test_takes_no_values_before_a_password_is_chosen(self):
        self.start_aggregator({}, password=None)
        self.start_agent("host1", password="change-me")
        waiting.wait_for(lambda: "Failed to get cypher" in self.aggregator.log(),
                         "a complaint", self.aggregator.log)
        self.assertEqual(self.hosts(), {})

    def test_refuses_a_wrong_password(self):
        self.start_aggregator({})
        self.start_agent("host1", password="guessed")
        waiting.wait_for(lambda: "Checksum mismatch. Username: hosts" in
                         self.aggregator.log(), "a complaint",
                         self.aggregator.log)
        self.start_agent("host2")
        waiting.wait_for(lambda: "host2" in self.hosts(), "the other host")
        self.assertNotIn("host1", self.hosts())

    def test_takes_signed_values_where_it_does_not_insist_on_encryption(self):
        self.start_aggregator({'SecurityLevel "Encrypt"': 'SecurityLevel "Sign"'})
        self.start_agent("signed", level="Sign")
        self.start_agent("encrypted")
        self.start_agent("bare", level="None")
        self.start_agent("forged", password="guessed", level="Sign")
        hosts = {"signed": set(daemon.TYPES), "encrypted": set(daemon.TYPES)}
        waiting.wait_for(lambda: self.hosts() == hosts, hosts, self.aggregator.log)
        for complaint in ("Unsigned packet or part has been ignored",
                          "Hash mismatch. Username: hosts"):
            waiting.wait_for(lambda: complaint in self.aggregator.log(), complaint,
                             self.aggregator.log)
        self.assertEqual(self.hosts(), hosts)

    def test_drops_signed_values_where_it_insists_on_encryption(self):
        self.start_aggregator({})
        self.start_agent("signed", level="Sign")
        waiting.wait_for(lambda: "Unencrypted packet or part has been ignored" in
                         self.aggregator.log(), "a complaint",
                         self.aggregator.log)
        self.start_agent("encrypted")
        waiting.wait_for(lambda: "encrypted" in self.hosts(), "the other host")
        self.assertEqual(set(self.hosts()), {"encrypted"})

    def test_says_what_is_missing_without_the_types(self):
        self.start_aggregator({f' "{project.SOURCE_DIR}/plugin/types.db"': ""})
        self.start_agent("host1")
        waiting.wait_for(lambda: "Dataset not found: process_memory_bytes" in
                         self.aggregator.log(), "a complaint",
                         self.aggregator.log)
        self.assertEqual(self.hosts(), {})


if __name__ == "__main__":
    unittest.main()
