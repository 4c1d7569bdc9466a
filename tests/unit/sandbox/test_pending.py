"""What a killed run may have made is looked for before its stack forgets it, and nobody else's is touched."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bakewell.errors import BakewellError
from bakewell_local.project import pending
from bakewell_local.project.layout import Project
from bakewell_local.toolchain.folders import ROOT
from tests.contract.aws.served import ACCESS, REGION
from tests.contract.aws.served import Served as ServedAws
from tests.contract.served import TOKEN, Served
from tests.unit.one_aws import aws
from tests.unit.one_cloud import one_cloud, served
from tests.waiting import until

__all__ = ["aws", "one_cloud", "served"]

REFRESH = "pulumi refresh --clear-pending-creates --yes --skip-preview --non-interactive --stack dev"
NAME = "web-1-0123abc"


def resource(kind: str, id: object = "", **inputs: object) -> dict[str, object]:
    urn = f"urn:pulumi:dev::bakewell::bakewell:index:RoleMachine${kind}::web-1"
    return {"urn": urn, "type": kind, "custom": True, "inputs": inputs} | ({"id": str(id)} if id else {})


PENDING = resource(pending.DROPLET, name=NAME, __defaults=["name"])


class Site:
    """A local cloud's folder with stacks, and the environment that leads to the cloud."""

    def __init__(self, state: Path, environment: Mapping[str, str]) -> None:
        self.state = state
        self.environment = dict(environment)
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

    def settle(self) -> list[str]:
        """The commands of pulumi."""

        def run(command: Sequence[str]) -> str:
            self.ran.append(" ".join(command))
            return ""

        pending.settle("dev", Project(ROOT, self.state), self.environment, run)
        return self.ran


@pytest.fixture
def site(tmp_path: Path, served: Served) -> Site:
    return Site(tmp_path, {"DIGITALOCEAN_API_URL": served.api.endpoint, "DIGITALOCEAN_TOKEN": TOKEN})


def names(served: Served) -> list[str]:
    return [one["name"] for one in served.api.get("/v2/droplets")["droplets"] if not one["locked"]]


def test_a_stack_with_nothing_under_way_is_left_alone(site: Site, served: Served) -> None:
    assert site.settle() == []
    site.stack(has=[resource(pending.DROPLET, served.api.droplet(NAME)["id"], name=NAME)])
    assert site.settle() == []
    assert names(served) == [NAME]


def test_the_droplet_of_an_unfinished_create_is_removed_as_soon_as_it_is_made(
    site: Site, served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served.api.droplet("web-1-fedcba9")
    site.stack(creating=[PENDING])
    monkeypatch.setattr(served.cloud.work, "seconds", 0.5)
    lost = served.api.droplet(NAME, wait=False)["id"]
    assert site.settle() == [REFRESH]
    assert f"removed droplet {NAME} ({lost})" in capsys.readouterr().err
    until(lambda: served.machines.names(), lambda left: len(left) == 1)
    assert names(served) == ["web-1-fedcba9"]


@pytest.mark.parametrize(("stack", "project"), [("dev", "bakewell"), ("fleet", "bakewell"), ("dev", "app")])
def test_a_machine_that_a_stack_knows_is_left_alone(site: Site, served: Served, stack: str, project: str) -> None:
    known = [resource(pending.DROPLET, served.api.droplet(NAME)["id"], name=NAME)]
    site.stack(stack, project=project, has=known)
    site.stack(creating=[PENDING], has=known if (stack, project) == ("dev", "bakewell") else [])
    assert site.settle() == [REFRESH]
    assert names(served) == [NAME]


def test_a_name_that_is_not_pulumis_own_proves_nothing(site: Site, served: Served) -> None:
    served.api.droplet(NAME)
    site.stack(creating=[resource(pending.DROPLET, name=NAME), resource(pending.DROPLET)])
    assert site.settle() == [REFRESH]
    assert names(served) == [NAME]


def test_an_address_that_no_stack_knows_is_named_and_stays(
    site: Site, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = {"region": "nyc3"}, {"droplet_id": served.api.droplet()["id"]}, {"region": "nyc3"}
    made = [served.api.post("/v2/reserved_ips", body, 202) for body in bodies]
    served.api.done(made[1]["links"]["actions"][0]["id"])
    known, used, lost = (one["reserved_ip"]["ip"] for one in made)
    site.stack(creating=[resource(pending.RESERVED_IP, region="nyc3")], has=[resource(pending.RESERVED_IP, known)])
    assert site.settle() == [REFRESH]
    said = capsys.readouterr().err
    assert f"web-1: no stack knows {lost}" in said and f"doctl compute reserved-ip delete {lost}" in said
    assert known not in said and used not in said
    assert served.api.get("/v2/reserved_ips")["meta"]["total"] == 3


def test_nothing_is_forgotten_where_the_cloud_cannot_be_looked_at(site: Site) -> None:
    site.stack(creating=[PENDING])
    site.environment["DIGITALOCEAN_TOKEN"] = "another"
    with pytest.raises(BakewellError, match="the token is not valid"):
        site.settle()
    assert site.ran == []


def test_on_aws_a_group_is_removed_and_an_instance_named(
    site: Site, aws: ServedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    site.environment |= {
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
    assert site.settle() == [REFRESH]
    said = capsys.readouterr().err
    assert f"aws ec2 terminate-instances --instance-ids {lost}" in said
    assert known not in said and other not in said
    left = groups.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [group["AutoScalingGroupName"] for group in left] == ["aws-web-fedcba9"]
