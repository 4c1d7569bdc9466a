"""What the aws plugin does with instances."""

from __future__ import annotations

import base64

import pytest

from sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import ACCOUNT, REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused

INSTANCE = "aws:ec2/instance:Instance"
USER_DATA = "#cloud-config\nhostname: here\n"


def test_preview_of_a_create_knows_the_inputs_and_nothing_else(aws: LocalAws, plugin: Plugin) -> None:
    known = plugin.preview(
        INSTANCE, "web", ami=aws.image, instanceType="t3.micro", metadataOptions={"httpTokens": "required"}
    )
    assert (known["ami"], known["instanceType"], known["region"]) == (aws.image, "t3.micro", REGION)
    assert known["metadataOptions"]["httpTokens"] == "required"
    assert (
        known["publicIp"] is known["privateIp"] is known["arn"] is known["metadataOptions"]["httpEndpoint"] is UNKNOWN
    )
    assert aws.calls("RunInstances") == []


def test_an_instance_is_made_once_it_runs_and_gone_once_it_is_terminated(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro", tags={"Name": "web"})
    assert web.state["instanceState"] == "running"
    assert web.state["arn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{web.id}"
    assert web.state["privateIp"] == aws.instance(web.id)["PrivateIpAddress"]
    assert web.state["tags"] == web.state["tagsAll"] == {"Name": "web"}
    web.delete()
    assert aws.instance(web.id)["State"]["Name"] == "terminated"
    assert not web.refresh()
    web.delete()


def test_user_data_is_shown_as_it_was_given(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro", userData=USER_DATA)
    assert web.state["userData"] == USER_DATA
    told = aws.client("ec2").describe_instance_attribute(InstanceId=web.id, Attribute="userData")
    assert base64.b64decode(told["UserData"]["Value"]).decode() == USER_DATA


def test_a_new_image_replaces_and_creates_before_it_deletes(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro")
    found = web.diff(ami=aws.register("two"), instanceType="t3.micro")
    assert list(found.replaces) == ["ami"]
    assert not found.deleteBeforeReplace
    assert web.changes(ami=UNKNOWN, instanceType="t3.micro") == {"ami": "UPDATE_REPLACE"}


def test_new_user_data_stops_changes_and_starts_in_place(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro"}
    web = plugin.make(INSTANCE, "web", **given, userData=USER_DATA)
    assert web.changes(**given, userData="#!/bin/sh\n") == {"userData": "UPDATE"}
    aws.forget()
    web.update(**given, userData="#!/bin/sh\n")
    assert [action for action in aws.actions() if not action.startswith("Describe")] == [
        "StopInstances",
        "ModifyInstanceAttribute",
        "StartInstances",
    ]
    assert web.state["userData"] == "#!/bin/sh\n"
    assert web.state["instanceState"] == "running"
    assert web.changes(**given, userData="#!/bin/sh\n") == {}


def test_new_user_data_replaces_where_the_program_says_so(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro", "userDataReplaceOnChange": True}
    web = plugin.make(INSTANCE, "web", **given, userData=USER_DATA)
    assert web.changes(**given, userData="#!/bin/sh\n") == {"userData": "UPDATE_REPLACE"}
    assert web.changes(**given, userData=UNKNOWN) == {"userData": "UPDATE_REPLACE"}


def test_user_data_above_16_kib_is_refused_in_preview(aws: LocalAws, plugin: Plugin) -> None:
    _, failures = plugin.check(INSTANCE, "web", {}, ami=aws.image, userData="x" * 16385)
    assert "expected length of userData to be in the range (0 - 16384)" in failures["userData"]


def test_type_tags_groups_and_metadata_options_change_in_place(aws: LocalAws, plugin: Plugin) -> None:
    group = aws.client("ec2").create_security_group(GroupName="g", Description="g")["GroupId"]
    first = {"ami": aws.image, "instanceType": "t3.micro", "tags": {"a": "1", "b": "2"}}
    web = plugin.make(INSTANCE, "web", **first, metadataOptions={"httpTokens": "optional"})
    then = first | {"instanceType": "t3.small", "tags": {"b": "3"}, "vpcSecurityGroupIds": [group]}
    then |= {"metadataOptions": {"httpTokens": "required"}}
    found = web.diff(**then)
    assert list(found.replaces) == []
    assert {"instanceType", "tags.a", "tags.b", "metadataOptions.httpTokens"} < set(found.detailedDiff)
    web.update(**then)
    told = aws.instance(web.id)
    assert (told["InstanceType"], told["MetadataOptions"]["HttpTokens"]) == ("t3.small", "required")
    assert told["NetworkInterfaces"][0]["Groups"][0]["GroupId"] == group
    assert {tag["Key"]: tag["Value"] for tag in told["Tags"]} == {"b": "3"}
    assert web.changes(**then) == {}


def test_no_change_is_no_change_also_after_a_refresh(aws: LocalAws, plugin: Plugin) -> None:
    given = {
        "ami": aws.image,
        "instanceType": "t3.micro",
        "userData": USER_DATA,
        "tags": {"Name": "web"},
        "metadataOptions": {"httpTokens": "required"},
    }
    web = plugin.make(INSTANCE, "web", **given)
    assert web.changes(**given) == {}
    assert web.refresh()
    assert web.changes(**given) == {}


def test_what_changed_outside_is_seen_by_a_refresh(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro", tags={"a": "1"})
    aws.client("ec2").create_tags(Resources=[web.id], Tags=[{"Key": "a", "Value": "2"}])
    assert web.refresh()
    assert web.inputs["tags"] == {"a": "2"}
    assert web.changes(ami=aws.image, instanceType="t3.micro", tags={"a": "1"}) == {"tags.a": "UPDATE"}


def test_an_instance_is_imported_by_its_id(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro", tags={"Name": "web"})
    found = plugin.imported(INSTANCE, "web", web.id)
    assert found is not None
    state, inputs = found
    assert state["publicIp"] == web.state["publicIp"]
    assert (inputs["ami"], inputs["instanceType"], inputs["tags"]) == (aws.image, "t3.micro", {"Name": "web"})
    assert plugin.imported(INSTANCE, "web", "i-0123456789abcdef0") is None


def test_a_refusal_is_told_in_the_words_of_the_sdk_and_leaves_nothing(aws: LocalAws, plugin: Plugin) -> None:
    aws.fault("RunInstances", "InsufficientInstanceCapacity", "no room", times=1)
    with pytest.raises(Refused) as refused:
        plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro")
    told = "creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, "
    assert told in str(refused.value)
    assert "api error InsufficientInstanceCapacity: no room" in str(refused.value)


def test_an_image_and_a_type_or_a_launch_template_are_wanted(plugin: Plugin) -> None:
    _, failures = plugin.check(INSTANCE, "web", {}, instanceType="t3.micro")
    assert set(failures) == {"ami"} and "one of `ami,launch_template` must be specified" in failures["ami"]
    _, failures = plugin.check(INSTANCE, "web", {}, ami=UNKNOWN)
    assert set(failures) == {"instanceType"}
    assert "one of `instance_type,launch_template` must be specified" in failures["instanceType"]
    assert plugin.check(INSTANCE, "web", {}, launchTemplate={"id": UNKNOWN})[1] == {}


def test_what_it_does_not_have_is_refused_by_name(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro"}
    options = {"httpTokens": "never", "httpColour": "red"}
    _, failures = plugin.check(INSTANCE, "web", {}, **given, hibernation=True, metadataOptions=options)
    assert set(failures) == {"hibernation", "metadataOptions.httpTokens", "metadataOptions.httpColour"}
    assert 'expected metadataOptions.httpTokens to be one of ["optional" "required"], got never' in str(failures)


def test_a_protected_instance_is_not_deleted_unless_forced(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro", "disableApiTermination": True}
    web = plugin.make(INSTANCE, "web", **given)
    # moto does not take it from RunInstances.
    aws.client("ec2").modify_instance_attribute(InstanceId=web.id, DisableApiTermination={"Value": True})
    with pytest.raises(Refused, match="api error OperationNotPermitted"):
        web.delete()
    web.update(**given, forceDestroy=True)
    web.delete()
    assert not web.refresh()


def test_binary_user_data_goes_through_as_base64(aws: LocalAws, plugin: Plugin) -> None:
    packed = base64.b64encode(bytes(range(256))).decode()
    given = {"ami": aws.image, "instanceType": "t3.micro"}
    web = plugin.make(INSTANCE, "web", **given, userDataBase64=packed)
    assert web.state["userDataBase64"] == packed
    assert "userData" not in web.state
    assert web.changes(**given, userDataBase64=packed) == {}
    web.update(**given, userDataBase64=base64.b64encode(b"\xff").decode())
    told = aws.client("ec2").describe_instance_attribute(InstanceId=web.id, Attribute="userData")
    assert base64.b64decode(told["UserData"]["Value"]) == b"\xff"


def test_user_data_that_is_base64_already_is_not_encoded_again(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro", "userData": base64.b64encode(USER_DATA.encode()).decode()}
    web = plugin.make(INSTANCE, "web", **given)
    told = aws.client("ec2").describe_instance_attribute(InstanceId=web.id, Attribute="userData")
    assert base64.b64decode(told["UserData"]["Value"]).decode() == USER_DATA
    assert web.changes(**given) == {}


def test_a_launch_template_may_say_what_the_machine_is(aws: LocalAws, plugin: Plugin) -> None:
    template = plugin.make("aws:ec2/launchTemplate:LaunchTemplate", "t", imageId=aws.image, instanceType="t3.small")
    web = plugin.make(INSTANCE, "web", launchTemplate={"id": template.id, "version": "1"})
    assert (web.state["ami"], web.state["instanceType"]) == (aws.image, "t3.small")
    assert web.changes(launchTemplate={"id": template.id, "version": "1"}) == {}
    assert web.changes(launchTemplate={"id": template.id, "version": "2"}) == {
        "launchTemplate.version": "UPDATE_REPLACE"
    }


def test_a_public_address_is_asked_for_with_the_interface(aws: LocalAws, plugin: Plugin) -> None:
    group = aws.client("ec2").create_security_group(GroupName="g", Description="g")["GroupId"]
    given = {"ami": aws.image, "instanceType": "t3.micro", "vpcSecurityGroupIds": [group]}
    web = plugin.make(INSTANCE, "web", **given, associatePublicIpAddress=True)
    (call,) = aws.calls("RunInstances")
    assert call["NetworkInterface.1.AssociatePublicIpAddress"] == "true"
    assert call["NetworkInterface.1.SecurityGroupId.1"] == group
    assert web.state["publicIp"]
    assert web.changes(**given, associatePublicIpAddress=False) == {"associatePublicIpAddress": "UPDATE_REPLACE"}


def test_the_root_volume_grows_in_place_and_is_encrypted_only_anew(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro"}
    web = plugin.make(INSTANCE, "web", **given, rootBlockDevice={"volumeSize": 9})
    assert web.state["rootBlockDevice"]["volumeSize"] == 9
    assert web.changes(**given, rootBlockDevice={"volumeSize": 10}) == {"rootBlockDevice.volumeSize": "UPDATE"}
    then = {"volumeSize": 9, "encrypted": True}
    assert web.changes(**given, rootBlockDevice=then) == {"rootBlockDevice.encrypted": "UPDATE_REPLACE"}


def test_an_instance_that_cannot_be_waited_for_is_recorded_with_the_reason(aws: LocalAws, plugin: Plugin) -> None:
    aws.fault("DescribeInstances", "OperationNotPermitted", "not you")
    with pytest.raises(Refused, match=r"waiting for EC2 Instance \(i-\w+\) create: .* OperationNotPermitted: not you"):
        plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro")
    ((key, _),) = plugin.context.metadata
    assert key == "grpc-status-details-bin"
