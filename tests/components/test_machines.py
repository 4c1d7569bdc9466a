"""Machines in the whole program: how they become ready, who may log in, and the Consul cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bakewell.clouds.resources import AccountKey
from tests.components.conftest import CLIENT, Fleet, machines
from tests.components.engine import ASSIGNMENT, COMMAND, DROPLET, RESERVED_IP, UNKNOWN, Run
from tests.components.fleet import IMAGES, project

SERVER = "digitalocean-consul-server"
API, WEB = "digitalocean-api-1", "digitalocean-web-1"


def told(run: Run, machine: str) -> dict[str, Any]:
    """The files that a machine's user_data writes, read as JSON, and its bootcmd."""
    document = yaml.safe_load(run[machine].inputs["userData"])
    files = {file["path"]: json.loads(file["content"]) for file in document["write_files"]}
    return {**files, "bootcmd": document.get("bootcmd")}


def test_readiness_is_a_command_with_every_input(fleet: Fleet) -> None:
    fleet.bake()
    command = fleet.run()[f"{WEB}-ready"]
    assert command.inputs == {
        "create": "exec bakewell ready",
        "dir": ".",
        "stdin": "",
        "logging": "stderr",
        "addPreviousOutputInEnv": False,
        "environment": {
            "BAKEWELL_MACHINE": WEB,
            "BAKEWELL_ADDRESS": "192.0.2.7",
            "BAKEWELL_URL": "http://192.0.2.7:8080/",
        },
        "triggers": ["77"],
    }
    assert command.secret_outputs == ("stdout", "stderr")
    assert WEB in command.depends_on


def test_a_machine_that_can_be_asked_in_no_way_is_not_waited_for(fleet: Fleet) -> None:
    fleet.bake()
    assert f"{API}-ready" not in fleet.run().of_type(COMMAND)
    fleet.listing.keys = [AccountKey("7", "ops")]
    machines(fleet, web={}, api={"ssh_keys": ["ops"]})
    environment = fleet.run()[f"{API}-ready"].inputs["environment"]
    assert environment == {"BAKEWELL_MACHINE": API, "BAKEWELL_ADDRESS": "192.0.2.7"}, "it is asked over SSH"


def test_a_key_is_meant_by_name_id_or_fingerprint(fleet: Fleet) -> None:
    fleet.bake()
    fleet.listing.keys = [AccountKey("7", "ops"), AccountKey("8", "alice@desk")]
    fingerprint = ":".join(["3b"] * 16)
    machines(fleet, web={"ssh_keys": ["alice@desk", "512190", fingerprint]})
    assert fleet.run()[WEB].inputs["sshKeys"] == ["8", "512190", fingerprint]
    assert fleet.listing.asked.count("keys") == 1
    machines(fleet, web={"ssh_keys": ["512190"]})
    fleet.run()
    assert fleet.listing.asked.count("keys") == 1, "not where none is meant by name"


def test_servers_have_an_address_each_that_every_other_machine_is_told(cluster: Fleet) -> None:
    run = cluster.run()
    assert run.error is None
    addresses = run.of_type(RESERVED_IP)
    assert set(addresses) == {f"{SERVER}-{n}-address" for n in (1, 2, 3)}
    assert all(address.inputs == {"region": "nyc3"} for address in addresses.values())
    assert all(address.ignored == ("dropletId",) for address in addresses.values())
    second = told(run, f"{SERVER}-2")["/etc/consul.d/cluster.json"]
    assert second == {
        "datacenter": "nyc3",
        "server": True,
        "bootstrap_expect": 3,
        "retry_join": ["203.0.113.1", "203.0.113.3"],
        "retry_interval": "2s",
    }
    client = told(run, API)["/etc/consul.d/cluster.json"]
    assert client["retry_join"] == ["203.0.113.1", "203.0.113.2", "203.0.113.3"]
    assert "server" not in client
    assert "/etc/consul.d/cluster.json" not in told(run, WEB)
    for resource in (*addresses.values(), *run.of_type(ASSIGNMENT).values()):
        assert resource.parent == "digitalocean-consul"
        assert "digitalocean" in resource.provider
    assert run[f"{SERVER}-1-ready"].parent == f"{SERVER}-1"


