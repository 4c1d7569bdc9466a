"""Settings and catalog brought together, cloud by cloud."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bakewell import desired
from bakewell.clouds.survey import Survey
from bakewell.desired import Desired
from bakewell.errors import CloudError, ConfigError
from bakewell.settings import Environment, Settings
from bakewell.validation import validate_machines, validate_unbuilt
from tests.unit.core.conftest import Tree

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PEERS = {
    "images/api/image.toml": 'description = "api"\nparent = "base"\n[boot]\nhealth = { port = 8080 }\n',
    "images/web/image.toml": 'description = "web"\nparent = "base"\n[boot]\npeers = ["api"]\n',
    "images/web/deploy.py": "",
}
SERVER = {"images/api/image.toml": 'description = "api"\nparent = "base"\n[consul]\nmode = "server"\n'}


def read(packer: Path, cloud: str, **settings: Any) -> Desired:
    both = {"clouds": ["digitalocean", "aws"], **settings}
    wanted = Settings.from_mapping(both, "Pulumi.dev.yaml")
    return desired.read(wanted, packer.parent, cloud, file="Pulumi.dev.yaml", now=NOW)


def local(tmp_path: Path) -> Environment:
    return Environment("http://127.0.0.1:1", tmp_path, "dev", None, "", aws_endpoint="http://127.0.0.1:2")


def test_each_cloud_has_machines_of_its_own_kind_and_no_others(tree: Tree) -> None:
    packer = tree()
    own: dict[str, Any] = {"droplets": {"web": {}, "api": {}}}
    settings = {"digitalocean": own, "aws": {"instances": {"web": {"count": 2}}, "fleets": {"api": {}}}}
    droplets, ec2 = (read(packer, cloud, **settings) for cloud in ("digitalocean", "aws"))
    assert [one.name for one in droplets.machines] == ["digitalocean-web-1", "digitalocean-api-1"]
    assert not droplets.instances and not droplets.fleets and not ec2.machines
    assert [one.name for one in ec2.instances] == ["aws-web-1", "aws-web-2"]
    assert [one.role for one in ec2.fleets] == ["api"]
    assert (droplets.home, ec2.home) == ("nyc3", "us-east-1")
    assert droplets.roles == ec2.roles and droplets.fingerprints != ec2.fingerprints


def test_instances_that_others_have_to_find_come_first(tree: Tree) -> None:
    packer = tree(PEERS)
    found = read(packer, "aws", aws={"instances": {"web": {"count": 2}, "api": {"count": 2}}}).instances
    assert [one.name for one in found] == ["aws-api-1", "aws-api-2", "aws-web-1", "aws-web-2"]
    assert {one.role: one.user_data.peers for one in found} == {"api": [], "web": ["api"]}
    assert found[0].health is not None and found[0].health.port == 8080


def test_a_consul_server_is_made_on_digitalocean_only(tree: Tree) -> None:
    packer = tree(SERVER)
    for kind in ("instances", "fleets"):
        with pytest.raises(ConfigError, match="`api` is a Consul server") as caught:
            read(packer, "aws", aws={kind: {"api": {}}})
        assert caught.value.file == "Pulumi.dev.yaml" and "`[boot] peers`" in caught.value.remedy
    assert read(packer, "digitalocean", digitalocean={"droplets": {"api": {}}}).servers == ("digitalocean-api-1",)
    assert read(packer, "aws", digitalocean={"droplets": {"api": {"count": 2}}}).remarks == (), "it has none there"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"aws": {"instances": {"wbe": {}}}}, "bakewell:aws.instances.wbe"),
        ({"aws": {"fleets": {"wbe": {}}}}, "bakewell:aws.fleets.wbe"),
        ({"digitalocean": {"droplets": {"wbe": {}}}}, "bakewell:digitalocean.droplets.wbe"),
        ({"pins": {"wbe": {"aws": "ami-1"}}}, "bakewell:pins.wbe"),
    ],
)
def test_a_role_that_is_not_baked_is_refused_on_either_cloud(tree: Tree, settings: dict[str, Any], key: str) -> None:
    for cloud in ("digitalocean", "aws"):
        with pytest.raises(ConfigError, match=f"{key}: `wbe` is not an image .*did you mean `web`"):
            read(tree(), cloud, **settings)


def test_a_base_that_is_not_locked_for_a_cloud_is_refused_for_that_one_alone(tree: Tree) -> None:
    lock = (tree() / "bases.lock").read_text().partition("[debian-12.aws]")[0]
    packer = tree({"bases.lock": lock})
    read(packer, "digitalocean")
    with pytest.raises(ConfigError, match="base `debian-12` is not locked for aws") as caught:
        read(packer, "aws")
    assert caught.value.remedy == "run: bakewell lock debian-12"


# What a preview refuses.


def test_a_role_whose_droplets_would_have_no_hosts_name_is_refused(tree: Tree) -> None:
    longest = "w" * 38
    for role in (longest, f"{longest}w"):
        packer = tree(
            {
                f"images/{role}/image.toml": 'description = "x"\nparent = "base"\n',
                f"images/{role}/deploy.py": "",
                f"images/{role}/checks.py": "",
            }
        )
        if role == longest:
            read(packer, "digitalocean", digitalocean={"droplets": {role: {}}})
            continue
        with pytest.raises(ConfigError, match="would be too long for a host") as caught:
            read(packer, "digitalocean", digitalocean={"droplets": {role: {}}})
        assert caught.value.remedy == "give the image a name of 38 characters at most"


def test_user_data_is_measured_against_the_limit_of_its_own_cloud(tree: Tree, tmp_path: Path) -> None:
    services = ", ".join(f'"{"x" * 200}{number}.service"' for number in range(100))
    toml = f'description = "web"\nparent = "base"\n[boot]\nservices = [{services}]\n'
    packer = tree({"images/web/image.toml": toml, "images/web/deploy.py": ""})
    settings: dict[str, Any] = {"digitalocean": {"droplets": {"web": {}}}}
    validate_machines(read(packer, "digitalocean", **settings), local(tmp_path))
    for kind in ("instances", "fleets"):
        settings["aws"] = {kind: {"web": {}}}
        with pytest.raises(ConfigError, match=r"user_data of web is 2\d{4} bytes, and aws takes 16384"):
            validate_machines(read(packer, "aws", **settings), local(tmp_path))


def test_as_many_peers_are_measured_as_there_are(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr("bakewell.user_data.schema.check", lambda role, text, state: texts.append(text))
    aws = {"instances": {"web": {}, "api": {"count": 3}}, "fleets": {"api": {"count": 5}}}
    validate_machines(read(tree(PEERS), "aws", aws=aws), local(tmp_path))
    assert sum(text.count("255.255.255.255:65535") for text in texts) == 3, "machines of a fleet have no address yet"


class Cloud:
    """One that holds nothing, and remembers what it was asked about."""

    def __init__(self, refusal: CloudError | None = None) -> None:
        self.asked: list[str] = []
        self.refusal = refusal

    def now(self) -> float:
        return time.time()

    @property
    def images(self) -> Cloud:
        return self

    references = bases = images
    offers = account_keys = stack_checks = None

    def of(self, project: str) -> list[Any]:
        return []

    def all(self) -> list[Any]:
        return []

    def check(self, base: str, arch: str) -> None:
        self.asked.append(base)
        if self.refusal:
            raise self.refusal


def test_a_build_that_cannot_begin_is_refused_before_packer_is_asked(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated: list[str] = []
    monkeypatch.setattr("bakewell.build.packer.validate", lambda catalog, role, *rest: validated.append(role))
    wanted = read(tree(), "aws")
    refusing = Cloud(CloudError("no default VPC"))
    with pytest.raises(CloudError, match="no default VPC"):
        validate_unbuilt(wanted, Survey(refusing, "bakewell", "us-east-1"), local(tmp_path))
    assert validated == []
    fine = Cloud()
    validate_unbuilt(wanted, Survey(fine, "bakewell", "us-east-1"), local(tmp_path))
    assert fine.asked == ["136693071363/debian-12-amd64-*"], "the local cloud has another ID for it"
    assert sorted(validated) == ["api", "base", "web"]
    real = Environment("https://api.digitalocean.com", tmp_path, "dev", None, "")
    validate_unbuilt(wanted, Survey(fine, "bakewell", "us-east-1"), real)
    assert fine.asked[1:] == ["ami-1"]
