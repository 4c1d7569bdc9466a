"""HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as the clouds' and the vendors' clients go by them."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import pytest

from bakewell import proxy
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.downloads import vendor as vendors
from bakewell.errors import BakewellError, CloudError, ConfigError
from tests.unit.one_proxy import OneProxy
from tests.unit.vendor import FAR, Vendor

ACCOUNT = '{"account": {"status": "active", "email": "a@b", "uuid": "u"}}'
CLOUD = f"https://{FAR}"
CONNECT = ("CONNECT", f"{FAR}:443")
S3CRET = "Basic " + base64.b64encode(b"ann:s3cret@1").decode()


@pytest.fixture
def far(vendor: Vendor, one_proxy: OneProxy) -> Vendor:
    """A site that only the proxy leads to."""
    one_proxy.port = int(vendor.url.rpartition(":")[2])
    vendor.pages["/v2/account"] = ACCOUNT
    return vendor


def cloud() -> DigitalOcean:
    return DigitalOcean(CLOUD, "t0ken", sleep=lambda seconds: None)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_cloud_is_asked_through_the_proxy(
    far: Vendor, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, f"{scheme}{one_proxy.address}")
    assert cloud().account.check() == "a@b"
    assert one_proxy.asked == [CONNECT] and far.asked == ["/v2/account"]


def test_a_vendor_is_asked_through_the_proxy(
    far: Vendor, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{one_proxy.address}")
    far.pages |= {"/sums": (f"https://{FAR}/moved",), "/moved": "0 x"}
    assert vendors._fetch(f"https://{FAR}/sums", "x 1", tmp_path) == "0 x"
    assert set(one_proxy.asked) == {CONNECT} and far.asked == ["/sums", "/moved"]
    one_proxy.refusal = 403
    with pytest.raises(BakewellError, match=f"the proxy http://{one_proxy.address} answers 403") as caught:
        vendors._fetch(f"https://{FAR}/sums", "x 1", tmp_path)
    assert "HTTPS_PROXY" in caught.value.remedy and FAR in caught.value.remedy


def test_the_proxy_s_login_is_sent_to_it_and_shown_to_nobody(
    far: Vendor, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_proxy.login = S3CRET
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:s3cret%401@{one_proxy.address}")
    assert cloud().account.check() == "a@b"
    assert "s3cret" not in repr(proxy.proxy_for(CLOUD))


def test_a_login_that_the_proxy_refuses_is_tried_once_and_never_shown(
    far: Vendor, one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_proxy.login = S3CRET
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:wr0ng@{one_proxy.address}")
    with pytest.raises(CloudError, match=f"the proxy http://{one_proxy.address} answers 407") as caught:
        cloud().account.check()
    assert "wr0ng" not in str(caught.value) and "HTTPS_PROXY" in caught.value.remedy
    assert one_proxy.asked == [CONNECT] and far.asked == []


def test_a_proxy_that_is_not_there_is_named(one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:s3cret@{address}")
    with pytest.raises(CloudError, match=f"the proxy http://{address} cannot be reached") as caught:
        cloud().account.check()
    assert "s3cret" not in str(caught.value) and f"name {FAR} in NO_PROXY" in caught.value.remedy


def test_plain_http_goes_through_its_own_proxy(one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    one_proxy.login = S3CRET
    monkeypatch.setenv("HTTP_PROXY", f"http://ann:s3cret%401@{one_proxy.address}")
    url = f"http://{FAR}/x"
    assert proxy.pool(url).request("GET", url).data == b"by the proxy"
    assert one_proxy.asked == [("GET", url)]


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("rule", "url"),
    [
        (FAR, CLOUD),
        (".example", CLOUD),
        ("other.test, example", CLOUD),
        (f"{FAR}:443", f"{CLOUD}:443"),
        ("*", CLOUD),
        ("10.0.0.0/8", "https://10.1.2.3"),
        ("10.1.2.3", "https://10.1.2.3"),
    ],
)
def test_what_no_proxy_names_is_asked_directly(
    one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch, variable: str, rule: str, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{one_proxy.address}")
    assert proxy.proxy_for(url) is not None
    monkeypatch.setenv(variable, rule)
    assert proxy.proxy_for(url) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://127.9.9.9"])
def test_this_machine_is_asked_directly_as_by_pulumi_and_packer(
    one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://{one_proxy.address}")
    assert proxy.proxy_for(url) is None


def test_only_the_scheme_s_own_variable_counts(one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://{one_proxy.address}")
    monkeypatch.setenv("HTTP_PROXY", f"http://{one_proxy.address}")
    assert proxy.proxy_for(CLOUD) is None


@pytest.mark.parametrize("named", ["socks5://ann:s3cret@proxy:1080", "ftp://proxy", "http://", "http://proxy:many"])
def test_what_is_no_http_proxy_is_refused(one_proxy: OneProxy, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(ConfigError, match="HTTPS_PROXY names no HTTP proxy") as caught:
        cloud()
    assert "s3cret" not in str(caught.value) and FAR in caught.value.remedy
