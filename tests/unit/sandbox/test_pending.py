"""What a killed run may have made is looked for before its stack forgets it, and nobody else's is touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bakewell.errors import BakewellError
from sandbox import pending
from tests.contract.aws.served import ACCESS, REGION, Served
from tests.unit.one_aws import aws

__all__ = ["aws"]

REFRESH = "pulumi refresh --clear-pending-creates --yes --skip-preview --non-interactive --stack dev"
NAME = "web-1-0123abc"


def resource(kind: str, id: str = "", **inputs: object) -> dict[str, object]:
    urn = f"urn:pulumi:dev::bakewell::bakewell:index:RoleMachine${kind}::web-1"
    return {"urn": urn, "type": kind, "custom": True, "inputs": inputs} | ({"id": id} if id else {})


def droplet(id: int, name: str = NAME, **fields: object) -> dict[str, object]:
    """As doctl lists it, which leaves out what is false."""
    return {"id": id, "name": name, "tags": ["bakewell:role:web"], **fields}


class Site:
    """A local cloud's folder with stacks, and what `doctl` says of the cloud."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.droplets: list[list[dict[str, object]]] = [[]]
        self.addresses: list[dict[str, object]] = []
        self.ran: list[str] = []

    def stack(
        self,
        name: str = "dev",
        *,
        project: str = "bakewell",
        creating: Iterable[Mapping[str, object]] = (),
        has: Iterable[Mapping[str, object]] = (),
    ) -> None:
        operations = [{"type": "creating", "resource": one} for one in creating]
        latest = {"resources": list(has), "pending_operations": operations}
        file = self.state / "stacks/.pulumi/stacks" / project / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))

    def run(self, command: Sequence[str]) -> str:
        said = " ".join(command)
        if said == "doctl compute droplet list --output json":
            return json.dumps(self.droplets.pop(0) if len(self.droplets) > 1 else self.droplets[0])
        if said == "doctl compute reserved-ip list --output json":
            return json.dumps(self.addresses)
        self.ran.append(said)
        return ""

    def settle(self, environment: Mapping[str, str] | None = None) -> list[str]:
        """The commands that changed something."""
        pending.settle("dev", self.state, environment or {}, self.run)
        return self.ran


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


PENDING = resource(pending.DROPLET, name=NAME, __defaults=["name"])


def test_a_stack_with_nothing_under_way_is_left_alone(site: Site) -> None:
    assert site.settle() == []
    site.stack(has=[resource(pending.DROPLET, "7", name=NAME)])
    assert site.settle() == []


def test_the_droplet_of_an_unfinished_create_is_removed_and_named(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.stack(creating=[PENDING])
    site.droplets = [[droplet(7), droplet(8, "web-1-fedcba9")]]
    assert site.settle() == ["doctl compute droplet delete --force 7", REFRESH]
    assert f"removed droplet {NAME} (7)" in capsys.readouterr().err


def test_a_droplet_that_is_still_being_made_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.pending.time.sleep", lambda _seconds: None)
    site.stack(creating=[PENDING])
    busy = [droplet(7, locked=True)]
    site.droplets = [busy, busy, busy, [droplet(7)]]
    assert site.settle() == ["doctl compute droplet delete --force 7", REFRESH]
    assert site.droplets == [[droplet(7)]], "it did not wait"


@pytest.mark.parametrize(("stack", "project"), [("dev", "bakewell"), ("fleet", "bakewell"), ("dev", "app")])
def test_a_machine_that_a_stack_knows_is_left_alone(site: Site, stack: str, project: str) -> None:
    site.stack(stack, project=project, has=[resource(pending.DROPLET, "7", name=NAME)])
    own = [resource(pending.DROPLET, "7", name=NAME)] if (stack, project) == ("dev", "bakewell") else []
    site.stack(creating=[PENDING], has=own)
    site.droplets = [[droplet(7)]]
    assert site.settle() == [REFRESH]


def test_a_name_that_is_not_pulumis_own_proves_nothing(site: Site) -> None:
    site.stack(creating=[resource(pending.DROPLET, name=NAME), resource(pending.DROPLET)])
    site.droplets = [[droplet(7)]]
    assert site.settle() == [REFRESH]


def test_an_address_that_no_stack_knows_is_named_and_stays(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.stack(creating=[resource(pending.RESERVED_IP, region="nyc3")], has=[resource(pending.RESERVED_IP, "10.0.0.2")])
    site.addresses = [{"ip": "10.0.0.1", "droplet": {"id": 7}}, {"ip": "10.0.0.2"}, {"ip": "10.0.0.3"}]
    assert site.settle() == [REFRESH]
    said = capsys.readouterr().err
    assert "web-1: no stack knows 10.0.0.3" in said and "doctl compute reserved-ip delete 10.0.0.3" in said
    assert "10.0.0.1" not in said and "10.0.0.2" not in said


def test_nothing_is_forgotten_where_the_cloud_cannot_be_looked_at(site: Site) -> None:
    site.stack(creating=[PENDING])

    def run(command: Sequence[str]) -> str:
        if command[0] == "doctl":
            raise BakewellError("doctl: no answer")
        return site.run(command)

    with pytest.raises(BakewellError, match="no answer"):
        pending.settle("dev", site.state, {}, run)
    assert site.ran == []


@pytest.mark.parametrize("answer", ["", "null", "{}", '[{"id": 7}]'])
def test_an_answer_that_is_not_as_expected_is_no_evidence(site: Site, answer: str) -> None:
    site.stack(creating=[PENDING])
    with pytest.raises(BakewellError, match="doctl compute droplet list --output json: not as expected"):
        pending.settle("dev", site.state, {}, lambda _command: answer)


def test_on_aws_a_group_is_removed_and_an_instance_named(
    site: Site, aws: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS.key,
        "AWS_SECRET_ACCESS_KEY": ACCESS.secret,
    }
    tags = {"bakewell:project": "shop", "bakewell:role": "web", "Name": "aws-web-1"}

    def launch(**tags: str) -> str:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        made: Any = aws.launch(TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}])
        return str(made["InstanceId"])

    known, lost, other = launch(**tags), launch(**tags), launch(**{**tags, "bakewell:role": "api"})
    groups = aws("autoscaling")
    subnet = aws.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for name in ("aws-web-0123abc", "aws-web-fedcba9"):
        template = {"LaunchTemplateName": name, "LaunchTemplateData": {"ImageId": aws.instance(lost)["ImageId"]}}
        aws.ec2.create_launch_template(**template)
        groups.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": name},
            MinSize=0,
            MaxSize=0,
            VPCZoneIdentifier=subnet,
        )
    site.stack(
        creating=[
            resource(pending.INSTANCE, tags=tags),
            resource(pending.GROUP, name="aws-web-0123abc", __defaults=["name"]),
        ],
        has=[resource(pending.INSTANCE, known)],
    )
    assert site.settle(environment) == [REFRESH]
    said = capsys.readouterr().err
    assert f"aws ec2 terminate-instances --instance-ids {lost}" in said
    assert known not in said and other not in said
    left = groups.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [group["AutoScalingGroupName"] for group in left] == ["aws-web-fedcba9"]
