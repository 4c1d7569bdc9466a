"""What the aws plugin does with SSM parameters, key pairs and launch permissions."""

from __future__ import annotations

import re

import pytest

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import ACCOUNT, REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused

PARAMETER = "aws:ssm/parameter:Parameter"
KEY = "aws:ec2/keyPair:KeyPair"
PERMISSION = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"
FRIEND, OTHER = "111122223333", "444455556666"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQvSCRKrQEtSRGLcDGsVlYFyzFVAuo3d9nNpTyBqiqb me"


def test_a_new_value_is_a_new_version_in_place_and_unknown_in_preview(aws: LocalAws, plugin: Plugin) -> None:
    given = {"name": "/bakewell/web", "type": "String", "dataType": "aws:ec2:image"}
    web = plugin.make(PARAMETER, "web", **given, value=aws.image)
    assert (web.id, web.state["version"]) == ("/bakewell/web", 1)
    assert web.state["arn"] == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/bakewell/web"
    assert web.changes(**given, value=aws.image) == {}
    other = aws.register("two")
    for value in (UNKNOWN, other):
        assert web.changes(**given, value=value) == {"value": "UPDATE"}
        assert web.preview(**given, value=value)["version"] is UNKNOWN
    web.update(**given, value=other)
    assert (web.state["value"], web.state["version"]) == (other, 2)
    assert [call["Value"] for call in aws.calls("PutParameter")] == [aws.image, other]


def test_an_insecure_value_is_shown_and_the_preview_keeps_its_old_version(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", insecureValue="one")
    assert web.state["insecureValue"] == "one"
    assert "value" not in web.state
    known = web.preview(type="String", insecureValue="two")
    assert (known["version"], known["value"]) == (1, UNKNOWN)
    web.update(type="String", insecureValue="two")
    assert (web.state["insecureValue"], web.state["version"]) == ("two", 2)
    assert web.changes(type="String", insecureValue="two") == {}


def test_a_parameter_that_is_there_is_not_overwritten(aws: LocalAws, plugin: Plugin) -> None:
    aws.client("ssm").put_parameter(Name="there", Type="String", Value="before")
    with pytest.raises(Refused, match=r"creating SSM Parameter: operation error SSM: PutParameter.*, ParameterAlread"):
        plugin.make(PARAMETER, "web", name="there", type="String", value="after")


def test_name_and_data_type_replace_and_an_explicit_name_deletes_first(plugin: Plugin) -> None:
    auto = plugin.make(PARAMETER, "web", type="String", value="v")
    assert re.fullmatch(r"web-[0-9a-f]{7}", auto.id)
    assert auto.replaced(type="String", value="v", dataType="aws:ec2:image") == (["dataType"], False)
    named = plugin.make(PARAMETER, "web", name="one", type="String", value="v")
    assert named.replaced(name="two", type="String", value="v") == (["name"], True)


def test_tags_change_without_a_new_version_and_one_deleted_outside_is_gone(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", value="v", tags={"a": "1", "b": "2"})
    web.update(type="String", value="v", tags={"b": "3"})
    assert (web.state["tags"], web.state["version"]) == ({"b": "3"}, 1)
    aws.client("ssm").delete_parameter(Name=web.id)
    assert not web.refresh()
    web.delete()


def test_one_value_is_wanted(plugin: Plugin) -> None:
    for values in ({}, {"value": "a", "insecureValue": "b"}):
        _, failures = plugin.check(PARAMETER, "web", {}, type="String", **values)
        assert "`insecure_value,value,value_wo`" in failures["value"]
    _, failures = plugin.check(PARAMETER, "web", {}, type="Text", value="a")
    assert "expected type to be one of" in failures["type"]


def test_a_key_pair_from_create_to_delete(aws: LocalAws, plugin: Plugin) -> None:
    key = plugin.make(KEY, "me", publicKey=f"{PUBLIC}\n", tags={"a": "1"})
    assert re.fullmatch(r"me-[0-9a-f]{7}", key.id)
    assert key.state["keyName"] == key.id
    assert key.state["keyPairId"].startswith("key-")
    assert key.changes(publicKey=PUBLIC, tags={"a": "1"}) == {}
    assert key.changes(publicKey=f"{PUBLIC}self", tags={"a": "1"}) == {"publicKey": "UPDATE_REPLACE"}
    key.update(publicKey=PUBLIC, tags={"a": "2"})
    assert key.state["tags"] == {"a": "2"}
    key.delete()
    assert not key.refresh()
    key.delete()


def allowed(aws: LocalAws, image: str, region: str = REGION) -> list[str]:
    """The accounts that may launch an image."""
    found = aws.client("ec2", region).describe_image_attribute(ImageId=image, Attribute="launchPermission")
    return [one["UserId"] for one in found["LaunchPermissions"]]


def test_a_permission_from_create_to_delete(aws: LocalAws, plugin: Plugin) -> None:
    friend = plugin.make(PERMISSION, "friend", imageId=aws.image, accountId=FRIEND)
    other = plugin.make(PERMISSION, "other", imageId=aws.image, accountId=OTHER)
    assert friend.id == f"{aws.image}-{FRIEND}"
    assert sorted(allowed(aws, aws.image)) == [FRIEND, OTHER]
    assert friend.refresh()
    assert friend.changes(imageId=aws.image, accountId=FRIEND) == {}
    # Another image or account is another permission.
    assert friend.replaced(imageId=UNKNOWN, accountId=FRIEND) == (["imageId"], False)
    assert friend.changes(imageId=aws.image, accountId=OTHER) == {"accountId": "UPDATE_REPLACE"}
    friend.delete()
    assert allowed(aws, aws.image) == [OTHER], "the other one stays"
    assert not friend.refresh()
    assert other.refresh()
    friend.delete()


def test_a_permission_goes_with_its_image(aws: LocalAws, plugin: Plugin) -> None:
    friend = plugin.make(PERMISSION, "friend", imageId=aws.image, accountId=FRIEND)
    gone = f"The image ID '{aws.image}' is no longer available"
    aws.fault("DescribeImageAttribute", "InvalidAMIID.Unavailable", gone)
    assert not friend.refresh()
    aws.fault("ModifyImageAttribute", "InvalidAMIID.Unavailable", gone, times=2)
    friend.delete()
    with pytest.raises(Refused, match=r"creating EC2 AMI Launch Permission: operation error EC2: ModifyImageAttribute"):
        plugin.make(PERMISSION, "late", imageId=aws.image, accountId=FRIEND)


def test_an_account_has_twelve_digits(aws: LocalAws, plugin: Plugin) -> None:
    _, failures = plugin.check(PERMISSION, "friend", {}, imageId=aws.image, accountId="12345")
    assert '"account_id" is an invalid account ID: 12345' in failures["accountId"]
