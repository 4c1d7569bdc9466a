"""Waits until this machine does what its role is for, then writes how long that took; run by bakewell-ready.service.

Reads /etc/bakewell/ready.json: {"units": [...], "health": {"port", "path"} or null, "consul": {"server", "service"} or
null}. Ready means, all in one look: each unit is active; the health address answers 200; each executable of
/etc/bakewell/ready.d exits 0; and where user_data wrote /etc/consul.d/cluster.json, the machine is part of that
cluster.

Writes /run/bakewell/ready, seconds since boot ("1.42"), or while it waits /run/bakewell/waiting, "<unit>: <reason>".
Only reads everything else. It runs on the machine, by its own Python, without any package.
"""

import errno
import http.client
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LIMIT = 3600.0  # seconds until it gives up: others of its cluster may be built only now
PAUSE = 0.05  # seconds between two looks
SOON, LATER = 60.0, 1.0  # seconds after which it looks less often, and how often then
PATIENCE = 5.0  # seconds for one answer, or one executable of ready.d
SILENCE = 1.5  # seconds: as long as a lost first packet takes to be sent again, and answered
AGENT = 8500  # port of the local Consul agent's HTTP API
GOSSIP = 8301  # port on which Consul's agents meet
ALIVE = 1  # Serf's word for a member that is neither leaving, left nor failed


class NotYet(Exception):
    """Something does not hold so far: `unit` is the one to look at."""

    def __init__(self, unit: str, reason: str) -> None:
        super().__init__(f"{unit}: {reason}")


def main(root: Path = Path("/"), limit: float = LIMIT, agent: int = AGENT) -> int:
    """Wait, and write down how it went; 0 when ready, 1 after `limit` seconds. `root` is where the paths begin."""
    wanted = json.loads((root / "etc/bakewell/ready.json").read_text())
    ready, waiting = root / "run/bakewell/ready", root / "run/bakewell/waiting"
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    begin, said = time.monotonic(), ""
    while True:
        try:
            look(wanted, root, agent)
            break
        except NotYet as reason:
            if said != str(reason):
                said = str(reason)
                print(said, flush=True)
                write(waiting, said)
        waited = time.monotonic() - begin
        if waited > limit:
            print(f"not ready after {limit:.0f} s: {said}", file=sys.stderr)
            return 1
        time.sleep(PAUSE if waited < SOON else LATER)
    seconds = f"{since_boot():.2f}"
    write(ready, seconds)
    waiting.unlink(missing_ok=True)
    print(f"ready {seconds} s after boot")
    return 0


def look(wanted: dict[str, Any], root: Path, agent: int) -> None:
    """Check everything, the cheapest first.

    Raises:
        NotYet: the first thing that does not hold.
    """
    # What is looked at most often comes first, and starts no process: cloud-init wants the processor.
    if wanted["consul"] is not None and not told(root):
        # From 24.3 on, the unit has another name.
        renamed = (root / "usr/lib/systemd/system/cloud-init-network.service").exists()
        unit = "cloud-init-network.service" if renamed else "cloud-init.service"
        raise NotYet(unit, "user_data is not applied so far")
    units = wanted["units"]
    unit = units[0] if units else "bakewell-ready.service"
    if units:
        each_active(units)
    if wanted["health"] is not None:
        answers_well(unit, wanted["health"]["port"], wanted["health"]["path"])
    for program in sorted((root / "etc/bakewell/ready.d").glob("*")):
        if os.access(program, os.X_OK):
            succeeds(unit, program)
    cluster = root / "etc/consul.d/cluster.json"
    if wanted["consul"] is not None and cluster.exists():
        joined = json.loads(cluster.read_text())
        if wanted["consul"]["server"]:
            serves(joined, agent)
        else:
            takes_part(joined, wanted["consul"]["service"], agent)


def each_active(units: Sequence[str]) -> None:
    """Each unit is active, as systemd sees it."""
    said = subprocess.run(["systemctl", "is-active", *units], capture_output=True, text=True, check=False)
    states = said.stdout.split()
    if len(states) != len(units):
        raise NotYet(units[0], f"systemctl says {(said.stderr or said.stdout).strip()!r}")
    for unit, state in zip(units, states, strict=True):
        if state != "active":
            raise NotYet(unit, state)


def answers_well(unit: str, port: int, path: str) -> None:
    """GET http://127.0.0.1:<port><path> says 200."""
    status, _ = get(unit, port, path)
    if status != 200:
        raise NotYet(unit, f"port {port} says {status} to GET {path}")


def succeeds(unit: str, program: Path) -> None:
    """An executable of ready.d exits 0; its last line says why not."""
    try:
        said = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise NotYet(unit, f"ready.d/{program.name} takes more than {PATIENCE:.0f} s") from None
    if said.returncode != 0:
        last = (said.stderr.strip() or said.stdout.strip()).splitlines()[-1:]
        raise NotYet(unit, ": ".join([f"ready.d/{program.name} exits {said.returncode}", *last]))


