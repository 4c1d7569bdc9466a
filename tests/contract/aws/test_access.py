"""Who may call, what tests order, and what the cloud does not have."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.ec2.responses import EC2Response
from moto.sts.models import sts_backends

from bakewell_local.sandbox.aws.cloud import Aws
from tests.contract.aws.conftest import Refuses
from tests.contract.aws.served import DEBIAN, OTHER, Served
from tests.contract.fake_machines import STOCK, FakeMachines


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("ec2", "describe_images", "AuthFailure", 401),
        ("sts", "get_caller_identity", "InvalidClientTokenId", 403),
        ("ssm", "describe_parameters", "UnrecognizedClientException", 400),
        ("autoscaling", "describe_auto_scaling_groups", "InvalidClientTokenId", 403),
    ],
)
def test_an_access_key_that_is_not_the_account_s_is_refused(
    aws: Served, refuses: Refuses, service: str, call: str, code: str, status: int
) -> None:
    with refuses(code, status):
        getattr(aws.client(service, key="AKIAODDODDODDODDODD2"), call)()


def test_the_account_is_told(aws: Served) -> None:
    assert aws("sts").get_caller_identity()["Account"] == "123456789012"


def test_an_assumed_role_opens_its_account_with_its_token_only(aws: Served, refuses: Refuses) -> None:
    role = aws("sts").assume_role(RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="test")["Credentials"]
    there = aws.client("sts", key=role["AccessKeyId"], token=role["SessionToken"])
    assert there.get_caller_identity()["Account"] == "210987654321"
    with refuses("InvalidClientTokenId", 403):
        aws.client("sts", key=role["AccessKeyId"], token="odd").get_caller_identity()


def test_a_role_s_session_that_is_over_is_refused(aws: Served, refuses: Refuses) -> None:
    role = aws("sts").assume_role(
        RoleArn="arn:aws:iam::210987654321:role/other", RoleSessionName="test", DurationSeconds=900
    )["Credentials"]
    for _, _, backend in sts_backends.iter_backends():
        for one in backend.assumed_roles:  # type: ignore[attr-defined]
            one.expiration = one.expiration.replace(year=2001)
    with refuses("RequestExpired"):
        aws.client("ec2", key=role["AccessKeyId"], token=role["SessionToken"]).describe_images()


def test_a_region_that_is_not_enabled(aws: Served, refuses: Refuses) -> None:
    with refuses("AuthFailure", 401):
        aws("ec2", "af-south-1").describe_images()
    assert OTHER in [region["RegionName"] for region in aws.ec2.describe_regions()["Regions"]]
    assert "af-south-1" not in [region["RegionName"] for region in aws.ec2.describe_regions()["Regions"]]


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("ec2", "describe_images", "RequestExpired", 400),
        ("sts", "get_caller_identity", "ExpiredToken", 403),
        ("ssm", "describe_parameters", "ExpiredTokenException", 400),
    ],
)
def test_an_expired_token_on_order(
    aws: Served, refuses: Refuses, service: str, call: str, code: str, status: int
) -> None:
    aws.order("error", code="ExpiredToken")
    with refuses(code, status):
        getattr(aws(service), call)()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("RequestLimitExceeded", 503),
        ("UnauthorizedOperation", 403),
        ("OptInRequired", 401),
        ("InvalidAMIID.NotFound", 400),
    ],
)
def test_errors_on_order_by_action_region_and_number(aws: Served, refuses: Refuses, code: str, status: int) -> None:
    aws.order("error", action="ec2:Describe.*", region=OTHER, nth=2, code=code)
    there = aws("ec2", OTHER)
    aws.ec2.describe_images()
    there.describe_images()
    with refuses(code, status):
        there.describe_regions()
    there.describe_images()


def test_a_client_that_backs_off_gets_through(aws: Served) -> None:
    aws.order("error", action="ec2:DescribeImages", nth=1, code="RequestLimitExceeded")
    assert aws.client("ec2", attempts=3).describe_images(Owners=["self"])["Images"] == []


def test_the_journal(aws: Served) -> None:
    aws.ec2.describe_images(Owners=["self"])
    aws.order("error", action="ssm:.*", code="Odd")
    with pytest.raises(ClientError):
        aws("ssm", OTHER).get_parameter(Name="/images/web")
    calls = aws.http.get("/sandbox/calls").json()["calls"]
    assert [(c["action"], c["region"], c["status"], c["fault"]) for c in calls] == [
        ("ec2:DescribeImages", "us-east-1", 200, None),
        ("ssm:GetParameter", OTHER, 400, "error"),
    ]
    assert calls[0]["body"]["Owner.1"] == "self"
    assert calls[1]["body"] == {"Name": "/images/web"}


@pytest.mark.parametrize(
    ("service", "call", "given"),
    [
        ("ec2", "create_image_usage_report", {"ImageId": DEBIAN, "ResourceTypes": [{"ResourceType": "ec2:Instance"}]}),
        ("ec2", "list_images_in_recycle_bin", {}),
        ("ec2", "describe_images", {"Filters": [{"Name": "odd-filter", "Values": ["x"]}]}),
        ("ec2", "describe_instances", {"Filters": [{"Name": "odd-filter", "Values": ["x"]}]}),
        ("autoscaling", "rollback_instance_refresh", {"AutoScalingGroupName": "web"}),
        ("ssm", "list_nodes", {}),
        ("s3", "list_buckets", {}),
        ("imagebuilder", "list_images", {}),
    ],
)
def test_what_is_not_there_is_refused_at_once(aws: Served, service: str, call: str, given: dict[str, Any]) -> None:
    aws.launch()  # moto looks at filters only where there is something to filter
    client = aws.client(service, attempts=4)
    with pytest.raises(ClientError) as caught:
        getattr(client, call)(**given)
    assert caught.value.response["Error"]["Code"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_server_removes_what_a_former_one_left_and_nothing_of_the_other_half() -> None:
    machines = FakeMachines()
    for name in ("i-1", "droplet-7", "mirror"):
        machines.create(name, STOCK, hostname="", instance_id="", user_data=None, public_keys=[])
    machines.images |= {"bakewell/test:ami-1", "bakewell/test:7"}
    Aws("test", machines, lambda: STOCK).close()
    assert list(machines.machines) == ["droplet-7", "mirror"]
    assert machines.images == {STOCK, "bakewell/test:7"}


def test_what_one_answer_leaves_out_is_in_the_others(aws: Served) -> None:
    """moto has all answers share it: read by one thread while another writes it, that is an error besides."""
    one, other, left_out = EC2Response(), EC2Response(), "Image.Odd"
    one._exclude_from_response(left_out)
    assert left_out in one.RESPONSE_KEY_PATH_TO_TRANSFORMER
    assert left_out not in other.RESPONSE_KEY_PATH_TO_TRANSFORMER
    assert left_out not in EC2Response().RESPONSE_KEY_PATH_TO_TRANSFORMER
