"""One host of many takes more memory than it may, and the alert that we ship says
so, of that host and no other, until it is over. Everything is real: an agent for
each host, an aggregator, Prometheus, and the memory. docs/evidence/rehearsal.md says more.

Ends with 1 when the alert does not come, comes for something else, or stays."""

import argparse
import re
import signal
import socket
import sys
import time

import daemon
import prometheus

ALERT, PROCESS = "HighProcessMemory", "checkout"
MEBIBYTES = 1200  # The alert's threshold is 1 GiB.
RULES = "deploy/prometheus/rules"
MEMORY = f'instance_process:process_memory_bytes:sum{{process="{PROCESS}"}}'
HOLD = 300  # Seconds: its "for: 5m".
# Seconds that the alert may be late: an interval, a flush of the network plugin, a
# scrape and an evaluation lie in between.
LATE = 60


class Rehearsal(daemon.TestCase):

    def __init__(self, hosts, interval, hold):
        super().__init__()
        self.interval, self.hold = interval, hold
        self.hosts = [f"host{number}" for number in range(1, hosts + 1)]
        self.sick = self.hosts[hosts // 3]
        self.begin = time.monotonic()

    def say(self, text):
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        print(f"{minutes:2}:{seconds:02}  {text}", flush=True)

    def shipped(self, path, replacements):
        return daemon.shipped(f"deploy/collectd/{path}", replacements)

    def start_aggregator(self):
        self.port = daemon.free_port(socket.SOCK_DGRAM)
        passwords = self.directory / "network.passwd"
        passwords.write_text(self.shipped("network.passwd",
                                          {"#hosts: PASSWORD": "hosts: rehearsal"}))
        self.aggregator = self.collectd(self.shipped("aggregator.conf", {
            "0.0.0.0": "127.0.0.1",
            "25826": self.port,
            "9103": "@PORT@",
            "/etc/collectd/network.passwd": passwords,
            "/usr/share/collectd/resource_attribution_types.db":
                daemon.SOURCE_DIR / "plugin/types.db",
        }), writer=False, hostname="aggregator", interval=self.interval,
            plugins=["network"]).start()

    def start_host(self, hostname):
        """Its workload and its collectd."""
        workload = self.actor(hostname)
        pid_file = self.directory / f"{hostname}.pid"
        pid_file.write_text(f"{workload.pid}\n")
        agent = self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval {self.interval}
              <Process "{PROCESS}">
                PIDFile "{pid_file}"
              </Process>
              <Process "collectd">
                Self true
              </Process>
            </Plugin>
            """ + self.shipped("agent.conf", {
                "aggregator.example": "127.0.0.1",
                "25826": self.port,
                "change-me": "rehearsal",
                "FlushInterval 5": f"FlushInterval {self.interval}",
            }), writer=False, hostname=hostname, interval=self.interval,
            plugins=["network"]).start()
        return workload, agent

    def start_prometheus(self):
        rules = daemon.SOURCE_DIR / RULES
        if self.hold != HOLD:
            rules = self.directory / "rules"
            rules.mkdir()
            for file in (daemon.SOURCE_DIR / RULES).glob("*.yml"):
                (rules / file.name).write_text(file.read_text().replace(
                    "for: 5m", f"for: {self.hold}s"))
        targets = self.directory / "collectd.yml"
        targets.write_text(daemon.shipped(
            "deploy/prometheus/targets/collectd.yml",
            {'["localhost:9103"]': f'["127.0.0.1:{self.aggregator.port}"]'}))
        self.prometheus = prometheus.Prometheus(self, daemon.shipped(
            "deploy/prometheus/prometheus.yml", {
                "scrape_interval: 30s": f"scrape_interval: {self.interval}s",
                "evaluation_interval: 1m":
                    f"evaluation_interval: {self.interval}s",
                "rules/resource_attribution_": f"{rules}/resource_attribution_",
                "targets/collectd*.yml": targets,
                '["localhost:9093"]': "[]",
            }))

    def state(self):
        """That of the alert for the sick host's process: None, "pending" or
        "firing". Any other alert that fires is a failure, and so is this one for
        anything else, even if it is only pending."""
        state = None
        for alert in self.prometheus.get("alerts")["alerts"]:
            labels = alert["labels"]
            if [labels.get(name) for name in
                    ("alertname", "instance", "process")] == [
                        ALERT, self.sick, PROCESS]:
                state = alert["state"]
            elif ALERT == labels["alertname"] or alert["state"] == "firing":
                raise AssertionError(f"an alert that should not be: {alert}")
        return state

    def memory(self):
        memory = {series["metric"]["instance"]: float(series["value"][1]) / 2**20
                  for series in self.prometheus.query(MEMORY)}
        others = max(value for host, value in memory.items()
                     if host != self.sick)
        return (f"{self.sick} {memory[self.sick]:.0f} MiB, "
                f"the {len(memory) - 1} others at most {others:.0f} MiB")

    def wait_for_state(self, wanted, before, limit):
        """The alert has the state `before` until it has the wanted one."""
        end = time.monotonic() + limit
        shown = time.monotonic()
        while (state := self.state()) != wanted:
            if state != before or time.monotonic() > end:
                raise AssertionError(f"{ALERT} is {state or 'not there'}, not "
                                     f"{wanted or 'resolved'}")
            if time.monotonic() - shown > 30:
                shown += 30
                self.say(f"{ALERT} {state or 'none'}; {self.memory()}")
            time.sleep(0.2)
        self.say(f"{ALERT} {wanted or 'resolved'}; {self.memory()}")

    def used(self):
        """Seconds of CPU of all agents, the aggregator; its octets received."""
        octets = re.search(
            r"^collectd_network_if_octets_rx_total\{\S+\} (\d+)",
            self.aggregator.metrics_text(), re.MULTILINE)
        return (time.monotonic(),
                sum(daemon.cpu_seconds(agent.process.pid)
                    for agent in self.agents),
                daemon.cpu_seconds(self.aggregator.process.pid),
                int(octets[1]))

    def report(self, before, after):
        hosts = len(self.hosts)
        seconds, agents, aggregator, octets = (
            last - first for first, last in zip(before, after))
        text = self.aggregator.metrics_text()
        samples = self.prometheus.query('scrape_samples_scraped')[0]["value"][1]
        duration = self.prometheus.query(
            "avg_over_time(scrape_duration_seconds[5m])")[0]["value"][1]
        head = self.prometheus.get("status/tsdb")["headStats"]
        print(f"""
{hosts} hosts, 2 blocks each, interval, scrape and evaluation each {self.interval} s, over {seconds:.0f} s:
  CPU of an agent        {agents / hosts / seconds * 100:.3f} % of a CPU, {agents / hosts / seconds * self.interval * 1e3:.2f} ms in an interval
  CPU of the aggregator  {aggregator / seconds * 100:.3f} % of a CPU, {aggregator / hosts / seconds * self.interval * 1e3:.3f} ms for each host in an interval
  resident               {daemon.status_kb(self.agents[0].process.pid, "VmRSS") / 1024:.1f} MiB an agent, {daemon.status_kb(self.aggregator.process.pid, "VmRSS") / 1024:.1f} MiB the aggregator
  on the network         {octets / hosts / seconds * self.interval:.0f} bytes for each host in an interval
  a scrape               {len(text):,} bytes, {len(text) / hosts:,.0f} for each host; {samples} samples; {float(duration) * 1e3:.1f} ms
  series in Prometheus   {head["numSeries"]:,}, recorded ones included
""", flush=True)

    def rehearse(self):
        self.start_aggregator()
        workloads, self.agents = zip(*map(self.start_host, self.hosts))
        self.start_prometheus()
        self.say(f"{len(self.hosts)} agents, the aggregator and Prometheus run")
        daemon.wait_for(
            lambda: len(self.prometheus.query(MEMORY)) == len(self.hosts),
            "the values of all hosts", self.aggregator.log)
        if self.state():
            raise AssertionError(f"{ALERT} before anything happened")
        self.say(f"Prometheus has {PROCESS} of all hosts; no alert")

        workload = workloads[self.hosts.index(self.sick)]
        workload.do(f"allocate({MEBIBYTES})")
        self.say(f"{PROCESS} on {self.sick} takes {MEBIBYTES} MiB more")
        self.wait_for_state("pending", None, LATE)
        before = self.used()
        self.wait_for_state("firing", "pending", self.hold + LATE)
        after = self.used()
        workload.do("memory.clear()")
        self.say(f"{PROCESS} on {self.sick} gives it back")
        self.wait_for_state(None, "firing", LATE)
        self.report(before, after)
        for collectd in (*self.agents, self.aggregator):
            collectd.stop()


def main():
    parser = argparse.ArgumentParser(prog="scripts/rehearsal")
    parser.add_argument("--hosts", type=int, default=50,
                        help="how many, 2 or more; 50 without it")
    parser.add_argument("--quick", action="store_true",
                        help="the alert waits 5 seconds, not 5 minutes")
    arguments = parser.parse_args()
    if arguments.hosts < 2:
        parser.error("--hosts: expected 2 or more")
    # With 5 seconds, the network plugin's FlushInterval is as shipped.
    interval, hold = (1, 5) if arguments.quick else (5, HOLD)
    rehearsal = Rehearsal(arguments.hosts, interval, hold)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        rehearsal.setUp()
        rehearsal.rehearse()
        rehearsal.say("As it should be")
    except AssertionError as error:
        rehearsal.say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        rehearsal.doCleanups()
    return 0


if __name__ == "__main__":
    sys.exit(main())
