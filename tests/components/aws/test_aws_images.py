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
    on_aws(
        ec2, regions=["us-east-1", ELSEWHERE], launch_accounts=[FRIEND], kms_key="alias/images", instances={"web": {}}
    )
    ec2.bake(cloud="aws")
    copied_to(ec2, ELSEWHERE)
    return ec2


def copied_to(fleet: Fleet, region: str) -> None:
    """Have every AMI in a further region, too, where its ID ends otherwise."""
    fleet.aws.found = [replace(made, elsewhere={region: f"{made.id}-there"}) for made in fleet.aws.found]


def provider(run: Run) -> dict[str, Any]:
    return run.of_type("pulumi:providers:aws")["aws"].inputs


def value(parameter: Registered) -> object:
    """Its value, which is no secret: a preview shows it."""
    assert "value" not in parameter.inputs
    return parameter.inputs["insecureValue"]


def test_the_provider_is_in_the_first_region_and_of_the_stacks_account(ec2: Fleet) -> None:
    run = ec2.run(preview=True)
    assert provider(run)["region"] == "us-east-1"
    assert "allowedAccountIds" not in provider(run)
    assert not run.of_type("pulumi:providers:digitalocean")
    on_aws(ec2, regions=[ELSEWHERE], account="012345678901")
    given = provider(ec2.run(preview=True))
    assert (given["region"], given["allowedAccountIds"]) == (ELSEWHERE, '["012345678901"]')


def test_each_region_has_its_own_ami_a_parameter_that_names_it_and_a_permission_for_each_account(copied: Fleet) -> None:
    run = copied.run()
    assert run.error is None
    commands = run.of_type(COMMAND)
    assert commands["aws-web"].inputs["create"] == "exec bakewell build web --cloud aws"
    assert commands[f"aws-web-{ELSEWHERE}"].inputs["create"] == f"exec bakewell copy web {ELSEWHERE} --cloud aws"
    assert commands[f"aws-web-{ELSEWHERE}"].depends_on == {"aws-web"} and commands["aws-web"].depends_on == {"aws-base"}
    (web,) = [made for made in copied.aws.found if made.role == "web"]
    assert run.outputs["bakewell"]["aws"]["images"]["web"]["ids"] == {"us-east-1": web.id, ELSEWHERE: f"{web.id}-there"}
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == web.id
    # Each role has a parameter in each region, with the AMI that it has there.
    parameters = run.of_type(PARAMETER)
    regions = ("us-east-1", ELSEWHERE)
    assert set(parameters) == {f"aws-{role}-{region}" for role in ("base", "web", "api") for region in regions}
    for region, ami in zip(regions, (web.id, f"{web.id}-there"), strict=True):
        name = f"aws-web-{region}"
        inputs = parameters[name].inputs
        assert (inputs["name"], inputs["region"], value(parameters[name])) == ("/bakewell/dev/web", region, ami)
        assert (inputs["type"], inputs["dataType"]) == ("String", "aws:ec2:image")
        assert "aws" in parameters[name].provider
    # Each account may launch each AMI in each region.
    permissions = run.of_type(PERMISSION)
    assert len(permissions) == 6
    there = permissions[f"aws-web-{ELSEWHERE}-{FRIEND}"].inputs
    assert there == {"imageId": f"{web.id}-there", "accountId": FRIEND, "region": ELSEWHERE}
    assert permissions[f"aws-web-us-east-1-{FRIEND}"].inputs["imageId"] == web.id


def test_parameters_are_called_by_the_stacks_prefix_and_know_no_ami_before_it_is_built(ec2: Fleet) -> None:
    ec2.config["bakewell:prefix"] = "acme"
    run = ec2.run(preview=True, rerun=frozenset({"aws-web"}))
    parameter = run.of_type(PARAMETER)["aws-web-us-east-1"]
    assert parameter.inputs["name"] == "/acme/dev/web"
    assert value(parameter) == UNKNOWN


def test_retention_waits_for_all_that_refers_to_an_ami(ec2: Fleet) -> None:
    on_aws(ec2, launch_accounts=[FRIEND], encrypted=False, instances={"web": {}}, fleets={"web": {}})
    ec2.bake(cloud="aws")
    run = ec2.run()
    command = run["aws-retention"]
    assert command.inputs["create"] == "exec bakewell clean --from-pulumi --cloud aws"
    wanted = {role: ec2.fingerprint(role, "aws") for role in ("base", "web", "api")}
    assert command.inputs["triggers"] == [{"keep": 3, "pins": []}, wanted, dict.fromkeys(wanted, 0)]
    urns: Any = command.request.dependencies
    kinds = {urn.split("::")[2].rpartition(":")[2] for urn in urns}
    assert {"aws-web-1-ready", "aws-web-ready"} <= {urn.rpartition("::")[2] for urn in urns}
    assert {"Command", "Instance", "Group", "LaunchTemplate", "Parameter", "AmiLaunchPermission"} <= kinds
    assert len(run.outputs["bakewell"]["aws"]["retention"]["key"]) == 64


def test_what_lives_elsewhere_is_copied_to_where_machines_run(ec2: Fleet) -> None:
    baked = ec2.bake(cloud="aws")
    copied_to(ec2, ELSEWHERE)
    on_aws(ec2, regions=[ELSEWHERE], instances={"web": {}})
    run = ec2.run()
    copies = {f"aws-{role}-{ELSEWHERE}" for role in ("base", "web", "api")}
    assert copies <= set(run.of_type(COMMAND)) and "aws-web-us-east-1" not in run.of_type(COMMAND)
    assert run.of_type(INSTANCE)["aws-web-1"].inputs["ami"] == f"{baked['web'].id}-there"
    assert value(run.of_type(PARAMETER)[f"aws-web-{ELSEWHERE}"]) == f"{baked['web'].id}-there"


def test_regions_in_another_order_are_the_same_parameters_and_permissions(copied: Fleet) -> None:
    """Else one would be made under a name that the other, which goes last, still has."""

    def handed_on(run: Run) -> dict[str, Any]:
        return {name: one.inputs for kind in (PARAMETER, PERMISSION) for name, one in run.of_type(kind).items()}

    before = handed_on(copied.run())
    on_aws(
        copied,
        regions=[ELSEWHERE, "us-east-1"],
        launch_accounts=[FRIEND],
        kms_key="alias/images",
        instances={"web": {}},
    )
    assert before and handed_on(copied.run()) == before


def test_a_copy_that_is_gone_is_made_again_from_the_same_image(copied: Fleet) -> None:
    copied.outputs["bakewell"] = copied.run().outputs["bakewell"]
    assert not copied.run(preview=True).said("warning")
    copied.aws.found = [replace(one, elsewhere={}) if one.role == "web" else one for one in copied.aws.found]
    (web,) = [one for one in copied.aws.found if one.role == "web"]
    run = copied.run(preview=True, rerun=frozenset({"aws-web", f"aws-web-{ELSEWHERE}", "aws-retention"}))
    commands = run.of_type(COMMAND)
    assert commands["aws-web"].inputs["triggers"][2] == commands[f"aws-web-{ELSEWHERE}"].inputs["triggers"][1] == 1
    assert f"in the outputs is no longer there as {web.id}-there: will be copied again" in run.said("warning")
