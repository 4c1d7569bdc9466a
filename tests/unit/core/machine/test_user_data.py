from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from bakewell.catalog import Catalog, Watch
from bakewell.errors import ConfigError
from bakewell.user_data import LIMITS, MACHINE_FILE, Cluster, UserData, schema
from bakewell.user_data.model import CLUSTER_FILE, ENVIRONMENT_FILE, WATCHES_FILE
from tests.unit.core.conftest import Tree

REAL = Catalog.load(Path(__file__).parents[4] / "packer")
SMALL = 2048  # bytes: what issue 4 promises for every role
CLUSTER = Cluster(datacenter="nyc3", expect=3, join=["203.0.113.1", "203.0.113.2"])
PAGE = Watch(source="/etc/consul-template/templates/page.ctmpl", destination="/var/www/index.html", command="reload it")


def written(text: str) -> Mapping[str, Any]:
    """What the files hold, all of it JSON, by path."""
    files = yaml.safe_load(text)["write_files"]
    assert {file["permissions"] for file in files} == {"0644"}
    return {file["path"]: json.loads(file["content"]) for file in files}


def test_it_is_cloud_config_that_says_role_and_services() -> None:
    text = UserData(role="web", services=["nginx.service", "app.service"]).render()
    assert text.startswith("#cloud-config\n")
    assert written(text) == {MACHINE_FILE: {"role": "web"}}
    assert yaml.safe_load(text)["bootcmd"] == [["systemctl", "start", "--no-block", "nginx.service", "app.service"]]


def test_without_services_nothing_is_run() -> None:
    assert set(yaml.safe_load(UserData(role="base").render())) == {"write_files"}


@pytest.mark.parametrize(("part", "more"), [("client", {}), ("server", {"server": True, "bootstrap_expect": 3})])
def test_a_machine_is_told_where_the_servers_are_and_a_server_how_many(
    part: Literal["client", "server"], more: dict[str, object]
) -> None:
    told = written(UserData(role="web", consul=part).render(CLUSTER))
    assert set(told) == {MACHINE_FILE, CLUSTER_FILE}
    addresses = ["203.0.113.1", "203.0.113.2"]
    assert told[CLUSTER_FILE] == {"datacenter": "nyc3", "retry_join": addresses, "retry_interval": "2s", **more}


def test_watches_and_environment_are_consul_template_s() -> None:
    machine = UserData(
        role="web",
        consul="client",
        services=["a.service", "b.service"],
        watches=[PAGE, Watch(source="/a", destination="/b")],
        environment="config/web",
    )
    page, plain, environment = written(machine.render(CLUSTER))[WATCHES_FILE]["template"]
    assert page == {"source": PAGE.source, "destination": "/var/www/index.html", "command": "reload it"}
    assert plain == {"source": "/a", "destination": "/b"}
    assert environment == {
        "contents": '{{range ls "config/web"}}{{.Key}}={{.Value}}\n{{end}}',
        "destination": ENVIRONMENT_FILE,
        "perms": "0600",
        "command": "systemctl try-restart --no-block a.service b.service",
    }


def test_a_machine_without_a_cluster_is_told_of_none() -> None:
    machine = UserData(role="web", consul="client", watches=[PAGE], environment="config/web")
    assert set(written(machine.render())) == {MACHINE_FILE}


def test_the_same_values_give_the_same_text() -> None:
    def machine() -> UserData:
        return UserData(role="web", consul="client", services=["a.service"], watches=[PAGE], environment="x")

    assert machine().render(CLUSTER) == machine().render(CLUSTER.model_copy())


@pytest.mark.parametrize("service", ["nginx", "a b.service", "$(reboot).service", ""])
def test_what_is_no_unit_is_refused(service: str) -> None:
    with pytest.raises(ConfigError, match=r"services\.0"):
        UserData.of("web", [service])


