"""`ready`, `retire` and `roles`, as Pulumi and as people call them."""

from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from bakewell.catalog import Catalog
from bakewell.cli.catalog.roles import as_markdown
from bakewell.clouds.aws import groups
from bakewell.machine import ssh
from tests.contract.aws.served import DEBIAN, Served
from tests.contract.aws.test_fleets import group, in_service, newer, template, update
from tests.unit.cli.conftest import Bakewell
from tests.unit.core.machine.sshd import Sshd

ROOT = Path(__file__).parents[3]
WEB = 'description = "web"\nparent = "base"\n[boot]\nservices = ["nginx.service"]\nhealth = { port = 1 }\n'


@pytest.fixture
def sshd(sshd: Sshd, key: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """A machine at 127.0.0.1 that BAKEWELL_SSH_KEY opens."""
    monkeypatch.setenv("BAKEWELL_SSH_KEY", str(key))
    sshd.known = paramiko.PKey.from_path(key)
    return sshd


@pytest.fixture
def by_pulumi(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> Bakewell:
    """As Pulumi calls it for web-1, which can be logged in to."""
    monkeypatch.setenv("BAKEWELL_MACHINE", "web-1")
    monkeypatch.setenv("BAKEWELL_ADDRESS", "127.0.0.1")
    bakewell.settle('digitalocean: {droplets: {web: {ssh_keys: ["7"]}}}')
    return bakewell


def test_ready_for_pulumi_is_one_line_of_json(by_pulumi: Bakewell, sshd: Sshd) -> None:
    sshd.answer = lambda command: (0, "ready=1.42\n")
    done = by_pulumi("ready")
    assert (done.code, done.json, done.err) == (0, {"ready_seconds": 1.42}, "")


def test_ready_tells_what_it_waits_for_and_no_secret(
    by_pulumi: Bakewell, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "correct horse")
    journal = "web-1 nginx: cannot bind\nweb-1 nginx: password correct horse\n"
    waiting = "LoadState=loaded\nActiveState=activating\nwaiting=nginx.service: failed\n"
    sshd.answer = lambda command: (0, journal if "journalctl" in command else waiting)
    done = by_pulumi("ready", "--timeout", "1")
    assert done.code == 1 and done.out == ""
    assert "web-1 | error: machine web-1 (127.0.0.1) is not ready after 1 s: nginx.service: failed" in done.err
    assert "nginx: cannot bind" in done.err and "password ***" in done.err and "correct horse" not in done.err
    assert all(line.startswith("web-1 | ") for line in done.err.splitlines())
    assert sshd.logins == 1, "one connection serves the whole wait"


def test_ready_waits_as_long_as_the_stack_says(by_pulumi: Bakewell, sshd: Sshd) -> None:
    by_pulumi.settle('digitalocean: {droplets: {web: {ssh_keys: ["7"]}}}', "ready_timeout: 1")
    sshd.answer = lambda command: (0, "LoadState=loaded\nActiveState=activating\n")
    assert "is not ready after 1 s" in by_pulumi("ready").err


def test_a_machine_that_nobody_may_log_in_to_is_asked_by_http(
    by_pulumi: Bakewell, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEWELL_URL", "http://127.0.0.1:1/")
    done = by_pulumi("ready", "--timeout", "1")
    assert done.code == 1 and "http://127.0.0.1:1/: no answer" in done.err
    assert sshd.asked == []


@pytest.fixture
def fleet(by_pulumi: Bakewell, aws: Served, monkeypatch: pytest.MonkeyPatch) -> Bakewell:
    """As Pulumi calls it for a fleet of two web machines, both of which are reached at 127.0.0.1."""
    template(aws)
    group(aws, size=2)
    in_service(aws)
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    aws("autoscaling").create_or_update_tags(Tags=[{**tag, "Key": "bakewell:role", "Value": "web"}])
    monkeypatch.setattr(groups, "addresses", lambda clients, region, ids: dict.fromkeys(ids, "127.0.0.1"))
    monkeypatch.setattr("bakewell.machine.fleet.INTERVAL", 0.05)
    monkeypatch.setenv("BAKEWELL_MACHINE", "aws-web")
    monkeypatch.setenv("BAKEWELL_GROUP", "web")
    by_pulumi.site.write("images/web/image.toml", WEB)
    return by_pulumi


def fleet_of(bakewell: Bakewell, settings: str) -> None:
    bakewell.settle("clouds: [aws]", f"aws: {{fleets: {{web: {settings}}}}}")


def test_a_fleet_is_ready_when_each_of_its_machines_is(fleet: Bakewell, sshd: Sshd) -> None:
    fleet_of(fleet, "{count: 2, key: ops, ssh_from: [192.0.2.0/24]}")
    sshd.answer = lambda command: (0, "ready=1.42\n")
    done = fleet("fleet")
    assert done.code == 0, done.err
    assert [(one["address"], one["ready_seconds"]) for one in done.json["machines"]] == [("127.0.0.1", 1.42)] * 2
    assert sshd.logins == 2


def test_a_fleet_that_everybody_sees_has_to_answer(fleet: Bakewell, sshd: Sshd) -> None:
    fleet_of(fleet, "{count: 2}")
    done = fleet("fleet", "--timeout", "1")
    assert done.code == 1 and sshd.asked == []
    assert (
        "aws-web | error: machine i-" in done.err
        and " of aws-web is not ready after 1 s: http://127.0.0.1:1/" in done.err
    )


def test_of_a_fleet_in_a_network_of_its_own_what_aws_says_has_to_do(fleet: Bakewell, sshd: Sshd) -> None:
    fleet_of(fleet, "{count: 2, open_to: [10.0.0.0/8]}")
    done = fleet("fleet")
    assert [one["ready_seconds"] for one in done.json["machines"]] == [None, None] and sshd.asked == []


def test_a_fleet_that_gets_nowhere_says_so(fleet: Bakewell, aws: Served) -> None:
    fleet_of(fleet, "{count: 2, open_to: []}")
    update(aws, newer(aws, DEBIAN))
    done = fleet("fleet", "--timeout", "1")
    assert done.code == 1
    assert "fleet aws-web: it gets nowhere, for 1 s now: 0 of 2 machines in service with version 2" in done.err


def test_people_ask_about_a_fleet_by_the_name_of_its_group(fleet: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BAKEWELL_MACHINE", "BAKEWELL_GROUP"):
        monkeypatch.delenv(name)
    fleet_of(fleet, "{count: 2, open_to: []}")
    assert len(fleet("fleet", "--group", "web").json["machines"]) == 2
    assert "no group is named" in fleet("fleet").err
    done = fleet("fleet", "--group", "wbe")
    assert done.code == 2 and "there is no auto scaling group wbe" in done.err


def test_a_stack_for_the_local_cloud_asks_no_other(fleet: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet_of(fleet, "{count: 2}")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    done = fleet("fleet")
    assert done.code == 2 and "is for the local cloud only" in done.err


def test_people_ask_about_an_address(bakewell: Bakewell, sshd: Sshd) -> None:
    sshd.answer = lambda command: (0, "LoadState=not-found\nActiveState=inactive\n")
    done = bakewell("ready", "--address", "127.0.0.1")
    assert (done.code, done.json) == (0, {"ready_seconds": None})
    assert "127.0.0.1 | its image has no bakewell-ready.service" in done.err
    assert "no machine is named" in bakewell("ready").err


def test_retire_stops_consul(by_pulumi: Bakewell, sshd: Sshd) -> None:
    done = by_pulumi("retire")
    assert (done.code, done.out, done.err) == (0, "", "web-1 | left the Consul cluster\n")
    assert sshd.asked == ["systemctl stop consul.service"]


@pytest.mark.parametrize("fault", ["no key", "no machine", "no project", "bad environment", "a surprise"])
def test_retire_never_stands_in_the_way_of_a_deletion(
    by_pulumi: Bakewell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    monkeypatch.setattr(ssh, "PORT", 1)
    if fault == "no key":
        monkeypatch.setenv("BAKEWELL_SSH_KEY", str(tmp_path / "missing"))
    elif fault == "no project":
        monkeypatch.chdir(tmp_path)
    elif fault == "bad environment":
        monkeypatch.setenv("DIGITALOCEAN_API_URL", "ftp://nowhere")
    elif fault == "a surprise":
        monkeypatch.setattr("bakewell.machine.ssh.Ssh.run", None)
    done = by_pulumi("retire")
    assert done.code == 0
    assert "web-1 | did not leave the Consul cluster: " in done.err


def test_roles_says_what_there_is_without_a_token(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    bakewell.site.write("images/web/image.toml", WEB + '[consul]\nservice = "shop"\n[compose]\nproject = "shop"\n')
    base, web = bakewell("roles", "--json").json
    assert (base["role"], base["base"], base["parent"], base["health"], base["consul"]) == (
        "base",
        "debian-12",
        None,
        None,
        None,
    )
    assert web["health"] == {"port": 1, "path": "/"}
    assert web["consul"] == {"mode": "client", "service": "shop"}
    assert web["services"] == ["nginx.service", "docker-compose@shop.service"]
    assert 0 < base["user_data_bytes"] < web["user_data_bytes"] < 2048
    shown = bakewell("roles").out
    assert "client, shop" in shown and "stock debian-12" in shown and "docker-compose@shop.service" in shown
    told = bakewell("roles", "--markdown").out
    assert "| `web` | `base` | - | 1, `/` | client, `shop` | `nginx.service`, `docker-compose@shop.service` |" in told


def test_the_document_about_roles_is_up_to_date() -> None:
    told = as_markdown(Catalog.load(ROOT / "packer"))
    stale = "docs/roles.md is stale: bakewell roles --markdown > docs/roles.md"
    assert (ROOT / "docs" / "roles.md").read_text(encoding="utf-8") == told, stale
