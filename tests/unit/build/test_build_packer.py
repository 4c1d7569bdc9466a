"""Packer as a program: what it may see, and how it judges templates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from bakewell.build import packer
from bakewell.build.allowed import FIXED
from bakewell.build.build import build
from bakewell.build.stop import Stop
from bakewell.clouds.facts import CLOUDS
from bakewell.errors import ConfigError
from bakewell.settings import AwsSettings, CloudName, Environment, Settings
from bakewell.settings.builders import AwsBuilder, Bastion, BuilderSettings, DigitalOceanBuilder
from tests.unit.build.conftest import Said, Site

UNSEEN = {
    # Would change an image, and nobody has hashed them.
    "APP_ENV": "blue",
    "PKR_VAR_size": "huge",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "de_DE.UTF-8",
    "TZ": "Asia/Tokyo",
    "PYTHONPATH": "/elsewhere",
    "PYTHONHASHSEED": "7",
    "PYTEST_ADDOPTS": "-x",
    "BASH_ENV": "/x",
    "LD_PRELOAD": "/x",
    # Secrets of others.
    "PULUMI_CONFIG_PASSPHRASE": "p",
    "GITHUB_TOKEN": "t",
    "DB_PASS": "s",
    "SSH_AUTH_SOCK": "/s",
    "DOCKER_AUTH": "a",
    # Ours, and Packer's where it would write secrets down.
    "BAKEWELL_FINGERPRINT": "f",
    "PULUMI_CONFIG": "c",
    "PACKER_LOG_PATH": "/log",
}
SEEN = {
    "HOME": "/home/x",
    "TMPDIR": "/tmp/x",
    "PACKER_PLUGIN_PATH": "/plugins",
    "PACKER_CONFIG_DIR": "/config",
    "HTTPS_PROXY": "http://proxy:3128",
    "no_proxy": "127.0.0.1",
    "SSL_CERT_FILE": "/ca.pem",
}

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_packer_sees_what_is_listed_and_nothing_else(site: Site, cloud: str) -> None:
    seen = packer.environment_for({"PATH": "/usr/bin"} | UNSEEN | SEEN, site.environment, cloud)
    assert SEEN.items() <= seen.items()
    assert not (UNSEEN.items() & seen.items())
    told = {"digitalocean": {"DIGITALOCEAN_TOKEN", "DIGITALOCEAN_API_URL"}, "docker": {"DOCKER_HOST"}}.get(cloud, set())
    assert set(seen) == {"PATH", *SEEN, *FIXED, *told}
    assert (seen["LC_ALL"], seen["TZ"]) == ("C.UTF-8", "UTC")
    assert seen["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]


@pytest.mark.parametrize("command", ["version", "validate", "build"])
def test_every_run_of_packer_has_that_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: Said, command: str
) -> None:
    for name, value in (UNSEEN | SEEN).items():
        if name not in (
            "HOME",
            "TMPDIR",
            "LD_PRELOAD",
            "PACKER_CONFIG_DIR",
            "PYTHONPATH",
        ):  # this process needs its own
            monkeypatch.setenv(name, value)
    if command == "build":
        build(site.job("base"), Stop(), said.append)
    else:
        validate(site)
    seen = site.packer.environments[command]
    assert not seen & set(UNSEEN) - {"LC_ALL", "TZ"}
    assert {"HTTPS_PROXY", "no_proxy", "LC_ALL", "TZ"} <= seen


def test_what_packer_says_of_a_template_is_masked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASS", "Unsupported argument")
    site.mode("base", "invalid")
    with pytest.raises(ConfigError, match=r"Error: \*\*\*"):
        validate(site)


def validate(site: Site, role: str = "base", cloud: CloudName = "digitalocean", **changes: object) -> None:
    job = site.job(role, cloud, **changes)
    packer.validate(job.catalog, role, cloud, job.bases, job.fingerprint.value, job.environment, job.settings)


def test_templates_are_validated_once_a_fingerprint(site: Site) -> None:
    validate(site)
    validate(site)
    assert site.packer.validated == 1
    site.write("images/base/deploy.py", "changed = True\n")
    validate(site)
    assert site.packer.validated == 2


def test_a_fault_in_a_template_names_the_file_in_the_checkout_and_is_found_again(site: Site) -> None:
    site.mode("base", "invalid")
    for _ in range(2):
        with pytest.raises(ConfigError, match="Unsupported argument") as caught:
            validate(site)
        assert caught.value.file == f"{site.root}/packer/build.pkr.hcl:2"
        assert "bakewell-validate-" not in str(caught.value)
    assert site.packer.validated == 2


@pytest.mark.parametrize(
    ("local", "remedy"),
    [
        (True, 'run: eval "$(bakewell local env)"'),
        (False, "run: bakewell stage base DIR --cloud digitalocean && packer init DIR"),
    ],
)
def test_a_missing_plugin_is_no_fault_of_the_templates(site: Site, local: bool, remedy: str) -> None:
    site.mode("base", "no-plugin")
    job = site.job("base", "digitalocean")
    away = replace(job.environment, endpoint="https://api.digitalocean.com")
    settings = job.settings.model_copy(update={"local": local})
    with pytest.raises(ConfigError, match="image base: Packer lacks a plugin:") as caught:
        packer.validate(job.catalog, "base", "digitalocean", job.bases, job.fingerprint.value, away, settings)
    assert "digitalocean = 1.4.1" in caught.value.what and caught.value.remedy == remedy


def test_another_version_of_packer_is_refused(site: Site) -> None:
    site.packer.version = "1.14.2"
    with pytest.raises(
        ConfigError, match=r"Packer is 1\.14\.2, but the templates require 1\.15\.0: its version is part of every"
    ):
        validate(site)


def test_another_version_of_pyinfra_is_refused_in_preview_and_before_a_build(site: Site) -> None:
    validate(site)
    stated = (site.root / "packer/requirements.txt").read_text()
    job = site.job("base")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bakewell.catalog.packages.version", lambda name: "9.9.9")
        with pytest.raises(ConfigError, match=r"pyinfra is 9\.9\.9, but image base requires 3\."):
            validate(site)  # though this host has validated its templates before
        with pytest.raises(ConfigError, match=r"pyinfra is 9\.9\.9"):
            build(job, Stop(), lambda _: None)
    assert site.cloud.keys.all() == [] and "pyinfra==3." in stated


def test_provisioning_refuses_it_too(tmp_path: Path) -> None:
    """For a build by hand, from a staged folder."""
    for path in (ROOT / "packer").glob("*.py"):
        shutil.copy(path, tmp_path)
    (tmp_path / "requirements.txt").write_text("# stated\npytest==0.1  # another\n")
    environment = {"BUILD_HOST": "192.0.2.1", "BUILD_KEY_FILE": "none", "PATH": os.defpath}
    argv = [sys.executable, "provision.py"]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "but requirements.txt states 0.1" in done.stderr and "remedy: pip install pytest==0.1" in done.stderr


def test_no_packer_at_all_is_a_config_error(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="packer is not on PATH"):
        validate(site)


# Several clouds.

EVERY = {
    "PATH": "/usr/bin",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:2",
    "AWS_PROFILE": "ops",
    "DIGITALOCEAN_TOKEN": "do-secret",
    "DIGITALOCEAN_ACCESS_TOKEN": "do-secret",
    "DIGITALOCEAN_API_URL": "http://127.0.0.1:1",
}


def test_a_build_on_aws_sees_nothing_of_digitalocean_and_the_other_way_round(site: Site) -> None:
    on_aws = packer.environment_for(EVERY, site.environment, "aws")
    assert {name for name in on_aws if name.startswith("AWS_")} == {name for name in EVERY if name.startswith("AWS_")}
    assert not [name for name in on_aws if "DIGITALOCEAN" in name]
    assert site.environment.token not in on_aws.values() and "do-secret" not in on_aws.values()
    on_digitalocean = packer.environment_for(EVERY, site.environment, "digitalocean")
    assert not [name for name in on_digitalocean if name.startswith("AWS_")]
    assert on_digitalocean["DIGITALOCEAN_TOKEN"] == site.environment.token
    assert on_digitalocean["DIGITALOCEAN_API_URL"] == site.environment.endpoint
    assert "aws-secret" not in on_digitalocean.values()


def real(environment: Environment) -> Environment:
    """As `environment`, on clouds elsewhere."""
    return replace(environment, endpoint="https://api.digitalocean.com", aws_endpoint=None)


def test_a_build_is_told_where_its_builder_runs_and_how_its_disk_is_encrypted(site: Site) -> None:
    there = real(site.environment)
    aws = AwsBuilder(subnet="subnet-0a", type="m7i.large", profile="builders", spot=True)
    settings = Settings(aws=AwsSettings(kms_key="alias/images"), builders=BuilderSettings(aws=aws))
    assert packer.chosen("aws", settings, there) == {
        "encrypted": True,
        "kms_key": "alias/images",
        "size": "m7i.large",
        "subnet": "subnet-0a",
        "profile": "builders",
        "spot": True,
    }
    assert packer.chosen("aws", Settings(aws=AwsSettings(encrypted=False)), there) == {"encrypted": False}
    assert packer.chosen("digitalocean", settings, there) == {}
    vpc = "5a4981aa-9653-4bd1-bef5-d6bff52042e4"
    private = BuilderSettings(digitalocean=DigitalOceanBuilder(vpc=vpc, address="private"))
    assert packer.chosen("digitalocean", Settings(builders=private), there) == {"vpc": vpc, "private": True}
    tagged = BuilderSettings(aws=AwsBuilder(subnet={"tier": "build"}, address="private", ssh_from=["10.1.0.0/16"]))
    assert packer.chosen("aws", Settings(builders=tagged), there) == {
        "encrypted": True,
        "subnet_tags": {"tier": "build"},
        "address": "private",
        "ssh_from": ["10.1.0.0/16"],
    }


def test_on_the_local_cloud_ssh_comes_from_this_hosts_own_networks(site: Site) -> None:
    here = replace(site.environment, aws_endpoint="http://127.0.0.1:2")
    assert "10.0.0.0/8" in cast("list[str]", packer.chosen("aws", Settings(), here)["ssh_from"])
    assert "ssh_from" not in packer.chosen("aws", Settings(), real(site.environment)), "the plugin asks AWS, or ends"


def test_a_bastion_takes_a_key_that_the_environment_names(site: Site) -> None:
    settings = Settings(
        builders=BuilderSettings(digitalocean=DigitalOceanBuilder(bastion=Bastion(host="gate.example")))
    )
    with pytest.raises(ConfigError, match="BAKEWELL_BASTION_KEY is not set"):
        packer.chosen("digitalocean", settings, site.environment)
    told = packer.chosen("digitalocean", settings, replace(site.environment, bastion_key=Path("/keys/gate")))
    assert told == {
        "bastion_host": "gate.example",
        "bastion_port": 22,
        "bastion_user": "root",
        "bastion_key_file": "/keys/gate",
    }


def test_session_manager_has_a_program_and_a_port(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(builders=BuilderSettings(aws=AwsBuilder(address="session-manager", profile="builders")))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ConfigError, match="session-manager-plugin is not on PATH"):
        packer.chosen("aws", settings, real(site.environment))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert cast("int", packer.chosen("aws", settings, real(site.environment))["tunnel_port"]) > 1023


def test_templates_are_validated_for_each_cloud(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    for cloud in ("digitalocean", "aws", "aws"):
        validate(site, cloud=cloud)
    assert site.packer.validated == 2


def test_a_base_that_is_locked_for_no_region_is_refused_on_the_real_aws(site: Site) -> None:
    with pytest.raises(ConfigError, match="locked on aws for no region, but not for us-east-1"):
        validate(site, cloud="aws")
    validate(site, role="web", cloud="aws")
