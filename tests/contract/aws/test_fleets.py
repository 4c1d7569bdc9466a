"""Launch templates, auto scaling groups and their refreshes: instances are machines there too."""

from __future__ import annotations

from typing import Any

from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import DEBIAN, Served
from tests.waiting import until

SIZE = 4
ENDS = ("Successful", "Failed", "Cancelled")


def template(aws: Served, image: str = DEBIAN, data: str = "I2Nsb3VkLWNvbmZpZwo=", **more: Any) -> str:
    wanted = {"ImageId": image, "InstanceType": "t3.micro", "UserData": data, **more}
    made = aws.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=wanted)
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def newer(aws: Served, image: str, **more: Any) -> str:
    wanted = {"ImageId": image, "InstanceType": "t3.micro", "UserData": "bmV3", **more}
    made = aws.ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData=wanted)
    return str(made["LaunchTemplateVersion"]["VersionNumber"])


def group(aws: Served, version: str = "1", size: int = SIZE) -> None:
    aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=0,
        MaxSize=10,
        DesiredCapacity=size,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": "web", "Version": version},
    )


def members(aws: Served) -> list[Any]:
    groups = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    found: list[Any] = groups[0]["Instances"]
    return found


def in_service(aws: Served) -> list[Any]:
    return until(
        lambda: members(aws), lambda all: all != [] and all[0] and {m["LifecycleState"] for m in all} == {"InService"}
    )


def refreshed(aws: Served, **preferences: Any) -> Any:
    aws("autoscaling").start_instance_refresh(AutoScalingGroupName="web", Preferences=preferences)
    return ended(aws)


def ended(aws: Served) -> Any:
    return until(lambda: status(aws), lambda one: one["Status"] in ENDS)


def status(aws: Served) -> Any:
    return aws("autoscaling").describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"][0]


def images(aws: Served) -> set[str]:
    return {aws.instance(one["InstanceId"])["ImageId"] for one in members(aws)}


def test_a_group_s_instances_are_machines_that_are_in_service_once_they_run(aws: Served) -> None:
    template(aws)
    with aws.held():
        group(aws)
        assert [one["LifecycleState"] for one in members(aws)] == ["Pending"] * SIZE
    in_service(aws)
    assert len(aws.machines.machines) == SIZE
    assert {machine.user_data for machine in aws.machines.machines.values()} == {"#cloud-config\n"}


def test_a_template_s_own_tags_are_not_its_instances(aws: Served) -> None:
    def tagged(kind: str, value: str) -> dict[str, Any]:
        return {"ResourceType": kind, "Tags": [{"Key": "whose", "Value": value}]}

    data = {"ImageId": DEBIAN, "TagSpecifications": [tagged("instance", "machine")]}
    made = aws.ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData=data, TagSpecifications=[tagged("launch-template", "template")]
    )["LaunchTemplate"]
    (version,) = aws.ec2.describe_launch_template_versions(LaunchTemplateName="web")["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["TagSpecifications"] == [tagged("instance", "machine")]
    group(aws, size=1)
    one = aws.instance(members(aws)[0]["InstanceId"])
    assert {"Key": "whose", "Value": "machine"} in one["Tags"]
    aws.ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "whose", "Value": "other"}])
    (found,) = aws.ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"]
    assert found["Tags"] == [{"Key": "whose", "Value": "other"}]


def test_a_group_launches_all_of_the_version_it_names(aws: Served) -> None:
    security = aws.ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    aws.ec2.create_key_pair(KeyName="ours")
    template(aws)
    options = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    image = aws.bake()["ImageId"]
    version = newer(aws, image, SecurityGroupIds=[security], KeyName="ours", MetadataOptions=options)
    group(aws, version, size=1)
    one = aws.instance(members(aws)[0]["InstanceId"])
    assert (one["ImageId"], one["KeyName"], one["MetadataOptions"]["HttpTokens"]) == (image, "ours", "required")
    assert [g["GroupId"] for g in one["SecurityGroups"]] == [security]
    assert aws.machines.machines[one["InstanceId"]].user_data == "new"
    assert members(aws)[0]["LaunchTemplate"]["Version"] == version
    assert "2" in {tag["Value"] for tag in one["Tags"] if tag["Key"] == "aws:ec2launchtemplate:version"}


def least_in_service(aws: Served, **preferences: Any) -> int:
    """Has a refresh done; how many instances served at any time."""
    aws.cloud.work.seconds = 0.3
    aws("autoscaling").start_instance_refresh(AutoScalingGroupName="web", Preferences=preferences)
    least = len(members(aws))
    while status(aws)["Status"] not in ENDS:
        least = min(least, sum(one["LifecycleState"] == "InService" for one in members(aws)))
    return least


def test_a_refresh_replaces_every_instance_while_enough_serve(aws: Served) -> None:
    template(aws)
    group(aws)
    before = {one["InstanceId"] for one in in_service(aws)}
    image = aws.bake()["ImageId"]
    update(aws, newer(aws, image))
    assert {one["InstanceId"] for one in members(aws)} == before
    assert least_in_service(aws, MinHealthyPercentage=50) >= SIZE // 2
    done = status(aws)
    assert (done["Status"], done["PercentageComplete"], done["InstancesToUpdate"]) == ("Successful", 100, 0)
    assert images(aws) == {image}
    assert not before & {one["InstanceId"] for one in members(aws)}
    until(lambda: set(aws.machines.machines) & before, lambda left: not left)
    # With room above, the new ones come first.
    assert least_in_service(aws, MinHealthyPercentage=100, MaxHealthyPercentage=200) == len(members(aws)) == SIZE


def update(aws: Served, version: str) -> None:
    wanted = {"LaunchTemplateName": "web", "Version": version}
    aws("autoscaling").update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=wanted)


def test_only_one_refresh_at_a_time_and_it_can_be_cancelled(aws: Served, refuses: Refuses) -> None:
    template(aws)
    group(aws)
    in_service(aws)
    with refuses("ActiveInstanceRefreshNotFound"):
        aws("autoscaling").cancel_instance_refresh(AutoScalingGroupName="web")
    with aws.held():
        aws("autoscaling").start_instance_refresh(AutoScalingGroupName="web")
        with refuses("InstanceRefreshInProgress"):
            aws("autoscaling").start_instance_refresh(AutoScalingGroupName="web")
        aws("autoscaling").cancel_instance_refresh(AutoScalingGroupName="web")
    assert ended(aws)["Status"] == "Cancelled"
    assert len(members(aws)) == SIZE
    before = {one["InstanceId"] for one in in_service(aws)}
    assert refreshed(aws, SkipMatching=True)["Status"] == "Successful"
    assert {one["InstanceId"] for one in members(aws)} == before, "they match"
    for call in ("start_instance_refresh", "describe_instance_refreshes", "cancel_instance_refresh"):
        with refuses("ValidationError"):
            getattr(aws("autoscaling"), call)(AutoScalingGroupName="odd")


def test_a_refresh_to_an_image_that_does_not_run_fails(aws: Served) -> None:
    template(aws)
    group(aws)
    in_service(aws)
    image = aws.bake()["ImageId"]
    update(aws, newer(aws, image))
    aws.ec2.deregister_image(ImageId=image)
    assert refreshed(aws)["Status"] == "Failed"


def test_a_group_that_is_deleted_takes_its_machines_along(aws: Served) -> None:
    template(aws)
    group(aws)
    in_service(aws)
    aws("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    until(lambda: aws.machines.machines, lambda machines: machines == {})
