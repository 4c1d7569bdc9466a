"""What the aws plugin does with SSM parameters and key pairs."""

from __future__ import annotations

import re

import pytest

from sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import ACCOUNT, REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused

PARAMETER = "aws:ssm/parameter:Parameter"
KEY = "aws:ec2/keyPair:KeyPair"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHQvSCRKrQEtSRGLcDGsVlYFyzFVAuo3d9nNpTyBqiqb me"


def test_a_new_value_is_a_new_version_in_place_and_unknown_in_preview(aws: LocalAws, plugin: Plugin) -> None:
    given = {"name": "/bakewell/web", "type": "String", "dataType": "aws:ec2:image"}
    web = plugin.make(PARAMETER, "web", **given, value=aws.image)
    assert (web.id, web.state["version"]) == ("/bakewell/web", 1)
    assert web.state["arn"] == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/bakewell/web"
    assert web.changes(**given, value=aws.image) == {}
    other = aws.register("two")
    assert web.changes(**given, value=other) == {"value": "UPDATE"}
    assert web.preview(**given, value=other)["version"] is UNKNOWN
    web.update(**given, value=other)
    assert (web.state["value"], web.state["version"]) == (other, 2)
    assert aws.calls("PutParameter") == [{}, {}]


def test_an_image_that_is_not_known_yet_is_a_change(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", value=aws.image)
    assert web.changes(type="String", value=UNKNOWN) == {"value": "UPDATE"}
    assert web.preview(type="String", value=UNKNOWN)["version"] is UNKNOWN


def test_an_insecure_value_is_shown_and_the_preview_keeps_its_old_version(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", insecureValue="one")
    assert web.state["insecureValue"] == "one"
    assert "value" not in web.state
    known = web.preview(type="String", insecureValue="two")
    assert (known["version"], known["value"]) == (1, UNKNOWN)
    web.update(type="String", insecureValue="two")
    assert (web.state["insecureValue"], web.state["version"]) == ("two", 2)
    assert web.changes(type="String", insecureValue="two") == {}


def test_a_parameter_that_is_there_is_overwritten_only_where_the_program_says_so(aws: LocalAws, plugin: Plugin) -> None:
    aws.client("ssm").put_parameter(Name="there", Type="String", Value="before")
    with pytest.raises(Refused, match=r"creating SSM Parameter: operation error SSM: PutParameter.*, ParameterAlread"):
        plugin.make(PARAMETER, "web", name="there", type="String", value="after")
    web = plugin.make(PARAMETER, "web", name="there", type="String", value="after", overwrite=True, tags={"a": "1"})
    assert (web.state["version"], web.state["tags"]) == (2, {"a": "1"})


def test_name_and_data_type_replace_and_an_explicit_name_deletes_first(plugin: Plugin) -> None:
    auto = plugin.make(PARAMETER, "web", type="String", value="v")
    assert re.fullmatch(r"web-[0-9a-f]{7}", auto.id)
    found = auto.diff(type="String", value="v", dataType="aws:ec2:image")
    assert (list(found.replaces), found.deleteBeforeReplace) == (["dataType"], False)
    named = plugin.make(PARAMETER, "web", name="one", type="String", value="v")
    found = named.diff(name="two", type="String", value="v")
    assert (list(found.replaces), found.deleteBeforeReplace) == (["name"], True)


def test_tags_change_without_a_new_version(plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", value="v", tags={"a": "1", "b": "2"})
    web.update(type="String", value="v", tags={"b": "3"})
    assert (web.state["tags"], web.state["version"]) == ({"b": "3"}, 1)


def test_a_parameter_deleted_outside_is_gone(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(PARAMETER, "web", type="String", value="v")
    assert plugin.imported(PARAMETER, "web", web.id) is not None
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
