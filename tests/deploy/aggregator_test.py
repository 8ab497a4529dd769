"""Real collectds send their values, encrypted, to a real one that Prometheus would
scrape. Nothing of the files that we ship is replaced but address, ports, paths,
user and password."""

import socket
import unittest

from prometheus_client.parser import text_string_to_metric_families

import daemon

DIRECTORY = "deploy/collectd"
TYPES_DB = daemon.SOURCE_DIR / "plugin/types.db"


class AggregatorTest(daemon.TestCase):

    def setUp(self):
        super().setUp()
        self.port = daemon.free_port(socket.SOCK_DGRAM)
        self.passwords = self.directory / "network.passwd"
        self.passwords.write_text(daemon.shipped(
            f"{DIRECTORY}/network.passwd", {"#hosts: PASSWORD": "hosts: secret"}))

    def start_aggregator(self, replacements, more=""):
        config = daemon.shipped(f"{DIRECTORY}/aggregator.conf", {
            "0.0.0.0": "127.0.0.1",
            "25826": self.port,
            "9103": "@PORT@",
            "/etc/collectd/network.passwd": self.passwords,
            "/usr/share/collectd/resource_attribution_types.db": TYPES_DB,
        })
        for old, new in replacements.items():
            self.assertIn(old, config)
            config = config.replace(old, new)
        self.aggregator = self.collectd(
            config + more, writer=False, hostname="aggregator",
            plugins=["network", "threshold"]).start()

    def start_agent(self, hostname, password="secret", level="Encrypt"):
        agent = daemon.shipped(f"{DIRECTORY}/agent.conf", {
            "aggregator.example": "127.0.0.1",
            "25826": self.port,
            "change-me": password,
            'SecurityLevel "Encrypt"': f'SecurityLevel "{level}"',
            "FlushInterval 5": "FlushInterval 0.5",
        })
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
        """{instance: types} of what the aggregator serves of ours."""
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
        daemon.wait_for(lambda: self.hosts() == both, both,
                        self.aggregator.log)
        for agent in agents:
            self.assert_quiet_end(agent)
        self.aggregator.stop()

    def test_judges_the_thresholds_of_a_host_and_its_silence(self):
        self.start_aggregator({}, daemon.shipped(
            f"{DIRECTORY}/threshold.conf",
            {"1073741824": 1 << 20, "Hits        3": "Hits 0"}))
        agent = self.start_agent("host1")
        for severity in ("WARNING", "FAILURE"):
            line = (f"severity = {severity}, host = host1, plugin = "
                    "resource_attribution, plugin_instance = self, "
                    "type = process_memory_bytes")
            daemon.wait_for(lambda: line in self.aggregator.log(), line,
                            self.aggregator.log)
            agent.kill()

    def test_lets_nobody_in_before_a_password_is_chosen(self):
        self.passwords.write_text(
            daemon.shipped(f"{DIRECTORY}/network.passwd", {}))
        self.start_aggregator({})
        self.start_agent("host1", password="change-me")
        daemon.wait_for(lambda: "Failed to get cypher" in self.aggregator.log(),
                        "a complaint", self.aggregator.log)
        self.assertEqual(self.hosts(), {})

    def test_refuses_a_wrong_password(self):
        self.start_aggregator({})
        self.start_agent("host1", password="guessed")
        daemon.wait_for(lambda: "Checksum mismatch. Username: hosts" in
                        self.aggregator.log(), "a complaint",
                        self.aggregator.log)
        self.start_agent("host2")
        daemon.wait_for(lambda: "host2" in self.hosts(), "the other host")
        self.assertNotIn("host1", self.hosts())

    def test_takes_signed_values_where_it_does_not_insist_on_encryption(self):
        self.start_aggregator({'SecurityLevel "Encrypt"': 'SecurityLevel "Sign"'})
        self.start_agent("signed", level="Sign")
        self.start_agent("encrypted")
        self.start_agent("bare", level="None")
        self.start_agent("forged", password="guessed", level="Sign")
        hosts = {"signed": set(daemon.TYPES), "encrypted": set(daemon.TYPES)}
        daemon.wait_for(lambda: self.hosts() == hosts, hosts, self.aggregator.log)
        for complaint in ("Unsigned packet or part has been ignored",
                          "Hash mismatch. Username: hosts"):
            daemon.wait_for(lambda: complaint in self.aggregator.log(), complaint,
                            self.aggregator.log)
        self.assertEqual(self.hosts(), hosts)

    def test_drops_signed_values_where_it_insists_on_encryption(self):
        self.start_aggregator({})
        self.start_agent("signed", level="Sign")
        daemon.wait_for(lambda: "Unencrypted packet or part has been ignored" in
                        self.aggregator.log(), "a complaint",
                        self.aggregator.log)
        self.start_agent("encrypted")
        daemon.wait_for(lambda: "encrypted" in self.hosts(), "the other host")
        self.assertEqual(set(self.hosts()), {"encrypted"})

    def test_says_what_is_missing_without_the_types(self):
        self.start_aggregator({f' "{TYPES_DB}"': ""})
        self.start_agent("host1")
        daemon.wait_for(lambda: "Dataset not found: process_memory_bytes" in
                        self.aggregator.log(), "a complaint",
                        self.aggregator.log)
        self.assertEqual(self.hosts(), {})


if __name__ == "__main__":
    unittest.main()
