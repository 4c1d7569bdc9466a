"""The program behind bakewell-ready.service, on a machine of files, with a systemctl and an agent of the test's own."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.by_path import module
from tests.unit.loopback import Answer, Request, answering

PROGRAM = Path(__file__).resolve().parents[2] / "packer" / "steps" / "ready" / "files" / "ready.py"
ME, OTHER = "11111111", "22222222"
MET, SILENT = "127.0.0.1", "127.0.0.2"
"""Addresses at which an agent answers (see `gossip`), and nobody."""


class Machine:
    """A machine of files under `root`, whose units are in the states of `units`."""

    def __init__(self, root: Path, program: ModuleType, answers: Answers) -> None:
        self.root, self.program, self.answers = root, program, answers
        (root / "etc/bakewell/ready.d").mkdir(parents=True)
        self.wants()

    def wants(self, **wanted: Any) -> None:
        """What ready.json says; what is not given is not waited for."""
        nothing: dict[str, Any] = {"units": [], "health": None, "consul": None}
        (self.root / "etc/bakewell/ready.json").write_text(json.dumps(nothing | wanted))

    def in_cluster(self, **cluster: Any) -> None:
        """user_data has told it of a cluster."""
        (self.root / "etc/consul.d").mkdir(parents=True, exist_ok=True)
        (self.root / "etc/consul.d/cluster.json").write_text(json.dumps(cluster))

    def condition(self, name: str, script: str, mode: int = 0o755) -> None:
        path = self.root / "etc/bakewell/ready.d" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)

    def run(self, limit: float = 0) -> int:
        """The program's exit code. Without a limit it looks once."""
        return int(self.program.main(self.root, limit, self.answers.port))

    @property
    def waiting(self) -> str:
        return (self.root / "run/bakewell/waiting").read_text()

    @property
    def ready(self) -> Path:
        return self.root / "run/bakewell/ready"


@pytest.fixture
def program() -> ModuleType:
    return module(PROGRAM)


@dataclass
class Answers:
    """A server on this host: `says` is status and body by path and query; any other path is 404."""

    port: int
    says: dict[str, tuple[int, Any]]


@pytest.fixture
def answers() -> Iterator[Answers]:
    says: dict[str, tuple[int, Any]] = {}

    def answer(request: Request) -> Answer:
        status, body = says.get(request.path, (404, ""))
        return status, {}, json.dumps(body).encode()

    with answering(answer) as url:
        yield Answers(int(url.rpartition(":")[2]), says)


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file for each unit, which holds its state; `systemctl is-active` reads them."""
    folder, binaries = tmp_path / "units", tmp_path / "bin"
    folder.mkdir()
    binaries.mkdir()
    script = binaries / "systemctl"
    script.write_text(f'#!/bin/sh\nshift\nfor unit; do cat "{folder}/$unit"; done\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:/usr/bin:/bin")
    return folder


@pytest.fixture
def machine(tmp_path: Path, program: ModuleType, answers: Answers) -> Machine:
    return Machine(tmp_path / "root", program, answers)


@pytest.fixture
def gossip(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A port on which the address 127.0.0.1 answers as if an agent were there."""
    monkeypatch.setattr(program, "SILENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(program, "GOSSIP", server.getsockname()[1])
        yield server


def test_a_machine_that_has_nothing_to_do_is_ready_at_once(machine: Machine) -> None:
    machine.wants(consul={"server": False, "service": "web"})  # it has been told of no cluster
    assert machine.run() == 0
    assert float(machine.ready.read_text()) > 0
    assert machine.ready.read_text().endswith("\n")
    assert sorted(path.name for path in machine.ready.parent.iterdir()) == ["ready"]


def test_seconds_are_counted_from_the_first_process(program: ModuleType) -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < program.since_boot() <= uptime + 1


@pytest.mark.parametrize("state", ["inactive", "activating", "failed"])
def test_a_unit_that_is_not_active_is_waited_for(machine: Machine, states: Path, state: str) -> None:
    (states / "nginx.service").write_text("active\n")
    (states / "app.service").write_text(f"{state}\n")
    machine.wants(units=["nginx.service", "app.service"])
    assert machine.run() == 1
    assert machine.waiting == f"app.service: {state}\n"
    assert not machine.ready.exists()
    (states / "app.service").write_text("active\n")
    assert machine.run() == 0


def test_a_systemctl_that_says_nothing_is_no_yes(machine: Machine, states: Path) -> None:
    machine.wants(units=["nginx.service"])
    assert machine.run() == 1
    assert machine.waiting.startswith("nginx.service: systemctl says ")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 1), (404, 1), (500, 1), (503, 1)])
