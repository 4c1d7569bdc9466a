"""Consul: an agent that joins the cluster of user_data, and the machine's service registered with it.

The agent is in the image and enabled, and starts where user_data wrote /etc/consul.d/cluster.json: the datacenter,
addresses to join, and for a server how many there are. Nothing here is secret, so gossip is not encrypted and the API
has no tokens: the cloud's firewall decides who reaches ports 8300 and 8301.
"""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import validate_call
from pyinfra.api import deploy
from pyinfra.operations import files, systemd
from pyinfra.operations import server as machine

from steps import release

FILES = Path(__file__).parent / "files"
CONFIG = "/etc/consul.d"
DATA = "/opt/consul"

ADDRESS = " | ".join(
    (
        "{{ GetAllInterfaces",
        'include "flags" "up"',
        'include "rfc" "1918"',
        # Networks inside the machine, which others cannot reach.
        'exclude "name" "^(docker|br-|veth)"',
        # A droplet's private network is on eth1; its eth0 has, besides the public address, one for reserved addresses.
        # Of one interface, the address with a network around it: one without was added, and may move elsewhere.
        'sort "-name,+size"',
        "limit 1",
        'join "address" " " }}',
    )
)
"""Where others reach the agent, as a go-sockaddr template: the machine's own private address."""

AGENT = {
    "data_dir": DATA,
    # The API is for the machine itself.
    "client_addr": "127.0.0.1",
    # Everywhere: a reserved address reaches a droplet at another of its addresses than the one that it tells others.
    "bind_addr": "0.0.0.0",
    "advertise_addr": ADDRESS,
    # One datacenter: nothing to say to others, also not when leaving.
    "ports": {"serf_wan": -1},
    "leave_on_terminate": True,
    "performance": {"leave_drain_time": "1s"},
    "disable_update_check": True,
}
SERVER = {
    # As HashiCorp advises for production; the default is for the smallest machines.
    "performance": {"raft_multiplier": 1},
    # A server that replaces another gets its vote early, and one that died is forgotten.
    "autopilot": {"cleanup_dead_servers": True, "server_stabilization_time": "2s"},
}


@deploy("Consul agent")
@validate_call
def agent(download: release.Download) -> None:
    """The agent installed, configured and enabled; not started, for a builder is in no cluster.

    Args:
        download: as in downloads.json: version and files.
    """
    release.install(name=f"Install Consul {download['version']}", release="consul", download=download)
    machine.user(name="Create its user", user="consul", system=True, shell="/usr/sbin/nologin", ensure_home=False)
    files.directory(name="Create its configuration", path=CONFIG, mode="755")
    files.directory(name="Create its data", path=DATA, user="consul", group="consul", mode="750")
    _configure("consul", AGENT)
    unit = files.put(
        name="Put its unit",
        src=str(FILES / "consul.service"),
        dest="/etc/systemd/system/consul.service",
        mode="644",
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    systemd.service(name="Start it at boot", service="consul.service", running=None, enabled=True)


@deploy("Consul server")
def server() -> None:
    """What a server's agent has beyond `agent`. That it is a server, and one of how many, user_data says."""
    _configure("server", SERVER)


@deploy("Consul service")
@validate_call
def register(service: str, port: int, path: str) -> None:
    """This machine offers `service`, in order while GET `path` on `port` answers 2xx within two seconds."""
    address = f"http://127.0.0.1:{port}{path}"
    check = {"name": f"GET {path}", "http": address, "interval": "1s", "timeout": "2s"}
    _configure(f"service-{service}", {"service": {"name": service, "port": port, "check": check}})


def _configure(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2) + "\n"
    files.put(name=f"Write {name}.json", src=StringIO(text), dest=f"{CONFIG}/{name}.json", mode="644")