def test_an_image_says_what_its_machines_are(tree: Tree) -> None:
    toml = (
        'description = "web"\nparent = "base"\n[boot]\nservices = ["a.service"]\n[compose]\nproject = "shop"\n'
        '[consul]\nenvironment = "config/shop"\n[[consul.watches]]\nsource = "/a"\ndestination = "/b"\n'
    )
    spec = Catalog.load(tree({"images/web/image.toml": toml, "images/web/deploy.py": ""}))["web"]
    units = ["a.service", "docker-compose@shop.service"]
    assert UserData.of_role(spec.own_role, clustered=False) == UserData(role="web", services=units)
    watches = [Watch(source="/a", destination="/b")]
    clustered = UserData(role="web", services=units, consul="client", watches=watches, environment="config/shop")
    assert UserData.of_role(spec.own_role, clustered=True) == clustered


def test_the_compose_unit_is_started_once(tree: Tree) -> None:
    unit = "docker-compose@shop.service"
    toml = f'description = "x"\nparent = "base"\n[boot]\nservices = ["{unit}"]\n[compose]\nproject = "shop"\n'
    spec = Catalog.load(tree({"images/web/image.toml": toml, "images/web/deploy.py": ""}))["web"]
    assert spec.own_role.units == [unit]


@pytest.mark.parametrize(("cloud", "units"), [("digitalocean", 303), ("aws", 75)])
def test_what_is_too_large_for_the_cloud_is_refused_with_its_size(cloud: str, units: int) -> None:
    limit = LIMITS[cloud]

    def machine(last: int) -> UserData:
        """Units with long names, and one more of a length to choose."""
        return UserData(role="web", services=["x" * 200 + ".service"] * units + ["x" * last + ".service"])

    fits = 1 + limit - len(machine(1).render(cloud=cloud))
    assert 1 < fits < 240
    assert len(machine(fits).render(cloud=cloud)) == limit
    with pytest.raises(ConfigError) as caught:
        machine(fits + 1).render(cloud=cloud)
    assert f"is {limit + 1} bytes" in caught.value.what
    assert f"{cloud} takes {limit}" in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize("role", REAL.roles)
def test_every_role_of_the_catalog_is_told_little(role: str) -> None:
    text = UserData.of_role(REAL.role(role), clustered=True).largest("nyc3", servers=5)
    assert len(text.encode()) < SMALL
    assert yaml.safe_load(text) == json.loads(text.removeprefix("#cloud-config\n")), "JSON, which is YAML"


@pytest.mark.parametrize("role", [spec.role for spec in REAL if spec.consul])
def test_no_real_address_makes_it_larger_than_was_checked(role: str) -> None:
    machine = UserData.of_role(REAL.role(role), clustered=True)
    others = 2 if machine.consul == "server" else 3
    real = Cluster(datacenter="nyc3", expect=3, join=["203.0.113.10"] * others)
    shorter = len("255.255.255.255") - len("203.0.113.10")
    assert len(machine.largest("nyc3", servers=3)) - len(machine.render(real)) == others * shorter


# cloud-init's own check


def cloud_init(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> Path:
    """A program called cloud-init, first on PATH; the file it returns gets a line for each call."""
    calls = folder / "calls"
    program = folder / "bin" / "cloud-init"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$1 $2" >> {calls}\ngrep -q cloud-config "$3" || exit 9\n'
        f'echo "Error: Cloud config schema errors: $3: bootcmd.0: bad"\nexit {code}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return calls


def test_cloud_init_sees_each_text_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = cloud_init(tmp_path, monkeypatch, 0)
    text = UserData(role="web").render()
    for _ in range(2):
        schema.check("web", text, tmp_path / "state")
    assert calls.read_text() == "schema --config-file\n"
    schema.check("api", UserData(role="api").render(), tmp_path / "state")
    assert calls.read_text().count("\n") == 2


def test_what_cloud_init_refuses_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = cloud_init(tmp_path, monkeypatch, 1)
    for _ in range(2):
        with pytest.raises(
            ConfigError, match=r"user_data of web[\s\S]*schema errors: user_data of web: bootcmd.0: bad"
        ):
            schema.check("web", UserData(role="web").render(), tmp_path / "state")
    assert calls.read_text().count("\n") == 2, "what was refused is asked again"


def test_without_cloud_init_nothing_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    schema.check("web", "no YAML: [", tmp_path / "state")
    assert not (tmp_path / "state").exists()
