"""AMIs in the whole program: built, copied, published as parameters, handed on to other accounts, cleaned up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.components.aws.conftest import on_aws
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, INSTANCE, PARAMETER, PERMISSION, UNKNOWN, Registered, Run

ELSEWHERE = "eu-west-1"
FRIEND = "210987654321"


@pytest.fixture
def copied(ec2: Fleet) -> Fleet:
    """Two regions, and another account that may launch."""
    on_aws(ec2, regions=["us-east-1", ELSEWHERE], launch_accounts=[FRIEND], instances={"web": {}})
    ec2.bake(cloud="aws")
    copied_to(ec2, ELSEWHERE)
    return ec2


def copied_to(fleet: Fleet, region: str) -> None:
    """Have every AMI in a further region, too, where its ID ends otherwise."""
    fleet.aws.found = [replace(made, elsewhere={region: f"{made.id}-there"}) for made in fleet.aws.found]


def provider(run: Run) -> dict[str, Any]:
    return run.of_type("pulumi:providers:aws")["aws"].inputs


def value(parameter: Registered) -> object:
    """Its value, which Pulumi takes for a secret wherever it comes from."""
    found: object = parameter.inputs["value"]
    return found["value"] if isinstance(found, dict) else found


def test_the_provider_is_in_the_first_region_and_of_the_stacks_account(ec2: Fleet) -> None:
    run = ec2.run(preview=True)
    assert provider(run)["region"] == "us-east-1"
    assert "allowedAccountIds" not in provider(run)
    assert not run.of_type("pulumi:providers:digitalocean")
    on_aws(ec2, regions=[ELSEWHERE], account="012345678901")
    given = provider(ec2.run(preview=True))
    assert (given["region"], given["allowedAccountIds"]) == (ELSEWHERE, '["012345678901"]')


def test_builds_and_copies_name_their_cloud_and_each_copy_has_its_own_id(copied: Fleet) -> None:
    run = copied.run()
    assert run.error is None
    commands = run.of_type(COMMAND)
    assert commands["aws-web"].inputs["create"] == "exec bakewell build web --cloud aws"
    assert commands[f"aws-web-{ELSEWHERE}"].inputs["create"] == f"exec bakewell copy web {ELSEWHERE} --cloud aws"
    assert commands[f"aws-web-{ELSEWHERE}"].depends_on == {"aws-web"} and commands["aws-web"].depends_on == {"aws-base"}
    (web,) = [made for made in copied.aws.found if made.role == "web"]
    assert run.outputs["images"]["web"]["aws"]["ids"] == {"us-east-1": web.id, ELSEWHERE: f"{web.id}-there"}
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == web.id


def test_each_role_has_a_parameter_in_each_region_with_the_ami_that_it_has_there(copied: Fleet) -> None:
    run = copied.run()
    parameters = run.of_type(PARAMETER)
    assert set(parameters) == {f"aws-{role}{tail}" for role in ("base", "web", "api") for tail in ("", f"-{ELSEWHERE}")}
    (web,) = [made for made in copied.aws.found if made.role == "web"]
    for name, region, ami in (("aws-web", "us-east-1", web.id), (f"aws-web-{ELSEWHERE}", ELSEWHERE, f"{web.id}-there")):
        inputs = parameters[name].inputs
        assert (inputs["name"], inputs["region"], value(parameters[name])) == ("/bakewell/dev/web", region, ami)
        assert (inputs["type"], inputs["dataType"]) == ("String", "aws:ec2:image")
        assert "aws" in parameters[name].provider


def test_parameters_are_called_by_the_stacks_prefix_and_know_no_ami_before_it_is_built(ec2: Fleet) -> None:
    ec2.config["bakewell:prefix"] = "acme"
    run = ec2.run(preview=True, rerun=frozenset({"aws-web"}))
    assert run.of_type(PARAMETER)["aws-web"].inputs["name"] == "/acme/dev/web"
    assert value(run.of_type(PARAMETER)["aws-web"]) == UNKNOWN


def test_each_account_may_launch_each_ami_in_each_region(copied: Fleet) -> None:
    permissions = copied.run().of_type(PERMISSION)
    assert len(permissions) == 6
    (web,) = [made for made in copied.aws.found if made.role == "web"]
    there = permissions[f"aws-web-{ELSEWHERE}-{FRIEND}"].inputs
    assert there == {"imageId": f"{web.id}-there", "accountId": FRIEND, "region": ELSEWHERE}
    assert permissions[f"aws-web-{FRIEND}"].inputs["imageId"] == web.id


def test_retention_waits_for_all_that_refers_to_an_ami(ec2: Fleet) -> None:
    ec2.bake(cloud="aws")
    on_aws(ec2, launch_accounts=[FRIEND], instances={"web": {}}, fleets={"web": {}})
    run = ec2.run()
    command = run["aws-retention"]
    assert command.inputs["create"] == "exec bakewell clean --from-pulumi --cloud aws"
    wanted = {role: ec2.fingerprint(role, "aws") for role in ("base", "web", "api")}
    assert command.inputs["triggers"] == [{"keep": 3, "pins": []}, wanted, dict.fromkeys(wanted, 0)]
    urns: Any = command.request.dependencies
    kinds = {urn.split("::")[2].rpartition(":")[2] for urn in urns}
    assert {"Command", "Instance", "Group", "LaunchTemplate", "Parameter", "AmiLaunchPermission"} <= kinds
    assert len(run.outputs["retention"]["aws"]["key"]) == 64


def test_what_lives_elsewhere_is_copied_to_where_machines_run(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    copied_to(ec2, ELSEWHERE)
    on_aws(ec2, regions=[ELSEWHERE], instances={"web": {}})
    run = ec2.run()
    assert f"aws-web-{ELSEWHERE}" in run.of_type(COMMAND)
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == f"{baked['web'].id}-there"
    assert value(run.of_type(PARAMETER)["aws-web"]) == f"{baked['web'].id}-there"


def test_an_ami_that_is_gone_is_made_again(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    ec2.aws.found.remove(baked["web"])
    run = ec2.run(preview=True, rerun=frozenset({"aws-web", "aws-retention"}))
    assert run.of_type(COMMAND)["aws-web"].inputs["triggers"][2] == 1
    assert f"({baked['web'].id}) in the outputs is gone from the cloud: will be rebuilt" in run.said("warning")
