"""What the aws plugin does with security groups."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.providers.aws.cloud import LocalAws
from tests.providers.aws.plugin import Plugin, Refused

GROUP = "aws:ec2/securityGroup:SecurityGroup"
HTTP = {"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["0.0.0.0/0"], "description": "http"}
SSH = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"]}
OUT = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}


def told(aws: LocalAws, group: str) -> Any:
    return aws.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]


def test_rules_are_shown_whole(aws: LocalAws, plugin: Plugin) -> None:
    group = plugin.make(GROUP, "web", ingress=[HTTP], egress=[OUT])
    rule = {"ipv6CidrBlocks": [], "prefixListIds": [], "securityGroups": [], "self": False}
    assert group.state["ingress"] == [{**HTTP, **rule}]
    assert group.state["egress"] == [{**OUT, **rule, "description": ""}]
    assert group.state["description"] == "Managed by Pulumi"
    assert re.fullmatch(r"web-[0-9a-f]{7}", told(aws, group.id)["GroupName"])
    closed = plugin.make(GROUP, "closed", ingress=[HTTP])
    assert told(aws, closed.id)["IpPermissionsEgress"] == [], "without egress nothing may leave"
    assert closed.changes(ingress=[HTTP]) == {}


def test_rules_change_in_place_by_what_differs(aws: LocalAws, plugin: Plugin) -> None:
    group = plugin.make(GROUP, "web", ingress=[HTTP, SSH], egress=[OUT])
    fewer = {**SSH, "cidrBlocks": ["10.0.0.0/8"]}
    found = group.diff(ingress=[HTTP, fewer], egress=[OUT])
    assert list(found.replaces) == []
    assert list(found.diffs) == ["ingress"]
    aws.forget()
    group.update(ingress=[HTTP, fewer], egress=[OUT])
    (revoked,) = aws.calls("RevokeSecurityGroupIngress")
    assert revoked["IpPermissions.1.IpRanges.1.CidrIp"] == "192.168.0.0/16"
    assert aws.calls("AuthorizeSecurityGroupIngress") == []


def test_a_group_may_name_itself_and_others(plugin: Plugin) -> None:
    other = plugin.make(GROUP, "other")
    rule = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True, "securityGroups": [other.id]}
    group = plugin.make(GROUP, "web", ingress=[rule])
    (seen,) = group.state["ingress"]
    assert (seen["self"], seen["securityGroups"]) == (True, [other.id])
    assert group.refresh()
    assert group.changes(ingress=[rule]) == {}


def test_a_rule_from_outside_is_seen_by_a_refresh_and_taken_away(aws: LocalAws, plugin: Plugin) -> None:
    group = plugin.make(GROUP, "web", ingress=[HTTP])
    extra = {"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws.client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=[extra])
    assert group.refresh()
    assert len(group.state["ingress"]) == 2
    group.update(ingress=[HTTP])
    assert [one["FromPort"] for one in told(aws, group.id)["IpPermissions"]] == [80]


def test_name_description_and_vpc_replace_and_an_explicit_name_deletes_first(plugin: Plugin) -> None:
    auto = plugin.make(GROUP, "web", description="one")
    assert auto.replaced(description="two") == (["description"], False)
    named = plugin.make(GROUP, "web", name="here", description="one")
    assert named.replaced(name="here", description="two") == (["description"], True)


def test_unknown_rules_are_a_change_and_no_failure(plugin: Plugin) -> None:
    group = plugin.make(GROUP, "web", ingress=[HTTP])
    assert group.changes(ingress=UNKNOWN) == {"ingress": "UPDATE"}
    assert plugin.preview(GROUP, "new", ingress=[{**HTTP, "cidrBlocks": [UNKNOWN]}])["ingress"]


def test_all_ports_are_zero(plugin: Plugin) -> None:
    _, failures = plugin.check(GROUP, "web", {}, egress=[{**OUT, "toPort": 65535}])
    assert "must both be 0" in str(failures)


def test_deletion_waits_for_what_uses_it_and_gives_up_in_time(aws: LocalAws, plugin: Plugin) -> None:
    group, used = plugin.make(GROUP, "web"), plugin.make(GROUP, "used")
    aws.fault("DeleteSecurityGroup", "DependencyViolation", "in use", times=2)
    group.delete()
    assert len(aws.calls("DeleteSecurityGroup")) == 3
    assert not group.refresh()
    group.delete()
    aws.fault("DeleteSecurityGroup", "DependencyViolation", "has a dependent object", times=100)
    with pytest.raises(Refused, match="has a dependent object"):
        used.delete(timeout=0.5)
