"""Answers that are not whole, or not AWS's: whoever rests a deletion on them must not have them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bakewell.build.clean import clean
from bakewell.clouds.aws import Aws
from bakewell.clouds.aws.tags import pairs
from bakewell.errors import CloudError
from bakewell.image import READY
from bakewell.retention import Policy
from tests.unit.clouds.aws.answers.wire import PARSED, SPOILT, Wire
from tests.unit.clouds.aws.conftest import HOME, WHO, Account, pause
from tests.unit.clouds.aws.test_clouds_aws_builders import PUBLIC

CHANGES = {"CreateTags", "DeregisterImage", "DeleteSnapshot"}


def furnish(account: Account) -> None:
    """One of everything that can refer to an image, and images that nothing refers to."""
    ec2, autoscaling = account.ec2(), account.served("autoscaling")
    used, *_ = account.images(3)
    account.instance(used)
    ec2.modify_image_attribute(ImageId=used, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    parameter = {"Name": "/images/web", "Value": used, "Type": "String"}
    account.served("ssm").put_parameter(**parameter)
    template = ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": "resolve:ssm:/images/web", "InstanceType": "t3.micro"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    own = {"LaunchTemplateId": template, "Version": "1"}
    size = {"MinSize": 0, "MaxSize": 1, "AvailabilityZones": [f"{HOME}a"]}
    autoscaling.create_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=own, **size)
    autoscaling.start_instance_refresh(AutoScalingGroupName="web")
    autoscaling.create_launch_configuration(LaunchConfigurationName="web", ImageId=used, InstanceType="t3.micro")
    capacity = {"TotalTargetCapacity": 0, "OnDemandTargetCapacity": 0, "SpotTargetCapacity": 0}
    ec2.create_fleet(
        LaunchTemplateConfigs=[{"LaunchTemplateSpecification": own}],
        TargetCapacitySpecification=capacity | {"DefaultTargetCapacityType": "on-demand"},
    )
    launch = {"ImageId": used, "InstanceType": "t3.micro"}
    role = {"IamFleetRole": "arn:aws:iam::123456789012:role/fleet", "AllocationStrategy": "lowestPrice"}
    ec2.request_spot_fleet(SpotFleetRequestConfig={**role, "TargetCapacity": 0, "LaunchSpecifications": [launch]})
    ec2.request_spot_instances(LaunchSpecification=launch)
    ec2.import_key_pair(KeyName="ops", PublicKeyMaterial=PUBLIC.encode())
    volume = ec2.create_volume(Size=1, AvailabilityZone=f"{HOME}a")["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    ec2.create_tags(Resources=[snapshot], Tags=pairs([*WHO.tags(), "bakewell:lease:1900000000"]))


def cleaned(cloud: Aws, tmp_path: Path) -> list[str]:
    """IDs of what a `clean` deletes."""
    policy, said = Policy(keep=1, pins=frozenset(), project="shop"), list[str]()
    done = clean(cloud, "https://aws", tmp_path, policy, {}, said.append, dry_run=False)
    return [image.id for image in done.deleted]


@pytest.fixture
def wire(account: Account, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The account as if it had one region: each question is asked once."""
    monkeypatch.setattr("bakewell_local.sandbox.aws.stock.REGIONS", (HOME,))
    return Aws(HOME, sleep=pause)


def test_an_answer_that_is_not_whole_deletes_nothing(account: Account, wire: Wire, here: Aws, tmp_path: Path) -> None:
    furnish(account)
    wire.asked.clear()
    with wire.spoilt("ec2:CreateTags", SPOILT["null"]), pytest.raises(CloudError, match="ec2:CreateTags"):
        cleaned(here, tmp_path)  # which asks everything there is to ask before it deletes
    assert wire.asked == {action.partition(":")[2] for action in (*PARSED, "ec2:CreateTags")}, "each is spoilt below"
    wire.asked.clear()
    wire.replaying = True
    for action in PARSED:
        for name, spoil in SPOILT.items():
            here.regions._enabled = None
            with wire.spoilt(action, spoil):
                try:
                    cleaned(here, tmp_path)
                except CloudError as error:
                    assert error.exit_code == 3 and (action in error.what or name == "a proxy's refusal"), (name, error)
                else:
                    pytest.fail(f"{name} for {action} was taken for an answer")
    assert not CHANGES & wire.asked
    wire.replaying = False
    assert len(cleaned(here, tmp_path)) == 1, "and whole answers do delete"
    assert wire.asked >= CHANGES


def test_a_change_that_aws_does_not_confirm_is_an_error(account: Account, wire: Wire, here: Aws) -> None:
    place = here.images._place(account.image(READY))
    assert place is not None
    for operation in sorted(CHANGES):
        for name in ("an empty body", "a proxy's page", "another call's answer", "null"):
            with wire.spoilt(f"ec2:{operation}", SPOILT[name]), pytest.raises(CloudError, match=f"ec2:{operation}"):
                here.images.deletion.ami(*place)


def test_an_account_without_anything_is_whole(account: Account, cloud: Aws, tmp_path: Path) -> None:
    assert cleaned(cloud, tmp_path) == []
    cloud.references.all()


def test_an_answer_with_things_that_were_not_asked_for_deletes_nothing(account: Account, wire: Wire, here: Aws) -> None:
    """A cache that answers one question with another one's answer."""
    made = account.image(READY)
    account.image(READY, who=replace(WHO, run="f" * 12), name="shop-web-2")
    wire.asked.clear()
    everything: list[bytes] = []

    def first(action: str, body: bytes) -> tuple[int, bytes]:
        everything.append(body)
        return 200, everything[0]

    with wire.spoilt("ec2:DescribeImages", first), pytest.raises(CloudError, match="1 of 2 things in its answer"):
        here.images.of("shop")
        here.images.delete(made)
    assert not CHANGES & wire.asked


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidAMIID.NotFound", "The image id '[ami-0000]' does not exist"),
        ("InvalidSnapshot.NotFound", "The snapshot 'snap-1' does not exist."),
        ("NotFoundException", "Not Found"),
        ("404", "Not Found"),
    ],
)
def test_that_something_else_is_gone_says_nothing_of_an_image(
    account: Account, here: Aws, code: str, message: str
) -> None:
    account.image(READY)
    for action in ("ec2:DescribeImageAttribute", "ec2:DescribeInstances", "ec2:DescribeImages"):
        account.served.order("error", action=action, code=code, message=message, status=404, times=1)
        with pytest.raises(CloudError, match=re.escape(code)):
            here.references.all()
        account.served.cloud.faults.clear()
