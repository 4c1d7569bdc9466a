"""How the aws plugin finds out who it is and where, what it refuses before anything else, and its functions."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from bakewell_local.sandbox.providers.values import UNKNOWN
from tests.contract.aws.served import ACCESS
from tests.providers.aws.cloud import ACCOUNT, REGION, LocalAws
from tests.providers.aws.plugin import Plugin, Refused

PARAMETER = "aws:ssm/parameter:Parameter"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
SUBNET, SUBNETS = "aws:ec2/getSubnet:getSubnet", "aws:ec2/getSubnets:getSubnets"


def test_region_and_defaults_go_into_state_and_a_missing_region_is_refused(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reason,) = Plugin(aws, region=None).reasons()
    assert reason.startswith("Missing region information\n")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    inputs, reasons = Plugin(aws, region=None).check_own_config()
    assert reasons == []
    assert (inputs["region"], inputs["skipCredentialsValidation"]) == ("eu-west-1", "false")


def test_missing_credentials_are_refused_without_asking_a_machines_metadata(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    reasons = Plugin(aws).reasons()
    assert reasons[0].startswith("No valid credential sources found.")
    reasons = Plugin(aws, accessKey=ACCESS.key, secretKey="given").reasons()
    assert reasons == []


def test_expired_and_invalid_credentials_are_refused(aws: LocalAws) -> None:
    expired = "The security token included in the request is expired"
    aws.fault("GetCallerIdentity", "ExpiredToken", expired, status=403)
    reasons = Plugin(aws).reasons()
    assert reasons[0].startswith(
        "unable to validate AWS credentials.\nDetails: validating provider credentials: retrieving caller identity "
        "from STS: operation error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: "
    )
    assert f"ExpiredToken: {expired}" in reasons[0]
    invalid = "The security token included in the request is invalid."
    aws.fault("GetCallerIdentity", "InvalidClientTokenId", invalid, status=403)
    reasons = Plugin(aws).reasons()
    assert reasons[0].startswith("Invalid credentials configured.")


def test_what_is_not_known_in_preview_or_left_out_is_not_validated(aws: LocalAws) -> None:
    assert Plugin(aws, accessKey="04da6b54-80e4-46f7-96ec-b56ff0331ba9", secretKey="x").reasons() == []
    plugin = Plugin(aws, skipCredentialsValidation=True, skipRequestingAccountId=True)
    assert plugin.reasons() == []
    plugin.configured()
    assert aws.actions() == []


def test_another_account_is_refused(aws: LocalAws) -> None:
    Plugin(aws, allowedAccountIds=["111111111111", ACCOUNT]).configured()
    with pytest.raises(Refused, match=f"AWS account ID not allowed: {ACCOUNT}"):
        Plugin(aws, allowedAccountIds=["111111111111"]).configured()
    with pytest.raises(Refused, match=f"AWS account ID not allowed: {ACCOUNT}"):
        Plugin(aws, forbiddenAccountIds=[ACCOUNT]).configured()


def test_a_profile_gives_the_credentials(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        f"[me]\naws_access_key_id = {ACCESS.key}\naws_secret_access_key = profile\n"
    )
    assert Plugin(aws, profile="me").reasons() == []
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile me]\nregion = eu-west-1\n")
    plugin = Plugin(aws, profile="me", region=None)
    assert plugin.reasons() == []
    assert plugin.configured().preview(GROUP, "web")["region"] == "eu-west-1"
    reasons = Plugin(aws, profile="nobody").reasons()
    assert "failed to get shared config profile, nobody" in reasons[0]
    monkeypatch.setenv("AWS_PROFILE", "me")
    assert Plugin(aws).reasons() == []


def test_a_role_to_assume_is_refused_in_preview(aws: LocalAws) -> None:
    with pytest.raises(Refused, match="assumeRoles is not implemented"):
        Plugin(aws, assumeRoles=[{"roleArn": "arn:aws:iam::222222222222:role/deploy"}]).reasons()


def test_an_endpoint_from_the_environment_works(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    plugin = Plugin(aws, endpoints=None).configured()
    assert plugin.invoke("aws:index/getCallerIdentity:getCallerIdentity")["accountId"] == ACCOUNT


def test_the_stand_in_calls_loopback_only(aws: LocalAws) -> None:
    with pytest.raises(Refused, match="calls loopback only"):
        Plugin(aws, endpoints=None).configured()


@pytest.mark.parametrize(("times", "calls"), [(2, 3), (9, 2)])
def test_throttling_is_waited_through_until_the_retries_end(aws: LocalAws, times: int, calls: int) -> None:
    plugin = Plugin(aws, maxRetries=calls).configured()
    aws.fault("CreateSecurityGroup", "RequestLimitExceeded", "Request limit exceeded.", status=503, times=times)
    with nullcontext() if calls > times else pytest.raises(Refused, match="api error RequestLimitExceeded: Request "):
        plugin.make(GROUP, "web")
    assert len(aws.calls("CreateSecurityGroup")) == calls


def test_default_tags_are_in_tags_all_only(aws: LocalAws) -> None:
    plugin = Plugin(aws, defaultTags={"tags": {"project": "p"}}).configured()
    group = plugin.make(GROUP, "web", tags={"a": "1"})
    assert (group.state["tags"], group.state["tagsAll"]) == ({"a": "1"}, {"project": "p", "a": "1"})
    assert group.refresh()
    assert group.inputs["tags"] == {"a": "1"}
    assert group.changes(tags={"a": "1"}) == {}
    assert plugin.preview(GROUP, "new", tags={"a": UNKNOWN})["tagsAll"] is UNKNOWN


def test_a_resource_may_live_in_another_region(aws: LocalAws, plugin: Plugin) -> None:
    given = {"name": "p", "type": "String", "value": "v"}
    there = plugin.make(PARAMETER, "p", **given, region="us-east-1")
    assert there.state["region"] == "us-east-1"
    assert aws.client("ssm", "us-east-1").get_parameter(Name="p")["Parameter"]["Value"] == "v"
    assert there.changes(**given, region=REGION) == {"region": "UPDATE_REPLACE"}


def test_networks_are_found_with_their_subnets(plugin: Plugin) -> None:
    assert plugin.invoke("aws:index/getRegion:getRegion")["region"] == REGION
    vpc = plugin.invoke("aws:ec2/getVpc:getVpc", default=True)
    assert vpc["default"] is True
    with pytest.raises(Refused, match="no matching EC2 VPC found"):
        plugin.invoke("aws:ec2/getVpc:getVpc", tags={"no": "such"})
    ids = plugin.invoke(SUBNETS, filters=[{"name": "vpc-id", "values": [vpc["id"]]}])["ids"]
    assert len(ids) == 3
    subnet = plugin.invoke(SUBNET, id=ids[0])
    assert (subnet["id"], subnet["vpcId"], subnet["defaultForAz"]) == (ids[0], vpc["id"], True)
    again = plugin.invoke(SUBNET, availabilityZone=subnet["availabilityZone"], defaultForAz=True)
    assert again["id"] == ids[0]
    with pytest.raises(Refused, match="multiple EC2 Subnets matched"):
        plugin.invoke(SUBNET, vpcId=subnet["vpcId"])
    with pytest.raises(Refused, match=r"InvalidSubnetID\.NotFound"):
        plugin.invoke(SUBNET, id="subnet-00000000")
    there = plugin.invoke(SUBNETS, region="us-east-1")["ids"]
    assert plugin.invoke(SUBNET, id=there[0], region="us-east-1")["region"] == "us-east-1"


def test_where_an_instance_type_is_offered(plugin: Plugin) -> None:
    offerings = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings"
    wanted = [{"name": "instance-type", "values": ["t3.micro", "t3.nano"]}]
    found = plugin.invoke(offerings, filters=wanted)
    assert sorted(found["instanceTypes"]) == ["t3.micro", "t3.nano"]
    assert (set(found["locations"]), set(found["locationTypes"]), found["id"]) == ({REGION}, {"region"}, REGION)
    assert found["filters"] == wanted
    zones = plugin.invoke(offerings, filters=wanted, locationType="availability-zone", region="us-east-1")
    by_zone = set(zip(zones["locations"], zones["instanceTypes"], strict=True))
    assert ("us-east-1a", "t3.micro") in by_zone
    assert "us-east-1e" not in zones["locations"], "an old zone, which does not have it"
    assert (zones["region"], set(zones["locationTypes"])) == ("us-east-1", {"availability-zone"})
    odd = plugin.invoke(offerings, filters=[{"name": "instance-type", "values": ["z9.odd"]}])
    assert odd["instanceTypes"] == odd["locations"] == odd["locationTypes"] == []


def test_images_are_found_by_owner_and_name(aws: LocalAws, plugin: Plugin) -> None:
    newest = aws.register("one-more")
    found = [{"name": "name", "values": ["one*"]}]
    with pytest.raises(Refused, match="Your query returned more than one result"):
        plugin.invoke("aws:ec2/getAmi:getAmi", owners=["self"], filters=found)
    image = plugin.invoke("aws:ec2/getAmi:getAmi", owners=["self"], filters=found, nameRegex="more$")
    assert (image["id"], image["name"]) == (newest, "one-more")
    with pytest.raises(Refused, match="Your query returned no results"):
        plugin.invoke("aws:ec2/getAmi:getAmi", owners=["self"], nameRegex="two")


def test_parameters_are_found_by_name(aws: LocalAws, plugin: Plugin) -> None:
    plugin.make(PARAMETER, "p", name="/p", type="String", value="v")
    found = plugin.invoke("aws:ssm/getParameter:getParameter", name="/p")
    assert (found["value"], found["insecureValue"], found["version"]) == ("v", "v", 1)
    with pytest.raises(Refused, match=r"reading SSM Parameter \(/q\): couldn't find resource"):
        plugin.invoke("aws:ssm/getParameter:getParameter", name="/q")
