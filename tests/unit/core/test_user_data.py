from __future__ import annotations

import json

import pytest
import yaml

from bakewell.errors import ConfigError
from bakewell.user_data import LIMITS, MACHINE_FILE, UserData


def test_it_is_cloud_config_that_says_role_and_services() -> None:
    text = UserData(role="web", services=["nginx.service", "app.service"]).render()
    assert text.startswith("#cloud-config\n")
    document = yaml.safe_load(text)
    (file,) = document["write_files"]
    assert (file["path"], file["permissions"]) == (MACHINE_FILE, "0644")
    assert json.loads(file["content"]) == {"role": "web"}
    assert [command[-1] for command in document["runcmd"]] == ["nginx.service", "app.service"]
    assert all(command[:2] == ["systemctl", "enable"] and "--no-block" in command for command in document["runcmd"])


def test_without_services_nothing_is_run() -> None:
    assert "runcmd" not in yaml.safe_load(UserData(role="base").render())


@pytest.mark.parametrize("service", ["nginx", "a b.service", "$(reboot).service", ""])
def test_what_is_no_unit_is_refused(service: str) -> None:
    with pytest.raises(ConfigError, match=r"services\.0"):
        UserData.of("web", [service])


def test_what_is_too_large_for_the_cloud_is_refused_with_its_size() -> None:
    limit = LIMITS["digitalocean"]

    def machine(last: int) -> UserData:
        """Units with long names, and one more of a length to choose."""
        return UserData(role="web", services=["x" * 200 + ".service"] * 232 + ["x" * last + ".service"])

    fits = 1 + limit - len(machine(1).render())
    assert len(machine(fits).render()) == limit
    with pytest.raises(ConfigError) as caught:
        machine(fits + 1).render("digitalocean")
    assert f"is {limit + 1} bytes" in caught.value.what
    assert f"takes {limit}" in caught.value.what
    assert caught.value.remedy
