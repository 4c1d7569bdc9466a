"""Instances are machines: made, stopped, started and terminated, with the time that takes."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bakewell_local.sandbox.aws.ec2 import instances, launching
from bakewell_local.sandbox.aws.ec2.launching import change, unseen
from bakewell_local.sandbox.aws.stock import NAMES, REGIONS, stock_id
from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import DEBIAN, OTHER, REGION, Served
from tests.contract.fake_machines import STOCK
from tests.waiting import until

ROOT = "/dev/xvda"


def test_an_instance_is_a_machine_with_its_address_name_and_user_data(aws: Served) -> None:
    with aws.held():
        made = aws.launch(wait=False, UserData="#cloud-config\nhostname: äpfel\n")
        assert aws.instance(made["InstanceId"])["State"]["Name"] == "pending"
    machine = aws.machines.machines[made["InstanceId"]]
    assert (machine.image, machine.instance_id) == (STOCK, made["InstanceId"])
    assert machine.user_data == "#cloud-config\nhostname: äpfel\n"
    assert made["PrivateIpAddress"] == machine.address
    running = aws.settled(made["InstanceId"])
    assert running["State"]["Name"] == "running"
    assert running["PublicIpAddress"] == running["PrivateIpAddress"] == machine.address
    compressed = aws.launch(UserData=gzip.compress(b"#!/bin/sh\n"))["InstanceId"]
    assert aws.machines.machines[compressed].user_data == "#!/bin/sh\n"


def test_the_account_s_keys_log_in_whoever_made_them(aws: Served) -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    aws.ec2.import_key_pair(KeyName="ours", PublicKeyMaterial=public)
    aws.ec2.create_key_pair(KeyName="theirs", KeyType="ed25519")
    keys = [aws.machines.machines[aws.launch(KeyName=k)["InstanceId"]].public_keys for k in ("ours", "theirs")]
    assert keys[0] == [public.decode()]
    assert keys[1][0].startswith("ssh-ed25519 ")


def test_the_owner_s_key_is_in_every_region_from_the_start(aws: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    monkeypatch.setattr(aws.cloud, "keys", {"local-cloud": f"{public} local-cloud"})
    aws.reset()
    for region in (REGION, OTHER):
        assert [key["KeyName"] for key in aws("ec2", region).describe_key_pairs()["KeyPairs"]] == ["local-cloud"]
    machine = aws.machines.machines[aws.launch(KeyName="local-cloud")["InstanceId"]]
    assert machine.public_keys == [f"{public} local-cloud"]


def test_a_key_that_is_not_there_is_refused(aws: Served, refuses: Refuses) -> None:
    with refuses("InvalidKeyPair.NotFound"):
        aws.launch(KeyName="odd")
    assert aws.machines.machines == {}


def test_stop_and_start_keep_the_address(aws: Served) -> None:
    one = aws.launch()
    id = one["InstanceId"]
    aws.ec2.stop_instances(InstanceIds=[id])
    stopped = aws.settled(id)
    assert stopped["State"]["Name"] == "stopped"
    assert not aws.machines.running(id)
    assert "PublicIpAddress" not in stopped
    aws.ec2.start_instances(InstanceIds=[id])
    again = aws.settled(id)
    assert (again["PrivateIpAddress"], again["PublicIpAddress"]) == (one["PrivateIpAddress"], one["PublicIpAddress"])
    assert aws.machines.machines[id].boots == 2
    aws.ec2.reboot_instances(InstanceIds=[id])
    until(lambda: aws.machines.machines[id].boots, lambda boots: boots == 3)


def test_terminating_removes_the_machine_and_the_disk(aws: Served, refuses: Refuses) -> None:
    id = aws.launch()["InstanceId"]
    with aws.held():
        aws.ec2.terminate_instances(InstanceIds=[id])
        assert aws.instance(id)["State"]["Name"] == "shutting-down"
        aws.ec2.terminate_instances(InstanceIds=[id])
    assert aws.settled(id)["State"]["Name"] == "terminated"
    assert aws.machines.machines == {}
    assert aws.ec2.describe_volumes()["Volumes"] == []
    for call in (aws.ec2.start_instances, aws.ec2.stop_instances, aws.ec2.reboot_instances):
        with refuses("IncorrectInstanceState"):
            call(InstanceIds=[id])


def test_a_machine_that_can_t_be_made_is_a_terminated_instance(aws: Served) -> None:
    aws.order("disk_full")
    gone = aws.launch()
    assert (gone["State"]["Name"], gone["StateReason"]["Code"]) == ("terminated", "Server.InternalError")


def test_a_state_that_comes_last_is_never_seen_before_it_does(aws: Served) -> None:
    """moto's own methods set it first; what they set is looked at as soon as they have."""
    seen: set[str] = set()

    def looked(transition: Callable[[Any], Any], instance: Any) -> Any:
        before = unseen(transition, instance)
        seen.add(aws.instance(instance.id)["State"]["Name"])
        return before

    for call, passing in ((aws.ec2.stop_instances, "stopping"), (aws.ec2.terminate_instances, "shutting-down")):
        id = aws.launch()["InstanceId"]
        seen.clear()
        with aws.held(), patch.object(instances, "unseen", looked):
            call(InstanceIds=[id])
            seen.add(aws.instance(id)["State"]["Name"])
        assert seen == {"running", passing}