def test_health_is_200_and_nothing_else(
    machine: Machine, states: Path, answers: Answers, status: int, code: int
) -> None:
    (states / "nginx.service").write_text("active\n")
    answers.says["/healthz?deep=1"] = (status, "")
    machine.wants(units=["nginx.service"], health={"port": answers.port, "path": "/healthz?deep=1"})
    assert machine.run() == code
    if code:
        assert machine.waiting == f"nginx.service: port {answers.port} says {status} to GET /healthz?deep=1\n"
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    machine.wants(health={"port": free, "path": "/"})
    assert machine.run() == 1
    assert machine.waiting.startswith(f"bakewell-ready.service: port {free} does not answer: ")


def test_a_condition_of_the_roles_own_must_hold(machine: Machine) -> None:
    machine.condition("10-well", "exit 0")
    machine.condition("20-data", "echo looking; echo 'no data yet' >&2; exit 3")
    assert machine.run() == 1
    assert machine.waiting == "bakewell-ready.service: ready.d/20-data exits 3: no data yet\n"
    machine.condition("20-data", "exit 0")
    assert machine.run() == 0


def test_a_condition_that_is_no_executable_is_none(machine: Machine) -> None:
    machine.condition("README", "exit 1", mode=0o644)
    assert machine.run() == 0


