"""What the aws plugin does with instances."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import ACCOUNT, REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused

INSTANCE = "aws:ec2/instance:Instance"
USER_DATA = "#cloud-config\nhostname: here\n"


def told_user_data(aws: LocalAws, instance: str) -> bytes:
    told = aws.client("ec2").describe_instance_attribute(InstanceId=instance, Attribute="userData")
    return base64.b64decode(told["UserData"]["Value"])


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


def test_an_instance_from_create_to_delete(aws: LocalAws, plugin: Plugin) -> None:
    given = {
        "ami": aws.image,
        "instanceType": "t3.micro",
        "userData": USER_DATA,
        "tags": {"Name": "web"},
        "metadataOptions": {"httpTokens": "required"},
    }
    web = plugin.make(INSTANCE, "web", **given)
    assert web.state["instanceState"] == "running", "it is made once it runs"
    assert web.state["arn"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{web.id}"
    assert web.state["privateIp"] == aws.instance(web.id)["PrivateIpAddress"]
    assert web.state["tags"] == web.state["tagsAll"] == {"Name": "web"}
    assert web.state["userData"] == USER_DATA, "it is shown as it was given"
    assert told_user_data(aws, web.id) == USER_DATA.encode()
    # No change is no change, also after a refresh.
    assert web.changes(**given) == {}
    assert web.refresh()
    assert web.changes(**given) == {}
    # A new image replaces it, and the new one comes first.
    assert web.replaced(**given | {"ami": aws.register("two")}) == (["ami"], False)
    assert web.changes(**given | {"ami": UNKNOWN}) == {"ami": "UPDATE_REPLACE"}
    # What changed outside is seen by a refresh.
    aws.client("ec2").create_tags(Resources=[web.id], Tags=[{"Key": "Name", "Value": "other"}])
    assert web.refresh()
    assert web.inputs["tags"] == {"Name": "other"}
    assert web.changes(**given) == {"tags.Name": "UPDATE"}
    web.delete()
    assert aws.instance(web.id)["State"]["Name"] == "terminated"
    assert not web.refresh()
    web.delete()


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


def test_a_refusal_is_told_in_the_words_of_the_sdk_and_leaves_nothing(aws: LocalAws, plugin: Plugin) -> None:
    aws.fault("RunInstances", "InsufficientInstanceCapacity", "no room", times=1)
    with pytest.raises(Refused) as refused:
        plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro")
    told = "creating EC2 Instance: operation error EC2: RunInstances, https response error StatusCode: 400, "
    assert told in str(refused.value)
    assert "api error InsufficientInstanceCapacity: no room" in str(refused.value)


@pytest.mark.parametrize(
    ("inputs", "property_", "told"),
    [
        ({"instanceType": "t3.micro"}, "ami", "one of `ami,launch_template` must be specified"),
        ({"ami": UNKNOWN}, "instanceType", "one of `instance_type,launch_template` must be specified"),
        (
            {"launchTemplate": {"id": UNKNOWN}, "userData": "x" * 16385},
            "userData",
            "expected length of userData to be in the range (0 - 16384)",
        ),
        (
            {"launchTemplate": {"id": UNKNOWN}, "metadataOptions": {"httpTokens": "never"}},
            "metadataOptions.httpTokens",
            'expected metadata_options.http_tokens to be one of ["optional" "required"], got never',
        ),
        (
            {"launchTemplate": {"id": UNKNOWN}, "metadataOptions": {"httpColour": "red"}},
            "metadataOptions.httpColour",
            "is not implemented by the local cloud's stand-in",
        ),
        ({"launchTemplate": {"id": UNKNOWN}, "hibernation": True}, "hibernation", "is not implemented"),
    ],
)
def test_what_is_wrong_is_refused_in_preview(plugin: Plugin, inputs: dict[str, Any], property_: str, told: str) -> None:
    _, failures = plugin.check(INSTANCE, "web", {}, **inputs)
    assert set(failures) == {property_}
    assert told in failures[property_]


def test_user_data_that_is_base64_already_is_not_encoded_again(aws: LocalAws, plugin: Plugin) -> None:
    given = {"ami": aws.image, "instanceType": "t3.micro", "userData": base64.b64encode(USER_DATA.encode()).decode()}
    web = plugin.make(INSTANCE, "web", **given)
    assert told_user_data(aws, web.id) == USER_DATA.encode()
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
    told = r"waiting for EC2 Instance \((i-\w+)\) create: .* OperationNotPermitted: not you"
    with pytest.raises(Refused, match=told) as refused:
        plugin.make(INSTANCE, "web", ami=aws.image, instanceType="t3.micro")
    assert refused.value.partial.id.startswith("i-")
    assert re.search(told, refused.value.partial.reasons[0])
