"""Everything that boots, or would boot, from an AMI: a reference that is missed would cost the image that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError
from bakewell.image import READY
from bakewell_local.sandbox.aws.stock import NAMES, stock_id
from tests.contract.aws.served import OTHER
from tests.contract.aws.test_fleets import group, newer, template, update
from tests.unit.clouds.aws.conftest import HOME, WHO, Account

DEBIAN = stock_id(HOME, NAMES[-1])


def referring(cloud: Aws) -> dict[str, set[str]]:
    """Image -> the kinds of what refers to it."""
    found: dict[str, set[str]] = {}
    for reference in cloud.references.all():
        found.setdefault(reference.image_id, set()).add(reference.kind)
    return found


@contextmanager
def answered(cloud: Aws, call: str, change: Callable[[dict[str, Any]], object]) -> Iterator[None]:
    """What boto3 has read of the answers to a call ("ec2.DescribeImages") is changed before Bakewell sees it."""
    service = call.partition(".")[0]
    events = cloud.clients.client(service.replace("-", ""), HOME).meta.events

    def put(parsed: dict[str, Any], **_: object) -> None:
        change(parsed)

    events.register(f"after-call.{call}", put)
    yield
    events.unregister(f"after-call.{call}", put)


def test_everything_that_needs_an_image_is_a_reference(account: Account, cloud: Aws) -> None:
    by_instance, by_template, by_group, by_parameter, shared = account.images(5)
    account.instance(by_instance)
    template = account.ec2().create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": by_group})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    unused = account.image(READY, who=replace(WHO, run="f" * 12), name="shop-web-unused")
    account.ec2().create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": unused})
    account.ec2().create_launch_template_version(
        LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": by_template}
    )
    account.served("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "1"},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=[f"{HOME}a"],
    )
    account.served("ssm").put_parameter(Name="/images/web", Value=by_parameter, Type="String", DataType="aws:ec2:image")
    account.ec2().modify_image_attribute(ImageId=shared, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    found = referring(cloud)
    assert found[by_instance] == {"instance"}
    assert found[by_template] == {"launch template"}
    assert found[by_group] == {"launch template", "auto scaling group"}
    assert found[by_parameter] == {"SSM parameter"}
    assert found[shared] == {"launch permission"}
    assert unused not in found, "a version that nothing would launch"


def test_every_name_in_a_list_is_a_reference_and_a_name_that_leads_nowhere_is_none(
    account: Account, cloud: Aws
) -> None:
    first, second = account.images(2)
    ssm = account.served("ssm")
    ssm.put_parameter(Name="/images/all", Value=f"{first},{second}", Type="StringList")
    ssm.put_parameter(Name="/images/told", Value=f"the newest is {first}", Type="String")
    for name in ("/images/gone", "/images/all"):
        account.ec2().create_launch_template(
            LaunchTemplateName=name.rpartition("/")[2], LaunchTemplateData={"ImageId": f"resolve:ssm:{name}"}
        )
    found = [(each.image_id, each.name) for each in cloud.references.all() if each.image_id in (first, second)]
    assert sorted(found) == sorted([(first, "/images/all"), (second, "/images/all")])


def test_a_recipe_that_begins_with_an_image_is_a_reference(account: Account, cloud: Aws) -> None:
    """The local cloud has no Image Builder: its answer is put in."""
    made = account.image(READY)
    arn = f"arn:aws:imagebuilder:{HOME}:123456789012:image-recipe/golden/1.0.0"

    recipe = {"ImageId": made, "ResourceType": "imagebuilder:ImageRecipe", "Arn": arn}
    with answered(cloud, "ec2.DescribeImageReferences", lambda parsed: parsed["ImageReferences"].append(recipe)):
        found = [each for each in cloud.references.all() if each.kind == "image recipe"]
    assert [(each.image_id, each.id, each.name) for each in found] == [(made, arn, "golden/1.0.0")]
    asked = account.calls("DescribeImageReferences")
    assert len(asked) == 1, "only where there are images of ours"


def test_fleets_that_aws_keeps_full_are_references_by_the_versions_that_they_name(account: Account, cloud: Aws) -> None:
    named, itself, spot = account.images(3)
    ec2 = account.ec2()
    template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": named})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": DEBIAN})
    ec2.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion="2")
    none = {"TotalTargetCapacity": 0, "OnDemandTargetCapacity": 0, "SpotTargetCapacity": 0}
    fleet = ec2.create_fleet(
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template_id, "Version": "1"},
                "Overrides": [{"ImageId": itself, "InstanceType": "t3.micro"}],
            }
        ],
        TargetCapacitySpecification=none | {"DefaultTargetCapacityType": "on-demand"},
    )["FleetId"]
    request = ec2.request_spot_fleet(
        SpotFleetRequestConfig={
            "IamFleetRole": "arn:aws:iam::123456789012:role/fleet",
            "TargetCapacity": 0,
            "AllocationStrategy": "lowestPrice",
            "LaunchSpecifications": [{"ImageId": spot, "InstanceType": "t3.micro"}],
        }
    )["SpotFleetRequestId"]
    ours = (named, itself, spot)
    found = {(each.image_id, each.kind, each.id) for each in cloud.references.all()}
    assert (named, "fleet", fleet) in found and (itself, "fleet", fleet) in found
    assert (spot, "spot fleet", request) in found
    ec2.delete_fleets(FleetIds=[fleet], TerminateInstances=False)
    ec2.cancel_spot_fleet_requests(SpotFleetRequestIds=[request], TerminateInstances=False)
    assert not [each for each in cloud.references.all() if each.image_id in ours]


def test_what_aws_would_not_deregister_is_held(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    account.ec2().enable_image_deregistration_protection(ImageId=made, WithCooldown=True)
    account.ec2().disable_image_deregistration_protection(ImageId=made)  # from tomorrow on
    found = [str(each) for each in cloud.references.all() if each.image_id == made]
    assert found == [f"deregistration protection of shop-web-1 ({made})"]


def test_an_account_without_that_question_is_asked_all_the_others(account: Account, cloud: Aws) -> None:
    user = account.instance(account.image(READY))
    account.served.order("error", action="ec2:DescribeImageReferences", code="InvalidAction", times=9)
    assert user in {each.id for each in cloud.references.all()}


def test_a_reference_in_another_region_is_to_the_id_that_the_image_has_there(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there = cloud.images.copy(made, OTHER)
    user = account.instance(there, OTHER)
    found = {reference.image_id: reference for reference in cloud.references.all()}
    assert made not in found and (found[there].kind, found[there].id) == ("instance", user)
    image = cloud.images.get(made)
    assert image is not None and there in image.ids


@pytest.mark.parametrize(
    "action",
    ["ec2:DescribeInstances", "ec2:DescribeImageReferences", "autoscaling:.*", "ssm:DescribeParameters"],
)
def test_a_region_that_does_not_answer_ends_it(account: Account, cloud: Aws, action: str) -> None:
    cloud.images.copy(account.image(READY), OTHER)
    account.served.order("error", action=action, region=OTHER, code="UnauthorizedOperation", times=9)
    with pytest.raises(CloudError, match=f"in {OTHER}.*UnauthorizedOperation") as caught:
        cloud.references.all()
    assert "docs/aws.md" in caught.value.remedy


def test_overrides_of_a_group_are_references_by_the_images_and_templates_that_they_name(
    account: Account, cloud: Aws
) -> None:
    itself, through_parameter, through_template = account.images(3)
    account.served("ssm").put_parameter(Name="/images/web", Value=through_parameter, Type="String")
    ec2 = account.ec2()
    own, other = (
        ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"}
        )["LaunchTemplate"]["LaunchTemplateId"]
        for name, image in (("web", DEBIAN), ("other", through_template))
    )
    ec2.create_launch_template_version(LaunchTemplateId=other, LaunchTemplateData={"ImageId": DEBIAN})
    ec2.modify_launch_template(LaunchTemplateId=other, DefaultVersion="2")
    overrides: list[dict[str, Any]] = [
        {"InstanceType": "t3.small", "ImageId": itself},
        {"InstanceType": "t3.medium", "ImageId": "resolve:ssm:/images/web"},
        {"InstanceType": "t4g.micro", "LaunchTemplateSpecification": {"LaunchTemplateId": other, "Version": "1"}},
    ]
    launch = {
        "LaunchTemplateSpecification": {"LaunchTemplateId": own, "Version": "$Latest"},
        "Overrides": overrides,
    }
    account.served("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        MixedInstancesPolicy={"LaunchTemplate": launch},
        MinSize=0,
        MaxSize=1,
        AvailabilityZones=[f"{HOME}a"],
    )
    found = referring(cloud)
    assert found[itself] == {"auto scaling group"}
    assert found[through_parameter] == {"auto scaling group", "SSM parameter"}
    assert found[through_template] == {"auto scaling group", "launch template"}


def test_what_a_refresh_under_way_is_to_launch_is_a_reference(account: Account, cloud: Aws) -> None:
    """AWS gives it to the group only once it has succeeded; the local cloud does so at once: its answer is put in."""
    itself, by_template = account.images(2)
    template(account.served, ImageId=by_template)
    newer(account.served, DEBIAN)  # so that no version but the first names it
    account.ec2().modify_launch_template(LaunchTemplateName="web", DefaultVersion="2")
    group(account.served, size=0)
    update(account.served, "2")
    specification = {"LaunchTemplateName": "web", "Version": "1"}
    policy = {"LaunchTemplateSpecification": specification, "Overrides": [{"ImageId": itself}]}

    desired = {"MixedInstancesPolicy": {"LaunchTemplate": policy}}
    for status in ("Pending", "InProgress", "Baking", "RollbackInProgress", "Successful", "Cancelled"):
        refreshes = [{"Status": status, "DesiredConfiguration": desired}]
        with answered(
            cloud, "auto-scaling.DescribeInstanceRefreshes", partial(dict.update, InstanceRefreshes=refreshes)
        ):
            found = referring(cloud)
        over = status in ("Successful", "Cancelled")
        assert (itself in found, by_template in found) == (not over, not over), status


def test_a_spot_request_that_may_launch_again_is_a_reference(account: Account, cloud: Aws) -> None:
    once, persistent, coming, cancelled = account.images(4)
    ec2 = account.ec2()

    def request(image: str, **given: Any) -> tuple[str, str | None]:
        launch = {"ImageId": image, "InstanceType": "t3.micro"}
        (made,) = ec2.request_spot_instances(LaunchSpecification=launch, **given)["SpotInstanceRequests"]
        return made["SpotInstanceRequestId"], made.get("InstanceId")

    _, first = request(once)
    _, second = request(persistent, Type="persistent")
    request(coming, ValidFrom=datetime.now(UTC) + timedelta(days=1))
    ended, third = request(cancelled, Type="persistent")
    assert first and second and third
    found = referring(cloud)
    assert found[once] == found[persistent] == found[cancelled] == {"spot request", "instance"}
    assert found[coming] == {"spot request"}
    ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[ended])
    ec2.terminate_instances(InstanceIds=[first, second, third])
    for instance in (first, second, third):
        account.served.settled(instance)
    found = referring(cloud)
    assert found[persistent] == found[coming] == {"spot request"}
    assert once not in found and cancelled not in found


def test_the_latest_version_is_the_latest_that_is_there(account: Account, cloud: Aws) -> None:
    """Not what the template said of it before somebody deleted that one."""
    (made,) = account.images(1)
    ec2 = account.ec2()
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": DEBIAN})
    for image in (made, DEBIAN):
        ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={"ImageId": image})
    assert made not in referring(cloud)

    def without_the_last(parsed: dict[str, Any]) -> None:
        versions = parsed["LaunchTemplateVersions"]
        parsed["LaunchTemplateVersions"] = [version for version in versions if version["VersionNumber"] < 3]

    with answered(cloud, "ec2.DescribeLaunchTemplateVersions", without_the_last):
        assert made in referring(cloud)


@pytest.mark.parametrize(
    ("call", "operation", "key"),
    [
        ("ec2", "DescribeLaunchTemplateVersions", "LaunchTemplateVersions"),
        ("ssm", "GetParameters", "Parameters"),
    ],
)
def test_an_answer_that_is_shorter_than_it_must_be_ends_it(
    account: Account, cloud: Aws, call: str, operation: str, key: str
) -> None:
    account.ec2().create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": DEBIAN})
    account.served("ssm").put_parameter(Name="/images/web", Value=DEBIAN, Type="String")

    with (
        answered(cloud, f"{call}.{operation}", lambda parsed: parsed[key].pop(0)),
        pytest.raises(CloudError, match=f"{call}:{operation}"),
    ):
        cloud.references.all()
