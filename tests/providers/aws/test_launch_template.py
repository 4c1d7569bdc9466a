"""What the aws plugin does with launch templates."""

from __future__ import annotations

import base64
import re
from typing import Any

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import LocalAws
from tests.providers.aws.plugin import Plugin

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def test_a_change_is_a_new_version_in_place_and_unknown_in_preview(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(TEMPLATE, "web", imageId=aws.image, instanceType="t3.micro")
    assert (web.state["latestVersion"], web.state["defaultVersion"]) == (1, 1)
    for image in (UNKNOWN, aws.register("two")):
        then: dict[str, Any] = {"imageId": image, "instanceType": "t3.micro"}
        assert web.changes(**then) == {"imageId": "UPDATE"}
        known = web.preview(**then)
        assert known["latestVersion"] is UNKNOWN
        assert known["defaultVersion"] == 1
    before = web.id
    web.update(**then)
    assert (web.id, web.state["latestVersion"], web.state["defaultVersion"]) == (before, 2, 1)
    assert web.state["imageId"] == then["imageId"]
    assert plugin.preview(TEMPLATE, "new", imageId=UNKNOWN)["latestVersion"] is UNKNOWN
    # The default version follows where the program says so.
    then |= {"imageId": aws.image, "updateDefaultVersion": True}
    assert web.preview(**then)["defaultVersion"] is UNKNOWN
    web.update(**then)
    assert (web.state["latestVersion"], web.state["defaultVersion"]) == (3, 3)


def test_a_description_is_a_new_version_that_the_preview_does_not_announce_and_tags_are_none(
    aws: LocalAws, plugin: Plugin
) -> None:
    web = plugin.make(TEMPLATE, "web", imageId=aws.image, tags={"a": "1"})
    web.update(imageId=aws.image, tags={"a": "2"})
    assert (web.state["latestVersion"], web.state["tagsAll"]) == (1, {"a": "2"})
    then = {"imageId": aws.image, "tags": {"a": "2"}, "description": "new"}
    assert web.preview(**then)["latestVersion"] == 1
    web.update(**then)
    assert web.state["latestVersion"] == 2


def test_everything_that_machines_are_made_from_comes_back_as_it_was_given(aws: LocalAws, plugin: Plugin) -> None:
    given = {
        "imageId": aws.image,
        "instanceType": "t3.micro",
        "keyName": "me",
        "userData": base64.b64encode(b"#!/bin/sh\n").decode(),
        "metadataOptions": {"httpTokens": "required", "httpEndpoint": "enabled", "httpPutResponseHopLimit": 2},
        "networkInterfaces": [{"associatePublicIpAddress": True, "securityGroups": ["sg-2", "sg-1"], "deviceIndex": 0}],
        "blockDeviceMappings": [{"deviceName": "/dev/sda1", "ebs": {"volumeSize": 9, "encrypted": True}}],
        "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "web"}}],
        "iamInstanceProfile": {"name": "web"},
        "monitoring": {"enabled": True},
    }
    web = plugin.make(TEMPLATE, "web", **given)
    assert web.changes(**given) == {}
    assert web.refresh()
    assert web.changes(**given) == {}
    assert web.inputs["networkInterfaces"][0]["securityGroups"] == ["sg-2", "sg-1"]
    assert web.state["networkInterfaces"][0]["associatePublicIpAddress"] == "true"
    version = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=web.id)["LaunchTemplateVersions"][0]
    data = version["LaunchTemplateData"]
    assert data["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is True
    assert data["BlockDeviceMappings"][0]["Ebs"] == {"VolumeSize": 9, "Encrypted": True}
    then = given | {"metadataOptions": {"httpTokens": "optional"}}
    assert web.changes(**then) == {"metadataOptions.httpTokens": "UPDATE"}


def test_it_is_named_by_its_resource_and_7_hex_unless_the_program_names_it(aws: LocalAws, plugin: Plugin) -> None:
    auto = plugin.make(TEMPLATE, "web", imageId=aws.image)
    assert re.fullmatch(r"web-[0-9a-f]{7}", auto.state["name"])
    assert auto.inputs["__defaults"] == ["name", "region"]
    named = plugin.make(TEMPLATE, "web", imageId=aws.image, name="one")
    assert named.replaced(imageId=aws.image, name="two") == (["name"], True)


def test_it_is_gone_when_it_was_deleted_outside(aws: LocalAws, plugin: Plugin) -> None:
    web = plugin.make(TEMPLATE, "web", imageId=aws.image)
    aws.client("ec2").delete_launch_template(LaunchTemplateId=web.id)
    assert not web.refresh()
    web.delete()
