"""Everything that boots, or would boot, from an AMI: a reference that is missed would cost the image that it needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError
from bakewell.image import READY
from tests.contract.aws.served import OTHER
from tests.unit.clouds.aws.conftest import HOME, WHO, Account


def test_everything_that_needs_an_image_is_a_reference(account: Account, cloud: Aws) -> None:
    by_instance, by_template, by_group, by_parameter, shared = (
        account.image(READY, who=replace(WHO, run=f"{number:012}"), name=f"shop-web-{number}") for number in range(5)
    )
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
    found: dict[str, set[str]] = {}
    for reference in cloud.references():
        found.setdefault(reference.image_id, set()).add(reference.kind)
    assert found[by_instance] == {"instance"}
    assert found[by_template] == {"launch template"}
    assert found[by_group] == {"launch template", "auto scaling group"}
    assert found[by_parameter] == {"SSM parameter"}
    assert found[shared] == {"launch permission"}
    assert unused not in found, "a version that nothing would launch"


def test_a_reference_in_another_region_is_to_the_id_that_the_image_has_there(account: Account, cloud: Aws) -> None:
    made = account.image(READY)
    there = cloud.copy(made, OTHER)
    user = account.instance(there, OTHER)
    found = {reference.image_id: reference for reference in cloud.references()}
    assert made not in found and (found[there].kind, found[there].id) == ("instance", user)
    image = cloud.image(made)
    assert image is not None and there in image.ids


@pytest.mark.parametrize("action", ["ec2:DescribeInstances", "autoscaling:.*", "ssm:DescribeParameters"])
def test_a_region_that_does_not_answer_ends_it(account: Account, cloud: Aws, action: str) -> None:
    account.served.order("error", action=action, region=OTHER, code="UnauthorizedOperation", times=9)
    with pytest.raises(CloudError, match=f"in {OTHER}.*UnauthorizedOperation") as caught:
        cloud.references()
    assert "docs/production.md" in caught.value.remedy