def test_what_machines_are_told_waits_for_the_addresses_and_is_checked_before(cluster: Fleet) -> None:
    new = frozenset({f"{SERVER}-{n}-address" for n in (1, 2, 3)})
    run = cluster.run(preview=True, rerun=new)
    assert run[API].inputs["userData"] == run[f"{SERVER}-1"].inputs["userData"] == UNKNOWN
    assert run[WEB].inputs["userData"].startswith("#cloud-config")
    services = ", ".join(f'"{"x" * 200}{n}.service"' for n in range(400))
    (cluster.root / "packer/images/api/image.toml").write_text(
        'description = "api"\nparent = "base"\n' + f"[boot]\nservices = [{services}]\n" + CLIENT
    )
    refused = cluster.run(preview=True, rerun=new)
    assert isinstance(refused.error, SystemExit)
    assert "user_data of api is" in refused.said("error")
    assert not refused.of_type(DROPLET)


def test_servers_become_ready_one_by_one_and_clients_when_the_addresses_lead_somewhere(cluster: Fleet) -> None:
    run = cluster.run()
    droplets = {f"{SERVER}-{n}" for n in (1, 2, 3)}
    assert run[f"{SERVER}-1-ready"].depends_on >= droplets, "or one alone would wait for those not made yet"
    assert f"{SERVER}-1-ready" in run[f"{SERVER}-2-ready"].depends_on
    assert {f"{SERVER}-1-ready", f"{SERVER}-2-ready"} <= run[f"{SERVER}-3-ready"].depends_on
    assignments = run.of_type(ASSIGNMENT)
    for n in (1, 2, 3):
        assigned = assignments[f"{SERVER}-{n}-assignment"]
        assert f"{SERVER}-{n}-ready" in assigned.depends_on, "the address moves to a server that is ready"
        assert assigned.inputs == {"ipAddress": f"203.0.113.{n}", "dropletId": 77}
    assert set(assignments) <= run[f"{API}-ready"].depends_on
    assert not set(assignments) & run[f"{WEB}-ready"].depends_on


def test_only_machines_of_the_cluster_leave_it_and_servers_one_after_the_other(cluster: Fleet) -> None:
    commands = cluster.run().of_type(COMMAND)
    leaving = {name for name, command in commands.items() if command.inputs.get("delete") == "exec bakewell retire"}
    assert leaving == {
        f"{API}-membership",
        *(f"{SERVER}-{n}-membership" for n in (1, 2, 3)),
    }
    # It is there before anybody asks whether the machine is ready: one that never gets so leaves, too.
    assert all(name in commands[name.replace("membership", "ready")].depends_on for name in leaving)
    first, second, third = (f"{SERVER}-{n}-membership" for n in (1, 2, 3))
    assert first in commands[second].depends_on
    assert {first, second} <= commands[third].depends_on
    assert {first, second, third} <= commands[f"{API}-membership"].depends_on


def test_a_stack_without_servers_has_no_cluster(cluster: Fleet) -> None:
    machines(cluster, api={"ssh_keys": ["ops"]})
    run = cluster.run()
    assert set(told(run, API)) == {"/etc/bakewell/machine.json", "bootcmd"}
    assert not run.of_type(RESERVED_IP) and "delete" not in run[f"{API}-ready"].inputs
    machines(cluster, api={"ssh_keys": ["ops"]}, consul_server={"count": 0})
    assert not cluster.run().of_type(RESERVED_IP)


@pytest.mark.parametrize(("count", "warned"), [(1, False), (2, True), (3, False), (4, True)])
def test_an_even_number_of_servers_is_remarked_upon(cluster: Fleet, count: int, warned: bool) -> None:
    machines(cluster, consul_server={"count": count})
    assert ("Consul servers survive" in cluster.run().said("warning")) is warned


def test_where_there_is_no_consul_a_machine_is_told_of_its_peers(fleet: Fleet, tmp_path: Path) -> None:
    fleet.root = tmp_path / "peers"
    images = {**IMAGES, "api": IMAGES["api"] + "health = { port = 9000 }\n", "web": IMAGES["web"] + 'peers = ["api"]\n'}
    project(fleet.root, images)
    machines(fleet, web={}, api={"count": 2})
    fleet.bake()
    run = fleet.run()
    files = yaml.safe_load(run[WEB].inputs["userData"])["write_files"]
    (peers,) = [file["content"] for file in files if file["path"] == "/etc/bakewell/peers/api"]
    assert peers == "192.0.2.7:9000\n192.0.2.7:9000\n"
    assert "peers" not in run[API].inputs["userData"]
