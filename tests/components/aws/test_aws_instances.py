"""RoleInstance in the whole program: what an instance is made from, who reaches it, and how it becomes ready."""

from __future__ import annotations

import base64

import pytest

from bakewell.user_data import MACHINE_FILE
from tests.components.aws.conftest import on_aws
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, INSTANCE, SECURITY_GROUP, TEMPLATE, UNKNOWN, Run
from tests.components.fleet import image, project

WEB, API = "aws-web-1", "aws-api-1"
PEERS = {
    "base": 'description = "base"\nbase = "debian-12"\n',
    "web": 'description = "web"\nparent = "base"\n[boot]\nhealth = { port = 8080 }\npeers = ["api"]\n',
    "api": 'description = "api"\nparent = "base"\n[boot]\nhealth = { port = 9000 }\n',
}


def instance(run: Run, name: str) -> dict[str, object]:
    found: dict[str, object] = run.of_type(INSTANCE)[name].inputs
    return found


def ports(run: Run, name: str) -> dict[int, list[str]]:
    """What is let in, by port."""
    rules = run.of_type(SECURITY_GROUP)[name].inputs.get("ingress", [])
    assert all(rule["protocol"] == "tcp" and rule["fromPort"] == rule["toPort"] for rule in rules)
    return {int(rule["fromPort"]): rule["cidrBlocks"] for rule in rules}