def test_a_condition_that_hangs_does_not_stop_the_others(
    machine: Machine, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE", 0.2)
    machine.condition("slow", "exec sleep 20")
    assert machine.run() == 1
    assert "ready.d/slow takes more than" in machine.waiting


def test_it_waits_until_everything_holds(machine: Machine, states: Path, answers: Answers) -> None:
    (states / "nginx.service").write_text("activating\n")
    machine.wants(units=["nginx.service"], health={"port": answers.port, "path": "/"})

    def comes_up() -> None:
        time.sleep(0.2)
        (states / "nginx.service").write_text("active\n")
        time.sleep(0.2)
        answers.says["/"] = (200, "")

    started = time.monotonic()
    threading.Thread(target=comes_up).start()
    assert machine.run(limit=60) == 0
    assert time.monotonic() - started >= 0.4
    assert not (machine.root / "run/bakewell/waiting").exists()


def test_it_gives_up_and_says_what_is_missing(
    machine: Machine, states: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (states / "nginx.service").write_text("failed\n")
    machine.wants(units=["nginx.service"])
    started = time.monotonic()
    assert machine.run(limit=0.3) == 1
    assert time.monotonic() - started >= 0.3
    said = capsys.readouterr()
    assert said.out.splitlines() == ["nginx.service: failed"]  # once, not at each look
    assert "nginx.service: failed" in said.err
    assert machine.waiting == "nginx.service: failed\n"


def test_what_an_earlier_run_said_does_not_stay(machine: Machine, states: Path) -> None:
    assert machine.run() == 0
    (states / "nginx.service").write_text("inactive\n")
    machine.wants(units=["nginx.service"])
    assert machine.run() == 1
    assert not machine.ready.exists()


@pytest.mark.parametrize(
    ("leader", "health", "known", "waits_for"),
    [
        ((500, "No known Consul servers"), 200, ME, "no leader"),
        ((200, ""), 200, ME, "no leader"),
        ((200, "10.0.0.2:8300"), 404, ME, "service web is not registered"),
        ((200, "10.0.0.2:8300"), 503, ME, "service web is critical"),
        ((200, "10.0.0.2:8300"), 429, ME, "service web is warning"),
        ((200, "10.0.0.2:8300"), 200, OTHER, "service web is passing here, but the servers do not know it"),
        ((200, "10.0.0.2:8300"), 200, ME, None),
    ],
)
def test_a_client_waits_for_a_leader_and_its_own_service(
    machine: Machine, answers: Answers, leader: tuple[int, str], health: int, known: str, waits_for: str | None
) -> None:
    machine.wants(consul={"server": False, "service": "web"})
    machine.in_cluster(datacenter="nyc3", retry_join=["10.0.0.2"])
    members(machine, 1, clients=1)
    answers.says["/v1/status/leader"] = leader
    answers.says["/v1/agent/health/service/name/web?format=text"] = (health, "")
    answers.says["/v1/health/service/web?passing"] = (200, [{"Node": {"ID": known}}])
    answers.says["/v1/agent/self"] = (200, {"Config": {"NodeID": ME}})
    assert machine.run() == (1 if waits_for else 0)
    if waits_for:
        assert machine.waiting == f"consul.service: {waits_for}\n"


def server(machine: Machine, *, leader: str = "", voters: list[str] | None = None, peers: int = 0, joins: str) -> None:
    """A server of three whose agent answers so."""
    machine.wants(consul={"server": True, "service": "consul-server"})
    machine.in_cluster(server=True, bootstrap_expect=3, retry_join=[joins])
    raft = [{"ID": one, "Voter": one in (voters or [])} for one in (ME, OTHER)]
    machine.answers.says |= {
        "/v1/status/leader": (200, leader),
        "/v1/agent/self": (200, {"Config": {"NodeID": ME}}),
        "/v1/operator/raft/configuration": (200, {"Servers": raft}),
        "/v1/status/peers?stale": (200, [f"10.0.0.{number}:8300" for number in range(peers)]),
    }


def members(machine: Machine, *statuses: int, clients: int = 0) -> None:
    """Whom the agent knows: servers in these states, and clients that are well."""
    known = [{"Status": status, "Tags": {"role": "consul"}} for status in statuses]
    known += [{"Status": 1, "Tags": {"role": "node"}}] * clients
    machine.answers.says["/v1/agent/members"] = (200, known)


@pytest.mark.parametrize(
    ("agent", "servers", "waits_for"),
    [
        ({"leader": "10.0.0.2:8300", "voters": [OTHER], "joins": "10.0.0.2"}, (1,), "no vote so far"),
        ({"leader": "10.0.0.2:8300", "voters": [ME, OTHER], "joins": "10.0.0.2"}, (1,), None),
        ({"joins": SILENT}, (1,), None),
        ({"joins": MET}, (1,), f"{MET} answers, but has not let it join"),
        ({"joins": MET}, (1, 1), None),
        ({"joins": MET}, (1, 1, 1), "no leader"),
        ({"joins": MET}, (1, 4), "no leader"),
        ({"peers": 3, "joins": SILENT}, (1,), "no leader"),
    ],
    ids=[
        "a cluster with a leader wants its vote",
        "and has it",
        "the first of all waits for nobody",
        "alone, where others can be met",
        "the second does not wait for the third",
        "when all have met one must lead",
        "one that is gone shows that the cluster is broken",
        "it has been in a cluster before",
    ],
)
def test_a_server_waits_as_its_cluster_is(
    machine: Machine, gossip: socket.socket, agent: dict[str, Any], servers: tuple[int, ...], waits_for: str | None
) -> None:
    server(machine, **agent)
    members(machine, *servers, clients=2 if len(servers) > 1 else 0)
    assert machine.run() == (1 if waits_for else 0)
    assert waits_for is None or machine.waiting == f"consul.service: {waits_for}\n"


def test_it_does_not_call_a_machine_ready_before_user_data_could_tell_of_a_cluster(machine: Machine) -> None:
    machine.wants(consul={"server": False, "service": "web"})
    (machine.root / "usr/bin").mkdir(parents=True)
    (machine.root / "usr/bin/cloud-init").touch()
    assert machine.run() == 1 and machine.waiting == "cloud-init.service: user_data is not applied so far\n"
    for sign in ("etc/bakewell/machine.json", "run/cloud-init/result.json", "run/cloud-init/disabled"):
        path = machine.root / sign
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert machine.run() == 0, sign
        path.unlink()
    assert machine.run() == 1


@pytest.mark.parametrize("servers", [(), (4,)])
def test_a_client_that_met_no_server_says_whom_it_asks(machine: Machine, servers: tuple[int, ...]) -> None:
    machine.wants(consul={"server": False, "service": "web"})
    machine.in_cluster(datacenter="nyc3", retry_join=["10.0.0.2", "10.0.0.3"])
    members(machine, *servers, clients=1)
    assert machine.run() == 1
    assert machine.waiting == "consul.service: it has met no server, and asks 10.0.0.2, 10.0.0.3\n"
