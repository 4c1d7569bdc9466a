"""AMIs beyond where they were made: copied to another region, encrypted with a key, shared with another account."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import OTHER, REGION, Served, refused, snapshots, tagged
from tests.contract.fake_machines import STOCK
from tests.waiting import until


def test_a_copy_is_pending_then_another_region_s_own(aws: Served, refuses: Refuses) -> None:
    one = aws.bake(TagSpecifications=[tagged("image", role="web")])
    there = aws("ec2", OTHER)
    specifications = [tagged("image", run="1"), tagged("snapshot", run="2")]
    with aws.held():
        id = there.copy_image(
            Name="web-1", SourceImageId=one["ImageId"], SourceRegion="us-east-1", TagSpecifications=specifications
        )["ImageId"]
        assert there.describe_images(ImageIds=[id])["Images"][0]["State"] == "pending"
    copy = aws.image(id, OTHER)
    assert (copy["State"], copy["SourceImageId"], copy["SourceImageRegion"]) == (
        "available",
        one["ImageId"],
        "us-east-1",
    )
    assert copy["Tags"] == [{"Key": "run", "Value": "1"}]
    assert [(s["Encrypted"], s["Tags"]) for s in snapshots(aws, OTHER)] == [(False, [{"Key": "run", "Value": "2"}])]
    with refuses("InvalidAMIID.NotFound"):
        aws.ec2.describe_images(ImageIds=[id])


def test_a_copy_outlives_its_source(aws: Served) -> None:
    one = aws.bake()
    id = aws("ec2", OTHER).copy_image(
        Name="web-1", SourceImageId=one["ImageId"], SourceRegion="us-east-1", CopyImageTags=True
    )["ImageId"]
    aws.image(id, OTHER)
    aws.ec2.deregister_image(ImageId=one["ImageId"])
    until(aws.cloud.work.idle, bool)
    made = aws("ec2", OTHER).run_instances(ImageId=id, InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]
    assert aws.machines.machines[made["InstanceId"]].image == f"bakewell/test:{one['ImageId']}"
    aws("ec2", OTHER).deregister_image(ImageId=id)
    until(lambda: aws.machines.images, lambda images: images == {STOCK})


def test_a_copy_can_be_encrypted_with_a_key(aws: Served, refuses: Refuses) -> None:
    one = aws.bake()
    source = {"SourceImageId": one["ImageId"], "SourceRegion": "us-east-1"}
    with refuses("InvalidParameterDependency"):
        aws.ec2.copy_image(Name="secret", KmsKeyId="alias/ours", **source)
    made = aws.ec2.copy_image(Name="secret", Encrypted=True, KmsKeyId="alias/ours", **source)["ImageId"]
    mapping = aws.image(made)["BlockDeviceMappings"][0]["Ebs"]
    snapshot = aws.ec2.describe_snapshots(SnapshotIds=[mapping["SnapshotId"]])["Snapshots"][0]
    assert (mapping["Encrypted"], snapshot["Encrypted"], snapshot["KmsKeyId"]) == (True, True, "alias/ours")


def encrypted(aws: Served, image: str, name: str, region: str = REGION, **more: Any) -> str:
    """A copy of an AMI of the first region, once it is made."""
    asked = {"SourceImageId": image, "SourceRegion": REGION, "Name": name, "Encrypted": True, **more}
    return str(aws.image(aws("ec2", region).copy_image(**asked)["ImageId"], region)["ImageId"])


def key(aws: Served, image: str, region: str = REGION) -> str:
    """What the only disk of an AMI is encrypted with."""
    (disk,) = aws.image(image, region)["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"]
    found = aws("ec2", region).describe_snapshots(SnapshotIds=[disk["Ebs"]["SnapshotId"]])["Snapshots"]
    return str(found[0]["KmsKeyId"])


def test_a_copy_without_a_key_has_the_default_one_of_its_region(aws: Served) -> None:
    plain = aws.bake()["ImageId"]
    ours = encrypted(aws, plain, "ours", KmsKeyId="alias/ours")
    there = aws("ec2", OTHER).copy_image(Name="still", SourceImageId=ours, SourceRegion=REGION)["ImageId"]
    default = key(aws, encrypted(aws, plain, "theirs", OTHER), OTHER)
    assert key(aws, ours) == "alias/ours"
    assert key(aws, there, OTHER) == default != key(aws, encrypted(aws, plain, "theirs"))


def test_a_copy_that_fails_in_one_region_says_so(aws: Served) -> None:
    one = aws.bake()
    aws.order("action_errored", action="ec2:CopyImage", region=OTHER)
    source = {"SourceImageId": one["ImageId"], "SourceRegion": "us-east-1", "Name": "web-2"}
    there = aws("ec2", OTHER).copy_image(**source)["ImageId"]
    assert aws.image(there, OTHER)["State"] == "failed"
    assert aws.image(aws.ec2.copy_image(**source)["ImageId"])["State"] == "available"


def test_what_is_encrypted_with_the_default_key_can_t_be_shared(aws: Served) -> None:
    plain = aws.bake()["ImageId"]
    default, ours = encrypted(aws, plain, "theirs"), encrypted(aws, plain, "ours", KmsKeyId="alias/ours")
    friend = [{"UserId": "210987654321"}]
    refusal = r"\(InvalidParameter\).*Snapshots encrypted with the AWS Managed CMK can't be shared"
    with pytest.raises(ClientError, match=refusal):
        aws.ec2.modify_image_attribute(ImageId=default, LaunchPermission={"Add": friend})
    with pytest.raises(ClientError, match=refusal):
        aws.ec2.modify_image_attribute(ImageId=default, OperationType="add", UserIds=["210987654321"])
    aws.ec2.modify_image_attribute(ImageId=default, LaunchPermission={"Remove": friend})
    # What is made of an instance has its disk's key, and that the AMI's, unless the launch says otherwise.
    inherited = aws.bake("inherited", instance=aws.launch(ImageId=ours)["InstanceId"])["ImageId"]
    for image in (plain, ours, inherited):
        aws.ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": friend})


def test_an_ami_of_another_account_is_seen_and_run_only_where_it_is_shared(aws: Served, refuses: Refuses) -> None:
    id = aws.bake()["ImageId"]
    role = aws("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="test")["Credentials"]
    other = aws.client("ec2", key=role["AccessKeyId"], token=role["SessionToken"])
    run = {"ImageId": id, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    with pytest.raises(ClientError, match=rf"\(AuthFailure\).*Not authorized for images: \[{id}\]") as private:
        other.run_instances(**run)
    assert refused(private.value) == ("AuthFailure", 400)
    aws.ec2.modify_image_attribute(ImageId=id, LaunchPermission={"Add": [{"UserId": "210987654321"}]})
    assert aws.ec2.describe_image_attribute(ImageId=id, Attribute="launchPermission")["LaunchPermissions"] == [
        {"UserId": "210987654321"}
    ]
    assert other.describe_images(ExecutableUsers=["self"], Owners=["123456789012"])["Images"][0]["ImageId"] == id
    other.run_instances(**run)
    with refuses("AuthFailure"):
        other.deregister_image(ImageId=id)