def test_an_instance_boots_the_roles_ami_and_is_told_only_who_it_is(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    run = ec2.run()
    assert run.error is None
    made = instance(run, WEB)
    assert made["ami"] == baked["web"].id and made["instanceType"] == "t3.micro"
    assert made["tags"] == {"bakewell:project": "bakewell", "bakewell:role": "web", "Name": WEB}
    told = str(made["userData"])
    assert told.startswith("#cloud-config\n") and "nginx.service" in told and MACHINE_FILE in told
    assert made["userDataReplaceOnChange"] is True, "or it would be stopped and told the new, which it never reads"
    assert "keyName" not in made and "iamInstanceProfile" not in made and "subnetId" not in made
    options = {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}
    assert made["metadataOptions"] == options, "a token is wanted, and goes no further than the machine"
    assert instance(run, API)["ami"] == baked["api"].id
    assert set(run.of_type(INSTANCE)) == {WEB, "aws-web-2", API}


def test_settings_of_an_instance_are_what_it_is_made_with(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    wanted = {"type": "t3.small", "key": "ops", "profile": "web", "subnet": "subnet-0a"}
    on_aws(ec2, instances={"web": wanted})
    run = ec2.run()
    made = instance(run, WEB)
    assert (made["instanceType"], made["keyName"], made["iamInstanceProfile"]) == ("t3.small", "ops", "web")
    assert made["subnetId"] == "subnet-0a"
    assert run.of_type(SECURITY_GROUP)[WEB].inputs["vpcId"] == "vpc-of-subnet-0a"
    assert {call.token for call in run.calls} == {"aws:ec2/getSubnet:getSubnet"}
    assert all("aws" in call.provider for call in run.calls)


def test_the_roles_own_port_is_open_and_ssh_only_to_whom_the_settings_name(ec2: Fleet) -> None:
    run = ec2.run(preview=True)
    assert ports(run, WEB) == {8080: ["0.0.0.0/0"]}
    assert ports(run, API) == {}, "it answers nobody"
    assert instance(run, WEB)["vpcSecurityGroupIds"] == [f"sg-{WEB}"]
    group = run.of_type(SECURITY_GROUP)[WEB]
    assert group.parent == WEB and "vpcId" not in group.inputs
    assert group.inputs["egress"] == [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]
    on_aws(ec2, instances={"web": {"open_to": [], "ssh_from": ["192.0.2.0/24"]}, "api": {"ssh_from": ["10.0.0.0/8"]}})
    run = ec2.run(preview=True)
    assert ports(run, WEB) == {22: ["192.0.2.0/24"]} and ports(run, API) == {22: ["10.0.0.0/8"]}


def test_readiness_is_waited_for_where_an_instance_can_be_asked(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    command = ec2.run()["aws-web-1-ready"]
    where = {"BAKEWELL_ADDRESS": "198.51.100.7", "BAKEWELL_URL": "http://198.51.100.7:8080/"}
    assert command.inputs["environment"] == {"BAKEWELL_MACHINE": WEB, **where}
    assert command.inputs["triggers"] == [f"i-{WEB}"] and command.parent == WEB
    for settings, asked in (({}, False), ({"key": "ops"}, False), ({"key": "ops", "ssh_from": ["10.0.0.0/8"]}, True)):
        on_aws(ec2, instances={"api": settings})
        assert ("aws-api-1-ready" in ec2.run().of_type(COMMAND)) is asked
    on_aws(ec2, instances={"web": {"open_to": []}})
    assert "aws-web-1-ready" not in ec2.run().of_type(COMMAND), "nobody reaches its port"


def test_outputs_of_an_instance(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    machines = ec2.run().outputs["machines"]
    assert machines[WEB] == {
        "role": "web",
        "address": "198.51.100.7",
        "url": "http://198.51.100.7:8080/",
        "image": baked["web"].id,
        "ready_seconds": 1.42,
    }
    assert machines[API]["url"] is machines[API]["ready_seconds"] is None
    assert set(machines) == {WEB, "aws-web-2", API}


def test_a_pin_gives_the_instances_another_ami_by_any_of_its_ids(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    before = ec2.run()
    old = image("web", "0" * 64, 0, cloud="aws", regions=("eu-west-1", "us-east-1"), elsewhere={"eu-west-1": "ami-eu"})
    ec2.aws.found.insert(0, old)
    for wanted in (old.name, old.id, "ami-eu"):
        ec2.config["bakewell:pins"] = f'{{"web": "{wanted}"}}'
        run = ec2.run()
        assert instance(run, WEB)["ami"] == old.id, "as it is called where machines run"
        assert run.of_type(COMMAND)["aws-web"].inputs == before.of_type(COMMAND)["aws-web"].inputs
        assert run["aws-retention"].inputs["triggers"][0] == {"keep": 3, "pins": [wanted]}


# Peers.


@pytest.fixture
def pair(ec2: Fleet) -> Fleet:
    """Two instances of api, which web has to find."""
    ec2.root = ec2.root.with_name("pair")
    project(ec2.root, PEERS)
    on_aws(ec2, instances={"web": {}, "api": {"count": 2}}, fleets={"web": {}})
    return ec2


def told(run: Run) -> str:
    return str(instance(run, WEB)["userData"])


def test_instances_and_fleets_are_told_where_their_peers_are_on_their_own_network(pair: Fleet) -> None:
    pair.bake(cloud="aws")
    run = pair.run()
    of_fleet = base64.b64decode(str(run.of_type(TEMPLATE)["aws-web"].inputs["userData"])).decode()
    for text in (told(run), of_fleet):
        assert "/etc/bakewell/peers/api" in text
        assert "10.0.0.1:9000\\n10.0.0.2:9000\\n" in text, "JSON, with a line each"
        assert "198.51.100.7" not in text
    assert "peers" not in str(instance(run, API)["userData"])


def test_what_it_is_told_waits_for_its_peers_to_be_there(pair: Fleet) -> None:
    pair.bake(cloud="aws")
    run = pair.run(preview=True, rerun=frozenset({"aws-api-2"}))
    assert run.error is None and told(run) == run.of_type(TEMPLATE)["aws-web"].inputs["userData"] == UNKNOWN
    assert str(instance(run, API)["userData"]).startswith("#cloud-config")


def test_a_machine_without_peers_in_the_stack_is_told_of_none(pair: Fleet) -> None:
    pair.bake(cloud="aws")
    on_aws(pair, instances={"web": {}})
    assert "/etc/bakewell/peers/api" in told(pair.run()) and "9000" not in told(pair.run())


def test_a_fleet_is_nobodys_peer_for_its_machines_have_no_addresses_to_tell(pair: Fleet) -> None:
    on_aws(pair, instances={"web": {}}, fleets={"api": {}})
    run = pair.run(preview=True)
    assert isinstance(run.error, SystemExit)
    assert "`web` has to find `api`, whose machines are a fleet" in run.said("error")
    on_aws(pair, instances={"web": {}, "api": {}}, fleets={"api": {}})
    assert pair.run(preview=True).error is None
