"""Whose account it is, by which credentials, and which regions it has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bakewell.clouds import connect
from bakewell.clouds.aws import Aws
from bakewell.errors import CloudError, ConfigError
from bakewell.settings import AwsSettings, Environment, Settings
from tests.unit.clouds.aws.conftest import HOME, Account
from tests.unit.one_proxy import OneProxy

MOTO = "123456789012"
OTHERS = "210987654321"
ASK: dict[str, Callable[[Aws], object]] = {
    "say who": lambda cloud: cloud.account.check(),
    "list images": lambda cloud: cloud.images.of("shop"),
    "list references": lambda cloud: cloud.references.all(),
    "sweep": lambda cloud: cloud.remains.sweep("shop"),
    "delete": lambda cloud: cloud.images.delete("ami-0123"),
}


@pytest.mark.parametrize("what", sorted(ASK))
def test_another_account_is_refused_whatever_it_is_asked(account: Account, what: str) -> None:
    ASK[what](Aws(HOME, MOTO))
    with pytest.raises(ConfigError, match=f"belongs to AWS account {OTHERS}, but the credentials are of {MOTO}") as no:
        ASK[what](Aws(HOME, OTHERS))
    assert "AWS_PROFILE" in no.value.remedy and "bakewell:aws.account" in no.value.remedy


def test_a_stack_is_connected_to_its_own_account_and_region(account: Account) -> None:
    settings = Settings(clouds=["aws"], aws=AwsSettings(regions=["eu-west-1"], account=OTHERS))
    with pytest.raises(ConfigError, match=f"belongs to AWS account {OTHERS}"):
        connect("aws", Environment.read({}), settings).images.of("shop")
    settings = Settings(clouds=["aws"], aws=AwsSettings(regions=["eu-west-1"]))
    assert MOTO in connect("aws", Environment.read({}), settings).account.check()
    assert {call["region"] for call in account.served.http.get("/sandbox/calls").json()["calls"]} == {"eu-west-1"}


def test_a_region_that_the_account_has_not_enabled_is_refused(account: Account) -> None:
    for account_id in (None, MOTO):
        with pytest.raises(CloudError, match="in me-south-1") as caught:
            Aws("me-south-1", account_id).images.of("shop")
        assert "not enabled: see bakewell:aws.regions" in caught.value.remedy


def test_credentials_that_are_missing_name_their_remedy(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CloudError, match=r"(?s)nobody.*set AWS_PROFILE"):
        Aws(HOME).account.check()


def test_credentials_that_expired_say_to_log_in_again(account: Account, cloud: Aws) -> None:
    account.served.order("error", action="sts:GetCallerIdentity", code="ExpiredToken")
    with pytest.raises(CloudError, match="ExpiredToken") as caught:
        cloud.account.check()
    assert "log in again" in caught.value.remedy


def test_an_account_that_calls_too_often_waits_and_goes_on(account: Account, cloud: Aws) -> None:
    account.served.order("error", action="ec2:DescribeImages", code="RequestLimitExceeded", nth=1, times=3)
    assert cloud.images.of("shop") == []


def test_a_cloud_on_this_machine_is_asked_by_no_proxy(
    cloud: Aws, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, f"http://ann:s3cret@{one_proxy.address}")
    assert cloud.account.check()
    assert one_proxy.asked == []


def test_a_real_cloud_is_asked_through_the_proxy_and_no_password_is_shown(
    cloud: Aws, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_proxy.login, one_proxy.refusal = "Basic of-somebody-else", 407
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:s3cret@{one_proxy.address}")
    with pytest.raises(CloudError, match=r"\b407\b|proxy") as caught:
        cloud.account.check()
    assert "s3cret" not in str(caught.value) and one_proxy.asked[0] == ("CONNECT", "sts.us-east-1.amazonaws.com:443")