def test_an_instance_that_failed_is_not_seen_to_be_gone_before_its_reason_is_there(aws: Served) -> None:
    seen = []

    def looked(instance: Any, state: str, reason: tuple[str, str] | None = None) -> None:
        if state == "terminated":
            seen.append(aws.instance(instance.id)["State"]["Name"])
        change(instance, state, reason)

    aws.order("disk_full")
    with patch.object(launching, "change", looked):
        aws.launch()
    assert seen == ["pending"]


def test_stock_images_are_there_in_every_region(aws: Served) -> None:
    for region in REGIONS:
        images = aws("ec2", region).describe_images(
            Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-12-amd64-*"]}]
        )["Images"]
        assert {(i["ImageId"], i["Name"]) for i in images} == {(stock_id(region, n), n) for n in NAMES}
        newest = max(images, key=lambda image: str(image["CreationDate"]))
        parameter = aws("ssm", region).get_parameter(Name="/aws/service/debian/release/12/latest/amd64")["Parameter"]
        assert parameter["Value"] == newest["ImageId"]
    assert stock_id(REGION, NAMES[0]) != stock_id(OTHER, NAMES[0])


def test_disks_of_a_launch_change_the_ami_s_and_add_to_them(aws: Served, refuses: Refuses) -> None:
    with refuses("InvalidBlockDeviceMapping"):  # smaller than its snapshot
        aws.launch(BlockDeviceMappings=[{"DeviceName": ROOT, "Ebs": {"VolumeSize": 4}}])
    plain = aws.launch()
    assert [(m["DeviceName"], m["Ebs"]["DeleteOnTermination"]) for m in plain["BlockDeviceMappings"]] == [(ROOT, True)]
    assert [v["Size"] for v in aws.ec2.describe_volumes()["Volumes"]] == [8]
    mappings = [
        {"DeviceName": ROOT, "Ebs": {"VolumeSize": 20, "Encrypted": True}},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3}},
    ]
    one = aws.launch(BlockDeviceMappings=mappings)
    names = {m["Ebs"]["VolumeId"]: m["DeviceName"] for m in one["BlockDeviceMappings"]}
    volumes = aws.ec2.describe_volumes(VolumeIds=[*names])["Volumes"]
    found = {names[v["VolumeId"]]: (v["Size"], v["Encrypted"]) for v in volumes}
    assert found == {ROOT: (20, True), "/dev/sdf": (3, False)}


def test_user_data_of_a_stopped_instance_can_be_changed(aws: Served, refuses: Refuses) -> None:
    id = aws.launch(UserData="old")["InstanceId"]
    with refuses("IncorrectInstanceState"):
        aws.ec2.modify_instance_attribute(InstanceId=id, UserData={"Value": b"new"})
    aws.ec2.stop_instances(InstanceIds=[id])
    aws.settled(id)
    aws.ec2.modify_instance_attribute(InstanceId=id, UserData={"Value": b"#cloud-config\n{}\n"})
    told = aws.ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(told) == b"#cloud-config\n{}\n"


def test_metadata_options_that_a_change_does_not_name_stay(aws: Served) -> None:
    given: dict[str, Any] = {"HttpTokens": "required", "HttpProtocolIpv6": "enabled", "InstanceMetadataTags": "enabled"}
    id = aws.launch(MetadataOptions=given)["InstanceId"]
    aws.ec2.modify_instance_metadata_options(InstanceId=id, HttpPutResponseHopLimit=3)
    options = aws.instance(id)["MetadataOptions"]
    assert options["HttpPutResponseHopLimit"] == 3
    assert {key: options[key] for key in given} == given


def test_a_security_group_in_use_can_t_be_deleted(aws: Served, refuses: Refuses) -> None:
    group = aws.ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    id = aws.launch(SecurityGroupIds=[group])["InstanceId"]
    with refuses("DependencyViolation"):
        aws.ec2.delete_security_group(GroupId=group)
    aws.ec2.terminate_instances(InstanceIds=[id])
    aws.settled(id)
    aws.ec2.delete_security_group(GroupId=group)


def test_a_spot_request_is_open_active_or_over_and_stays_known(aws: Served) -> None:
    launch = {"ImageId": DEBIAN, "InstanceType": "t3.micro"}

    def states() -> list[str]:
        pages = aws.ec2.get_paginator("describe_spot_instance_requests").paginate(PaginationConfig={"PageSize": 5})
        return sorted(request["State"] for page in pages for request in page["SpotInstanceRequests"])

    later = datetime.now(UTC) + timedelta(days=1)
    (coming,) = aws.ec2.request_spot_instances(LaunchSpecification=launch, ValidFrom=later)["SpotInstanceRequests"]
    assert "InstanceId" not in coming and states() == ["open"]
    ends = []
    for kind in ("one-time", "persistent"):
        (made,) = aws.ec2.request_spot_instances(LaunchSpecification=launch, Type=kind)["SpotInstanceRequests"]
        ends.append(made["InstanceId"])
    assert states() == ["active", "active", "open"]
    aws.ec2.terminate_instances(InstanceIds=ends)
    assert states() == ["closed", "open", "open"]
    aws.ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[coming["SpotInstanceRequestId"]])
    assert states() == ["cancelled", "closed", "open"]