def told(root: Path) -> bool:
    """Whether it is known by now if there is a cluster.

    The last file of user_data is there; or there will be none: cloud-init is done, does nothing here, or is missing.
    """
    signs = ("etc/bakewell/machine.json", "run/cloud-init/result.json", "run/cloud-init/disabled")
    return any((root / sign).exists() for sign in signs) or not (root / "usr/bin/cloud-init").exists()


def takes_part(cluster: dict[str, Any], service: str, agent: int) -> None:
    """The cluster has a leader, and its servers know this machine's service as passing."""
    # First what the agent knows by itself: questions that it has to pass on fill its log with errors, among which
    # nobody would find the reason.
    members = ask(agent, "/v1/agent/members")
    if not any(member["Tags"].get("role") == "consul" and member["Status"] == ALIVE for member in members):
        raise NotYet("consul.service", f"it has met no server, and asks {', '.join(cluster['retry_join'])}")
    status, leader = get("consul.service", agent, "/v1/status/leader")
    if status != 200 or not json.loads(leader):
        raise NotYet("consul.service", "no leader")
    status, _ = get("consul.service", agent, f"/v1/agent/health/service/name/{service}?format=text")
    if status != 200:
        state = {404: "not registered", 429: "warning", 503: "critical"}.get(status, str(status))
        raise NotYet("consul.service", f"service {service} is {state}")
    # The agent tells the servers a moment after it has found out.
    passing = ask(agent, f"/v1/health/service/{service}?passing")
    if node(agent) not in [one["Node"]["ID"] for one in passing]:
        raise NotYet("consul.service", f"service {service} is passing here, but the servers do not know it")


def serves(cluster: dict[str, Any], agent: int) -> None:
    """This server may vote; or the cluster is being made, and the others are not there yet.

    The second is for the first boot of all: the servers' addresses are handed out when they are ready, so the first
    ones cannot wait for a leader. A server that finds a cluster does wait, however that one fares.
    """
    if ask(agent, "/v1/status/leader"):
        me = node(agent)
        servers = ask(agent, "/v1/operator/raft/configuration")["Servers"]
        if not any(server["ID"] == me and server["Voter"] for server in servers):
            raise NotYet("consul.service", "no vote so far")
        return
    # As this server knows them, not the leader that there is none of.
    if ask(agent, "/v1/status/peers?stale"):
        raise NotYet("consul.service", "no leader")
    members = ask(agent, "/v1/agent/members")
    servers = [member for member in members if member["Tags"].get("role") == "consul"]
    if any(member["Status"] != ALIVE for member in members) or len(servers) >= cluster["bootstrap_expect"]:
        raise NotYet("consul.service", "no leader")
    if len(members) == 1 and (there := listening(cluster["retry_join"])):
        raise NotYet("consul.service", f"{there} answers, but has not let it join")


def listening(addresses: Sequence[str]) -> str:
    """The first of the addresses on which an agent can be met; "" for none within SILENCE."""
    asked: dict[int, tuple[socket.socket, str]] = {}
    waiting: set[int] = set()
    until = time.monotonic() + SILENCE
    try:
        for address in addresses:
            there = socket.socket()
            asked[there.fileno()] = (there, address)
            there.setblocking(False)
            if there.connect_ex((address, GOSSIP)) in (0, errno.EINPROGRESS):
                waiting.add(there.fileno())
        while waiting and (left := until - time.monotonic()) > 0:
            for number in select.select([], waiting, [], left)[1]:
                there, address = asked[number]
                if there.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    return address
                waiting.discard(number)
        return ""
    finally:
        for there, _ in asked.values():
            there.close()


def node(agent: int) -> str:
    """This machine's ID in Consul."""
    return str(ask(agent, "/v1/agent/self")["Config"]["NodeID"])


def ask(agent: int, path: str) -> Any:
    """What the local Consul agent answers, from JSON."""
    status, body = get("consul.service", agent, path)
    if status != 200:
        raise NotYet("consul.service", f"its agent says {status} to GET {path}")
    return json.loads(body)


def get(unit: str, port: int, path: str) -> tuple[int, bytes]:
    """Status and body of an answer on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotYet(unit, f"port {port} does not answer: {error!s}") from None
    finally:
        connection.close()


def since_boot() -> float:
    """Seconds since the first process began. Both clocks start with the kernel, so in a container it is right too."""
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    # The name of the process, in parentheses, may hold spaces; what follows is fields 3 and on, and 22 is wanted.
    ticks = int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def write(path: Path, line: str) -> None:
    """Have `path` hold the line, at every moment as a whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(line + "\n")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
