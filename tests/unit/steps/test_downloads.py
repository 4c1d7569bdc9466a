"""Steps that install a vendor's release: what they fetch, and what they take as arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from pyinfra.facts.server import Arch, Os, Which
from steps import consul, consul_template, docker, doctl

from tests.unit.steps.harness import given, shell, texts

URL = "https://releases.example/tool.zip"
DOWNLOAD: Any = {"version": "1.0", "files": {"x86_64": {"url": URL, "sha256": "0" * 64}}}
STEPS: dict[str, Callable[..., Any]] = {
    "consul": consul.agent,
    "consul-template": consul_template.install,
    "docker-compose": docker.compose,
    "doctl": doctl.install,
}


@pytest.mark.parametrize("name", STEPS)
def test_the_release_for_the_machines_processor_is_fetched_once(name: str) -> None:
    done = given(
        lambda: STEPS[name](download=DOWNLOAD),
        {Arch: "x86_64", Os: "Linux", Which: lambda command: f"/usr/sbin/{command}"},
    )
    fetched = [command for command in shell(done) if URL in command]
    assert len(fetched) == 1 and fetched[0].endswith(f"/var/lib/bakewell/releases/{name} {name}")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("wrong", [{}, {"version": 1, "files": {}}, {"version": "1.0", "files": {"x86_64": URL}}])
def test_a_download_of_another_shape_is_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        given(
            lambda: STEPS[name](download=wrong),
            {Arch: "x86_64", Os: "Linux", Which: lambda command: f"/usr/sbin/{command}"},
        )


def test_a_service_is_registered_with_its_check() -> None:
    done = given(lambda: consul.register(service="web", port=80, path="/healthz"))
    service = json.loads(texts(done)["/etc/consul.d/service-web.json"])["service"]
    assert (service["name"], service["port"], service["check"]["http"]) == ("web", 80, "http://127.0.0.1:80/healthz")
    with pytest.raises(ValidationError):
        given(lambda: consul.register(service="web", port="http", path="/"))  # type: ignore[arg-type]
