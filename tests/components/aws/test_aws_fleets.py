"""RoleFleet in the whole program: a launch template, and a group that follows it."""

from __future__ import annotations

import base64

from bakewell.user_data import MACHINE_FILE
from tests.components.aws.conftest import on_aws
from tests.components.conftest import SECRET, Fleet
from tests.components.engine import COMMAND, GROUP, SECURITY_GROUP, TEMPLATE, UNKNOWN, Run

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
    # Its group follows the latest version, and replaces machines as it goes.
    made = group(run)
    assert (made["minSize"], made["maxSize"], made["desiredCapacity"]) == (3, 4, 3)
    assert made["launchTemplate"] == {"id": f"lt-{NAME}", "version": "3"}
    preferences = {"minHealthyPercentage": 100, "maxHealthyPercentage": 110, "instanceWarmup": "30"}
    assert made["instanceRefresh"] == {"strategy": "Rolling", "preferences": preferences}
    assert {tag["propagateAtLaunch"] for tag in made["tags"]} == {False}  # type: ignore[attr-defined]
    assert run.outputs["fleets"] == {"web": {"role": "web", "group": "aws-web-1234567", "image": baked["web"].id}}
    assert "aws-web" not in run.outputs["machines"], "its machines come and go"


def test_another_image_is_another_version(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    run = ec2.run(preview=True, rerun=frozenset({NAME, "aws-retention"}))
    assert template(run)["imageId"] == UNKNOWN
    assert group(run)["launchTemplate"] == {"id": f"lt-{NAME}", "version": UNKNOWN}
    assert run.outputs["fleets"]["web"]["role"] == "web"
    assert UNKNOWN in run.of_type(COMMAND)[f"{NAME}-ready"].inputs["triggers"], "who looks sees that it is waited for"


def test_its_machines_are_waited_for_in_each_version_and_number(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    on_aws(ec2, fleets={"web": {"count": 5}})
    command = ec2.run().of_type(COMMAND)[f"{NAME}-ready"]
    environment = {"BAKEWELL_MACHINE": NAME, "BAKEWELL_GROUP": f"{NAME}-1234567"}
    assert (command.inputs["create"], command.inputs["environment"]) == ("exec bakewell fleet", environment)
    assert command.inputs["triggers"] == [f"{NAME}-1234567", f"lt-{NAME}", 3, 5], "the latest version, and how many"
    assert command.parent == NAME and command.secret_outputs == ("stdout", "stderr")


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


def test_a_fleet_of_none_is_a_group_without_machines(ec2: Fleet) -> None:
    on_aws(ec2, fleets={"web": {"count": 0}})
    made = group(ec2.run(preview=True))
    assert (made["minSize"], made["desiredCapacity"]) == (0, 0)
