from __future__ import annotations

import json

import pytest
import yaml
from pydantic import ValidationError

from bakewell.errors import ConfigError
from bakewell.user_data import LIMITS, MACHINE_FILE, UserData


def test_it_is_cloud_config_that_says_role_and_services() -> None:
    text = UserData(role="web", services=["nginx.service", "app.service"], facts={"cluster": "eu"}).render()
    assert text.startswith("#cloud-config\n")
    document = yaml.safe_load(text)
    (file,) = document["write_files"]
    assert (file["path"], file["permissions"]) == (MACHINE_FILE, "0644")
    assert json.loads(file["content"]) == {"role": "web", "cluster": "eu"}
    assert [command[-1] for command in document["runcmd"]] == ["nginx.service", "app.service"]
    assert all(command[:2] == ["systemctl", "enable"] and "--no-block" in command for command in document["runcmd"])


def test_without_services_nothing_is_run() -> None:
    assert "runcmd" not in yaml.safe_load(UserData(role="base").render())


def test_the_same_values_give_the_same_text() -> None:
    one = UserData(role="web", facts={"a": "1", "b": "2"})
    two = UserData(role="web", facts={"b": "2", "a": "1"})
    assert one.render() == two.render()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"join_token": "abc"}, "`join_token` is the name of a secret"),
        ({"db_password": "abc"}, "`db_password` is the name of a secret"),
        ({"note": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "`note` holds a private key"),
        ({"note": "dop_v1_" + "0" * 64}, "`note` holds a DigitalOcean token"),
        ({"role": "api"}, "`role` has a field of its own"),
        ({"Bad key": "x"}, "Bad key"),
    ],
)
def test_secrets_and_bad_facts_are_refused(facts: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        UserData.of("web", [], facts)
    assert said in caught.value.what
    assert "user_data of web" in str(caught.value)
    assert caught.value.remedy
    with pytest.raises(ValidationError):
        UserData(role="web", facts=facts)


def test_a_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigError) as caught:
        UserData.of("web", [], {"join_token": "s3cret-value"})
    assert "s3cret-value" not in str(caught.value)


@pytest.mark.parametrize("service", ["nginx", "a b.service", "$(reboot).service", ""])
def test_what_is_no_unit_is_refused(service: str) -> None:
    with pytest.raises(ConfigError, match=r"services\.0"):
        UserData.of("web", [service])


def test_what_is_too_large_for_the_cloud_is_refused_with_its_size() -> None:
    limit = LIMITS["digitalocean"]
    room = limit - len(UserData(role="web", facts={"x": ""}).render())
    assert len(UserData(role="web", facts={"x": "." * room}).render()) == limit
    with pytest.raises(ConfigError) as caught:
        UserData(role="web", facts={"x": "." * (room + 1)}).render("digitalocean")
    assert f"is {limit + 1} bytes" in caught.value.what
    assert f"takes {limit}" in caught.value.what
    assert caught.value.remedy
