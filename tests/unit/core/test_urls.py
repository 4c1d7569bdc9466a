"""URLs: shown without a password, and told apart by the machine that they lead to."""

from __future__ import annotations

import pytest

from bakewell.urls import loopback, shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ann:s3cret@example.com:1/v2", "https://***@example.com:1/v2"),
        ("https://t0ken@example.com", "https://***@example.com"),
        ("tcp://ann:s3/cr@et@example.com", "tcp://***@example.com"),
        ("ann:s3cret@proxy:3128", "***@proxy:3128"),
        ("http+unix://ann:s3cret@x", "http+unix://***@x"),
        ("http://ann:s3\ncret@proxy", "http://***@proxy"),
        ("https://example.com/v2?q=1", "https://example.com/v2?q=1"),
        ("unix:///run/user@1000/docker.sock", "unix:///run/user@1000/docker.sock"),
        ("", ""),
    ],
)
def test_no_user_and_no_password_is_shown(url: str, expected: str) -> None:
    assert shown(url) == expected


@pytest.mark.parametrize(
    "url",
    ["unix:///run/docker.sock", "http://localhost:1", "tcp://127.1.2.3:1", "http://[::1]", "http://a:b@127.0.0.1"],
)
def test_what_leads_to_this_machine(url: str) -> None:
    assert loopback(url)


@pytest.mark.parametrize("url", ["https://example.com", "ssh://localhost.example", "http://[::1", "tcp://10.0.0.1", ""])
def test_what_leads_elsewhere(url: str) -> None:
    assert not loopback(url)
