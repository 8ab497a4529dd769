"""collectd's network plugin as deploy/collectd ships it: an aggregator, and the agents
that send to it."""

from tests.support import project


def aggregator_config(directory, port, password):
    """Receives at this port of loopback; the directory gets the file of passwords.
    Without a password that file is as it is shipped."""
    passwords = directory / "network.passwd"
    chosen = {"#hosts: PASSWORD": f"hosts: {password}"} if password else {}
    passwords.write_text(project.shipped("deploy/collectd/network.passwd", chosen))
    return project.shipped("deploy/collectd/aggregator.conf", {
        "0.0.0.0": "127.0.0.1",
        "25826": port,
        "9103": "@PORT@",
        "/etc/collectd/network.passwd": passwords,
        "/usr/share/collectd/resource_attribution_types.db":
            project.SOURCE_DIR / "plugin/types.db",
    })


def agent_config(port, password, flush_interval):
    """Sends to this port of loopback."""
    return project.shipped("deploy/collectd/agent.conf", {
        "aggregator.example": "127.0.0.1",
        "25826": port,
        "change-me": password,
        "FlushInterval 5": f"FlushInterval {flush_interval}",
    })
