"""AMIs: each gap of moto's that matters here is a test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bakewell_local.sandbox.aws.serving import patience
from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import DEBIAN, Served, snapshots, tagged
from tests.contract.fake_machines import STOCK
from tests.waiting import LONGEST, until

ROOT = "/dev/xvda"


def test_an_ami_is_what_its_instance_was(aws: Served) -> None:
    mappings = [
        {"DeviceName": ROOT, "Ebs": {"VolumeSize": 20, "DeleteOnTermination": True}},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3}},
    ]
    instance = aws.launch(BlockDeviceMappings=mappings)["InstanceId"]
    specifications = [tagged("image", role="web"), tagged("snapshot", role="disk")]
    one = aws.bake(instance=instance, TagSpecifications=specifications)
    assert (aws.machines.running(instance), aws.machines.machines[instance].boots) == (True, 2), "it runs again"
    assert (one["SourceImageId"], one["RootDeviceType"], one["RootDeviceName"]) == (DEBIAN, "ebs", ROOT)
    disks = [(m["DeviceName"], m["Ebs"]["VolumeSize"]) for m in one["BlockDeviceMappings"]]
    assert disks == [(ROOT, 20), ("/dev/sdf", 3)]
    assert {(s["SnapshotId"], s["VolumeSize"]) for s in snapshots(aws)} == {
        (m["Ebs"]["SnapshotId"], m["Ebs"]["VolumeSize"]) for m in one["BlockDeviceMappings"]
    }
    assert one["Tags"] == [{"Key": "role", "Value": "web"}]
    assert [s["Tags"] for s in snapshots(aws)] == [[{"Key": "role", "Value": "disk"}]] * 2
    id = aws.launch(ImageId=one["ImageId"])["InstanceId"]
    assert aws.machines.machines[id].image == f"bakewell/test:{one['ImageId']}" != STOCK


def test_it_is_pending_for_a_while_and_can_t_be_run_before(aws: Served, refuses: Refuses) -> None:
    id = aws.launch()["InstanceId"]
    with aws.held():
        made = aws.ec2.create_image(InstanceId=id, Name="slow")["ImageId"]
        assert aws.ec2.describe_images(ImageIds=[made])["Images"][0]["State"] == "pending"
        assert [one["State"] for one in snapshots(aws)] == ["pending"]
        with refuses("InvalidAMIID.Unavailable"):
            aws.launch(ImageId=made)
    assert aws.image(made)["State"] == "available"
    assert [one["State"] for one in snapshots(aws)] == ["completed"]


def test_packers_plugin_is_answered_once_the_wait_is_over_because_it_looks_so_seldom(
    aws: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LONGEST", LONGEST)
    plugin = aws.client("ec2", agent="APN/1.0 HashiCorp/1.0 packer-plugin-amazon/1.8.0")
    with ThreadPoolExecutor() as pool:
        with aws.held():
            made = plugin.run_instances(ImageId=DEBIAN, InstanceType="t3.micro", MinCount=1, MaxCount=1)
            id = made["Instances"][0]["InstanceId"]
            assert aws.instance(id)["State"]["Name"] == "pending", "others see it as it is"
            look = pool.submit(plugin.describe_instances, InstanceIds=[id])
            until(lambda: aws.under_way("ec2:DescribeInstances") or look.done())
        assert look.result()["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"
        with aws.held():
            image = plugin.create_image(InstanceId=id, Name="slow")["ImageId"]
            assert aws.ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "pending"
            again = pool.submit(plugin.describe_images, ImageIds=[image])
            until(lambda: aws.under_way("ec2:DescribeImages") or again.done())
        assert again.result()["Images"][0]["State"] == "available"


def test_an_ami_that_can_t_be_made_has_failed(aws: Served) -> None:
    aws.order("action_errored", action="ec2:CreateImage", nth=1)
    failed = aws.bake()
    assert (failed["State"], failed["StateReason"]["Code"]) == ("failed", "Server.InternalError")
    assert [one["State"] for one in snapshots(aws)] == ["error"]


def test_duplicate_ami_names_are_refused(aws: Served, refuses: Refuses) -> None:
    one = aws.bake("web-1")
    with refuses("InvalidAMIName.Duplicate"):
        aws.bake("web-1")
    with refuses("InvalidAMIName.Duplicate"):
        aws.ec2.copy_image(Name="web-1", SourceImageId=one["ImageId"], SourceRegion="us-east-1")
    aws.ec2.deregister_image(ImageId=one["ImageId"])
    assert aws.bake("web-1")["State"] == "available"
    with refuses("InvalidAMIName.Malformed"):
        aws.bake("web:1")


def test_filters(aws: Served) -> None:
    one = aws.bake(TagSpecifications=[tagged("image", role="web")])
    for name, value, found in (
        ("creation-date", "20*", True),
        ("creation-date", "2019-*", False),
        ("ena-support", "true", True),
        ("root-device-type", "ebs", True),
        ("tag:role", "w?b", True),
        ("tag:role", "api", False),
        ("tag-key", "role", True),
        ("state", "available", True),
        ("name", "web-*", True),
    ):
        images = aws.ec2.describe_images(Owners=["self"], Filters=[{"Name": name, "Values": [value]}])["Images"]
        assert [image["ImageId"] for image in images] == [one["ImageId"]] * found, name


def test_images_and_snapshots_have_pages(aws: Served) -> None:
    id = aws.launch()["InstanceId"]
    made = {aws.bake(f"web-{n}", instance=id)["ImageId"] for n in range(3)}
    pages = list(aws.ec2.get_paginator("describe_images").paginate(Owners=["self"], PaginationConfig={"PageSize": 2}))
    assert [len(page["Images"]) for page in pages] == [2, 1]
    assert {image["ImageId"] for page in pages for image in page["Images"]} == made
    pager = aws.ec2.get_paginator("describe_snapshots")
    assert [len(page["Snapshots"]) for page in pager.paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 2})] == [
        2,
        1,
    ]


def test_deregistering_leaves_snapshots_unless_told(aws: Served, refuses: Refuses) -> None:
    assert snapshots(aws) == [], "those of stock AMIs are not ours"
    assert aws.ec2.describe_snapshots()["Snapshots"]
    one, other = aws.bake("one"), aws.bake("other")
    left, gone = (image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] for image in (one, other))
    with refuses("InvalidSnapshot.InUse"):
        aws.ec2.delete_snapshot(SnapshotId=left)
    aws.ec2.deregister_image(ImageId=one["ImageId"])
    assert len(snapshots(aws)) == 2
    answer = aws.ec2.deregister_image(ImageId=other["ImageId"], DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": gone, "ReturnCode": "success"}]
    assert [s["SnapshotId"] for s in snapshots(aws)] == [left]
    until(lambda: aws.machines.images, lambda images: images == {STOCK})
    aws.ec2.delete_snapshot(SnapshotId=left)
    assert snapshots(aws) == []


def test_a_deregistered_ami_does_not_run(aws: Served, refuses: Refuses) -> None:
    id = aws.bake()["ImageId"]
    aws.ec2.deregister_image(ImageId=id)
    with refuses("InvalidAMIID.Unavailable"):
        aws.launch(ImageId=id)
    with refuses("InvalidAMIID.Unavailable"):
        aws.ec2.deregister_image(ImageId=id)
    for never, code in (("ami-0123456789abcdef0", "NotFound"), ("debian", "Malformed")):
        with refuses(f"InvalidAMIID.{code}"):
            aws.launch(ImageId=never)


def test_a_disabled_ami_does_not_run_and_is_not_listed_unasked(aws: Served, refuses: Refuses) -> None:
    id = aws.bake()["ImageId"]
    aws.ec2.disable_image(ImageId=id)
    with refuses("InvalidAMIID.Unavailable"):
        aws.launch(ImageId=id)
    assert aws.ec2.describe_images(Owners=["self"])["Images"] == []
    assert aws.ec2.describe_images(Owners=["self"], IncludeDisabled=True)["Images"][0]["State"] == "disabled"
    aws.ec2.enable_image(ImageId=id)
    aws.launch(ImageId=id)


def test_deregistration_protection(aws: Served, refuses: Refuses) -> None:
    id = aws.bake()["ImageId"]
    assert aws.image(id)["DeregistrationProtection"] == "disabled"
    aws.ec2.enable_image_deregistration_protection(ImageId=id)
    assert aws.image(id)["DeregistrationProtection"] == "enabled"
    with refuses("OperationNotPermitted"):
        aws.ec2.deregister_image(ImageId=id)
    aws.ec2.disable_image_deregistration_protection(ImageId=id)
    aws.ec2.enable_image_deregistration_protection(ImageId=id, WithCooldown=True)
    aws.ec2.disable_image_deregistration_protection(ImageId=id)
    with refuses("OperationNotPermitted"):  # for a day
        aws.ec2.deregister_image(ImageId=id)
    other = aws.bake("other")["ImageId"]
    aws.ec2.enable_image_deregistration_protection(ImageId=other)
    aws.ec2.disable_image_deregistration_protection(ImageId=other)
    aws.ec2.deregister_image(ImageId=other)


def test_when_an_ami_was_last_launched(aws: Served) -> None:
    id = aws.bake()["ImageId"]
    assert "LastLaunchedTime" not in aws.image(id)
    aws.launch(ImageId=id)
    assert aws.image(id)["LastLaunchedTime"].startswith("20")


def test_description_and_metadata_service_of_an_ami(aws: Served) -> None:
    id = aws.bake()["ImageId"]
    aws.ec2.modify_image_attribute(ImageId=id, Description={"Value": "a page"})
    aws.ec2.modify_image_attribute(ImageId=id, ImdsSupport={"Value": "v2.0"})
    assert (aws.image(id)["Description"], aws.image(id)["ImdsSupport"]) == ("a page", "v2.0")
    assert aws.launch(ImageId=id)["MetadataOptions"]["HttpTokens"] == "required"


def test_what_refers_to_an_ami(aws: Served) -> None:
    id = aws.bake()["ImageId"]
    instance = aws.launch(ImageId=id)["InstanceId"]
    old, ours = {"ImageId": id, "InstanceType": "t3.micro"}, {"ImageId": DEBIAN, "InstanceType": "t3.micro"}
    template = aws.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=old)["LaunchTemplate"]
    aws.ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData=ours)
    aws("ssm").put_parameter(Name="/images/web", Value=id, Type="String", DataType="aws:ec2:image")
    found = aws.ec2.describe_image_references(ImageIds=[id], IncludeAllResourceTypes=True)["ImageReferences"]
    assert {(one["ResourceType"], one["Arn"].rpartition("us-east-1:123456789012:")[2]) for one in found} == {
        ("ec2:Instance", f"instance/{instance}"),
        ("ec2:LaunchTemplate", f"launch-template/{template['LaunchTemplateId']}"),
        ("ssm:Parameter", "parameter/images/web"),
    }
    depth = [{"OptionName": "version-depth", "OptionValues": ["1"]}]
    newest = [{"ResourceType": "ec2:LaunchTemplate", "ResourceTypeOptions": depth}]
    assert aws.ec2.describe_image_references(ImageIds=[id], ResourceTypes=newest)["ImageReferences"] == []
