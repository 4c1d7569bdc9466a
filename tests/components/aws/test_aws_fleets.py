"""RoleFleet in the whole program: a launch template, and a group that follows it."""

from __future__ import annotations

import base64

from bakewell.user_data import MACHINE_FILE
from tests.components.aws.conftest import SECRET, on_aws
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, GROUP, SECURITY_GROUP, TEMPLATE, UNKNOWN, Run
from tests.components.fleet import project

NAME = "aws-web"


def template(run: Run) -> dict[str, object]:
    found: dict[str, object] = run.of_type(TEMPLATE)[NAME].inputs
    return found


def group(run: Run) -> dict[str, object]:
    found: dict[str, object] = run.of_type(GROUP)[NAME].inputs
    return found


def told(run: Run) -> str:
    return base64.b64decode(str(template(run)["userData"])).decode()


def test_its_template_has_the_ami_and_user_data_in_base64(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    run = ec2.run()
    assert run.error is None
    made = template(run)
    assert made["imageId"] == baked["web"].id and made["instanceType"] == "t3.micro"
    assert told(run).startswith("#cloud-config\n") and MACHINE_FILE in told(run)
    assert made["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert made["updateDefaultVersion"] is True and made["vpcSecurityGroupIds"] == [f"sg-{NAME}"]
    tags = {"bakewell:project": "bakewell", "bakewell:role": "web", "Name": NAME}
    assert made["tagSpecifications"] == [{"resourceType": "instance", "tags": tags}] and made["tags"] == tags
    assert "keyName" not in made and "iamInstanceProfile" not in made
    assert SECRET not in told(run)


def test_its_group_follows_the_latest_version_and_replaces_machines_as_it_goes(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    made = group(ec2.run())
    assert (made["minSize"], made["maxSize"], made["desiredCapacity"]) == (3, 4, 3)
    assert made["launchTemplate"] == {"id": f"lt-{NAME}", "version": "3"}
    preferences = {"minHealthyPercentage": 100, "maxHealthyPercentage": 110, "instanceWarmup": "30"}
    assert made["instanceRefresh"] == {"strategy": "Rolling", "preferences": preferences}
    assert {tag["propagateAtLaunch"] for tag in made["tags"]} == {False}  # type: ignore[attr-defined]


def test_another_image_is_another_version(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    run = ec2.run(preview=True, rerun=frozenset({NAME, "aws-retention"}))
    assert template(run)["imageId"] == UNKNOWN
    assert group(run)["launchTemplate"] == {"id": f"lt-{NAME}", "version": UNKNOWN}
    assert run.outputs["fleets"]["web"]["role"] == "web"
    assert UNKNOWN in run.of_type(COMMAND)[f"{NAME}-ready"].inputs["triggers"], "who looks sees that it is waited for"


def test_its_machines_are_waited_for_in_each_version(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    command = ec2.run().of_type(COMMAND)[f"{NAME}-ready"]
    environment = {"BAKEWELL_MACHINE": NAME, "BAKEWELL_GROUP": f"{NAME}-1234567"}
    assert command.inputs == {
        "create": "exec bakewell fleet",
        "dir": ".",
        "stdin": "",
        "logging": "stderr",
        "addPreviousOutputInEnv": False,
        "environment": environment,
        "triggers": [f"{NAME}-1234567", f"lt-{NAME}", 3, 3],
    }
    assert command.parent == NAME and command.secret_outputs == ("stdout", "stderr")


def test_the_machines_of_a_grown_fleet_are_waited_for(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    triggers = []
    for count in (3, 5):
        on_aws(ec2, fleets={"web": {"count": count}})
        triggers.append(ec2.run().of_type(COMMAND)[f"{NAME}-ready"].inputs["triggers"])
    assert triggers[0] != triggers[1]


def test_it_is_in_every_zone_of_the_default_vpc_unless_the_settings_name_subnets(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    run = ec2.run()
    assert group(run)["vpcZoneIdentifiers"] == ["subnet-a", "subnet-b"]
    asked = {call.token.rpartition(":")[2]: call.args for call in run.calls}
    assert set(asked) == {"getInstanceTypeOfferings", "getVpc", "getSubnets"}
    zones = next(one for one in asked["getSubnets"]["filters"] if one["name"] == "availability-zone")
    assert zones["values"] == ["us-east-1a", "us-east-1b"], "those that have such machines"
    assert all("aws" in call.provider for call in run.calls), "asked of the stack's own region"
    assert "vpcId" not in run.of_type(SECURITY_GROUP)[NAME].inputs
    on_aws(ec2, fleets={"web": {"subnets": ["subnet-0a", "subnet-0b"], "key": "ops", "profile": "web"}})
    run = ec2.run()
    assert group(run)["vpcZoneIdentifiers"] == ["subnet-0a", "subnet-0b"]
    assert run.of_type(SECURITY_GROUP)[NAME].inputs["vpcId"] == "vpc-of-subnet-0a"
    assert template(run)["keyName"] == "ops" and template(run)["iamInstanceProfile"] == {"name": "web"}


def test_its_machines_are_told_of_their_peers(ec2: Fleet) -> None:
    ec2.root = ec2.root.with_name("pair")
    toml = 'description = "{0}"\nparent = "base"\n[boot]\n'
    images = {
        "base": 'description = "base"\nbase = "debian-12"\n',
        "web": toml.format("web") + 'peers = ["api"]\n',
        "api": toml.format("api") + "health = { port = 9000 }\n",
    }
    project(ec2.root, images)
    on_aws(ec2, instances={"api": {}}, fleets={"web": {}})
    ec2.bake(cloud="aws")
    assert "10.0.0.1:9000\\n" in told(ec2.run())
    assert template(ec2.run(preview=True, rerun=frozenset({"aws-api-1"})))["userData"] == UNKNOWN


def test_a_fleet_is_nobodys_peer_for_its_machines_have_no_addresses_to_tell(ec2: Fleet) -> None:
    images = {
        "base": 'description = "base"\nbase = "debian-12"\n',
        "web": 'description = "web"\nparent = "base"\n[boot]\npeers = ["api"]\n',
        "api": 'description = "api"\nparent = "base"\n[boot]\nhealth = { port = 9000 }\n',
    }
    ec2.root = ec2.root.with_name("pair")
    project(ec2.root, images)
    on_aws(ec2, instances={"web": {}}, fleets={"api": {}})
    run = ec2.run(preview=True)
    assert isinstance(run.error, SystemExit)
    assert "`web` has to find `api`, whose machines are a fleet" in run.said("error")
    on_aws(ec2, instances={"web": {}, "api": {}}, fleets={"api": {}})
    assert ec2.run(preview=True).error is None


def test_outputs_of_a_fleet(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    run = ec2.run()
    assert run.outputs["fleets"] == {"web": {"role": "web", "group": "aws-web-1234567", "image": baked["web"].id}}
    assert "aws-web" not in run.outputs["machines"], "its machines come and go"


def test_a_fleet_of_none_is_a_group_without_machines(ec2: Fleet) -> None:
    on_aws(ec2, fleets={"web": {"count": 0}})
    made = group(ec2.run(preview=True))
    assert (made["minSize"], made["desiredCapacity"]) == (0, 0)
