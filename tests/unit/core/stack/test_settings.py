from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bakewell.errors import ConfigError
from bakewell.settings import (
    AwsSettings,
    DropletSettings,
    FleetSettings,
    InstanceSettings,
    Settings,
    load_settings,
)


def refused(mapping: dict[str, object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Settings.from_mapping(mapping, "Pulumi.dev.yaml")
    assert caught.value.file == "Pulumi.dev.yaml"
    assert caught.value.remedy
    return caught.value


def test_nothing_said_means_the_defaults() -> None:
    settings = Settings.from_mapping({}, "x")
    assert settings == Settings()
    assert (settings.project, settings.keep, settings.parallel) == ("bakewell", 3, 4)
    assert (settings.clouds, settings.home("digitalocean"), settings.home("aws")) == (
        ["digitalocean"],
        "nyc3",
        "us-east-1",
    )


def test_pulumi_gives_text_and_yaml_gives_values_and_both_mean_the_same() -> None:
    text: dict[str, object] = {
        "bakewell:keep": "5",
        "bakewell:local": "true",
        "bakewell:digitalocean": '{"regions": ["sfo3", "nyc3"], "droplets": {"web": {"count": 2}}}',
        "bakewell:prefix": "acme",
    }
    values: dict[str, object] = {
        "keep": 5,
        "local": True,
        "digitalocean": {"regions": ["sfo3", "nyc3"], "droplets": {"web": {"count": 2}}},
        "prefix": "acme",
    }
    settings = Settings.from_mapping(text, "x")
    assert settings == Settings.from_mapping(values, "x")
    assert settings.home("digitalocean") == "sfo3"
    assert settings.digitalocean.droplets == {"web": DropletSettings(count=2)}


def test_keys_of_other_namespaces_are_none_of_our_business() -> None:
    assert Settings.from_mapping({"digitalocean:apiEndpoint": "http://127.0.0.1"}, "x") == Settings()


@pytest.mark.parametrize(
    ("mapping", "said", "remedy"),
    [
        ({"bakewell:kep": "3"}, "unknown key `kep` (did you mean `keep`?)", "keep"),
        (
            {"digitalocean": {"droplets": {"web": {"cuont": 1}}}},
            "`digitalocean.droplets.web.cuont` (did you mean `count`?)",
            "keys of digitalocean.droplets.web: count, size, ssh_keys",
        ),
        (
            {"digitalocean": {"droplets": {"count": {"cuont": 1}}}},  # a role that is called like a key
            "`digitalocean.droplets.count.cuont` (did you mean `count`?)",
            "keys of digitalocean.droplets.count: count, size, ssh_keys",
        ),
        (
            {"aws": {"instances": {"web": {"tpye": "t3.micro"}}}},
            "`aws.instances.web.tpye` (did you mean `type`?)",
            "keys of aws.instances.web: count, key, open_to",
        ),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(
    mapping: dict[str, object], said: str, remedy: str
) -> None:
    error = refused(mapping)
    assert said in error.what and remedy in error.remedy


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("keep", "three", "keep"),
        ("keep", "0", "keep"),
        ("keep", 0, "keep"),
        ("keep", 2.5, "keep"),
        ("keep", True, "keep"),
        ("parallel", "65", "parallel"),
        ("local", "yes", "local"),
        ("digitalocean", '{"regions": "nyc3"}', "digitalocean.regions"),
        ("digitalocean", '{"regions": []}', "digitalocean.regions"),
        ("digitalocean", '{"regions": ["nyc3", "nyc3"]}', "digitalocean.regions"),
        ("digitalocean", {"regions": [3]}, "digitalocean.regions"),
        ("roles", '["We_b"]', "roles"),
        ("roles", "[" * 100_000, "roles"),
        ("prefix", "Acme", "prefix"),
        ("project", "-acme", "project"),
        ("digitalocean", '{"droplets": {"web": {"count": "2"}}}', "digitalocean.droplets.web.count"),
        ("digitalocean", "[1", "digitalocean"),
        ("pins", {"web": 1.5}, "pins.web"),
        ("max_context_mb", "0", "max_context_mb"),
        ("ready_timeout", 0, "ready_timeout"),
        ("ready_timeout", -1, "ready_timeout"),
        ("ready_timeout", 3601, "ready_timeout"),
        ("clouds", '["gcp"]', "clouds"),
        ("clouds", "[]", "clouds"),
        ("clouds", '["aws", "aws"]', "clouds"),
        ("clouds", "aws", "clouds"),
        ("aws", '{"account": "1234567"}', "aws.account"),
        ("aws", '{"account": 1234567890123}', "aws.account"),
        ("aws", '{"account": true}', "aws.account"),
        ("aws", '{"launch_accounts": ["123456789012", 123456789012]}', "aws.launch_accounts"),
        ("aws", '{"kms_key": "arn:aws:kms:us-east-1:123456789012:key/0a"}', "aws.kms_key"),
        ("aws", '{"kms_key": "alias/aws/ebs"}', "aws.kms_key"),
        ("aws", '{"kms_key": "alias/images", "encrypted": false}', "aws"),
        ("aws", '{"regions": []}', "aws.regions"),
        ("aws", '{"regions": ["us-east-1", "us-east-1"]}', "aws.regions"),
        ("builders", '{"aws": {"subnet": "vpc-0a"}}', "builders.aws.subnet"),
        ("builders", '{"aws": {"subnet": {}}}', "builders.aws.subnet"),
        ("builders", '{"aws": {"ssh_from": ["0.0.0.0/0"]}}', "builders.aws.ssh_from"),
        ("builders", '{"aws": {"ssh_from": ["0.0.0.0/1", "128.0.0.0/1"]}}', "builders.aws.ssh_from"),
        ("builders", '{"aws": {"ssh_from": ["8.0.0.0/8", "9.0.0.0/8"]}}', "builders.aws.ssh_from"),
        ("builders", '{"aws": {"address": "private"}}', "builders.aws"),
        ("builders", '{"aws": {"bastion": {"host": "gate.example"}}}', "builders.aws"),
        ("builders", '{"aws": {"address": "session-manager"}}', "builders.aws"),
        ("builders", '{"aws": {"security_group": "sg-0a", "ssh_from": ["10.0.0.0/8"]}}', "builders.aws"),
        ("builders", '{"digitalocean": {"bastion": {"host": "gate;reboot"}}}', "builders.digitalocean.bastion.host"),
        ("builders", '{"docker": {}}', "builders.docker"),
        ("aws", '{"instances": {"web": {"type": "s-1vcpu-1gb"}}}', "aws.instances.web.type"),
        ("aws", '{"instances": {"web": {"open_to": ["everybody"]}}}', "aws.instances.web.open_to.0"),
        ("aws", '{"instances": {"web": {"open_to": ["10.0.0.0/33"]}}}', "aws.instances.web.open_to.0"),
        ("aws", '{"fleets": {"web": {"ssh_from": ["192.0.2.0/24", "::/0"]}}}', "aws.fleets.web.ssh_from.1"),
        ("aws", '{"instances": {"web": {"subnets": ["subnet-0a"]}}}', "aws.instances.web.subnets"),
        ("aws", '{"fleets": {"web": {"subnet": "subnet-0a"}}}', "aws.fleets.web.subnet"),
        ("aws", '{"fleets": {"web": {"count": -1}}}', "aws.fleets.web.count"),
        ("aws", "[1", "aws"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, value: object, named: str) -> None:
    assert f"`{named}" in refused({f"bakewell:{key}": value}).what


def test_an_id_may_be_written_as_a_number() -> None:
    own = {"droplets": {"web": {"ssh_keys": [7]}}}
    settings = Settings.from_mapping({"bakewell:pins": '{"web": 1011}', "bakewell:digitalocean": own}, "x")
    assert settings.pins == {"web": "1011"}
    assert settings.digitalocean.droplets["web"].ssh_keys == ["7"]


def test_every_fault_is_told_at_once() -> None:
    error = refused({"keep": "x", "prefix": "X", "nonsense": "1"})
    assert all(f"`{key}`" in error.what for key in ("keep", "prefix", "nonsense"))
    assert "lower-case letters, digits and single hyphens" in error.what, "rules are told in words"


def test_an_encrypted_setting_is_refused() -> None:
    error = refused({"bakewell:prefix": {"secure": "v1:abc"}})
    assert "encrypted" in error.what
    assert "pulumi config set bakewell:prefix" in error.remedy


def test_a_stack_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  bakewell:keep: 7\n  digitalocean:apiEndpoint: http://x\n")
    assert load_settings("dev", tmp_path).keep == 7
    assert load_settings("organization/bakewell/dev", tmp_path).keep == 7


@pytest.mark.parametrize("text", ["", "config:\n", "encryptionsalt: v1:x\n"])
def test_a_stack_file_without_config_means_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert load_settings("dev", tmp_path) == Settings()


def test_a_stack_without_a_file_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("")
    (tmp_path / "Pulumi.prod.yaml").write_text("")
    with pytest.raises(ConfigError) as caught:
        load_settings("prdo", tmp_path)
    assert "dev, prod" in caught.value.remedy
    assert str(caught.value.file).endswith("Pulumi.prdo.yaml")


@pytest.mark.parametrize(
    "text",
    ["config: [1", "config: 3\n", "- a\n", "\x00", f"config:\n  bakewell:keep: {'9' * 5000}\n"],
    ids=range(5),
)
def test_a_stack_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings("dev", tmp_path)
    assert str(caught.value.file).endswith("Pulumi.dev.yaml")


# Several clouds.


def test_each_cloud_has_regions_of_its_own_and_the_first_is_home() -> None:
    own = {"digitalocean": {"regions": ["sfo3"]}, "aws": {"regions": ["eu-central-1", "us-east-1"]}}
    settings = Settings.from_mapping({"clouds": ["aws", "digitalocean"], **own}, "x")
    assert settings.clouds == ["aws", "digitalocean"]
    assert settings.regions_of("aws") == ["eu-central-1", "us-east-1"] and settings.home("aws") == "eu-central-1"
    assert settings.regions_of("digitalocean") == ["sfo3"] and settings.home("digitalocean") == "sfo3"


def test_what_a_stack_is_told_about_aws_is_one_value_and_as_text_json() -> None:
    value = {
        "regions": ["us-east-1", "eu-west-1"],
        "account": "123456789012",
        "instances": {"web": {"count": 2, "type": "t3.small", "key": "ops", "ssh_from": ["192.0.2.0/24"]}},
        "fleets": {"api": {"subnets": ["subnet-0a", "subnet-0b"], "profile": "api", "open_to": ["10.0.0.0/8"]}},
        "launch_accounts": ["210987654321"],
        "kms_key": "alias/images",
    }
    settings = Settings.from_mapping({"bakewell:aws": json.dumps(value), "bakewell:clouds": '["aws"]'}, "x")
    assert settings == Settings.from_mapping({"aws": value, "clouds": ["aws"]}, "x")
    assert settings.aws == AwsSettings(
        regions=["us-east-1", "eu-west-1"],
        account="123456789012",
        instances={"web": InstanceSettings(count=2, type="t3.small", key="ops", ssh_from=["192.0.2.0/24"])},
        fleets={"api": FleetSettings(subnets=["subnet-0a", "subnet-0b"], profile="api", open_to=["10.0.0.0/8"])},
        launch_accounts=["210987654321"],
        kms_key="alias/images",
    )
    assert Settings.from_mapping({"bakewell:aws": "{}"}, "x").aws == AwsSettings()


def test_an_account_may_be_a_number_where_that_has_all_its_digits() -> None:
    """YAML reads 012345670123 as octal: another account. What begins with a zero is taken as text only."""
    settings = {"account": 123456789012, "launch_accounts": [987654321098], "encrypted": False}
    aws = Settings.from_mapping({"bakewell:aws": json.dumps(settings)}, "x").aws
    assert (aws.account, aws.launch_accounts) == ("123456789012", ["987654321098"])
    assert AwsSettings(account="001234567890").account == "001234567890"
    octal = yaml.safe_load("bakewell:aws: {account: 012345670123}")
    assert "write its 12 digits in quotes" in refused(octal).what


def test_what_others_may_launch_is_encrypted_with_a_key_that_they_may_use_or_not_at_all() -> None:
    shared: dict[str, object] = {"launch_accounts": ["210987654321"]}
    assert "set kms_key" in refused({"aws": shared}).what
    assert Settings.from_mapping({"aws": {**shared, "encrypted": False}}, "x").encryption("aws") == "none"
    own = Settings.from_mapping({"aws": {**shared, "kms_key": "alias/images"}}, "x")
    assert (own.encryption("aws"), own.encryption("digitalocean"), Settings().encryption("aws")) == (
        "alias/images",
        "",
        "",
    )


def test_a_block_of_addresses_is_written_as_aws_keeps_it() -> None:
    for given, kept in (
        ("10.0.0.7/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
    ):
        assert f"write {kept}" in refused({"aws": {"instances": {"web": {"ssh_from": [given]}}}}).what


@pytest.mark.parametrize(
    ("mapping", "key", "cloud"),
    [
        ({"clouds": ["aws"], "digitalocean": {"droplets": {"web": {}}}}, "digitalocean.droplets", "digitalocean"),
        ({"aws": {"instances": {"web": {}}}}, "aws.instances", "aws"),
        ({"aws": {"fleets": {"web": {}}}}, "aws.fleets", "aws"),
        ({"clouds": ["aws"], "docker": {"containers": {"web": {}}}}, "docker.containers", "docker"),
    ],
)
def test_machines_on_a_cloud_that_the_stack_is_not_on_are_refused(
    mapping: dict[str, object], key: str, cloud: str
) -> None:
    error = refused(mapping)
    assert f"{key}: bakewell:clouds has no {cloud}; add it there, or remove bakewell:{key}" in error.what


def test_a_pin_is_of_one_cloud() -> None:
    both = {"clouds": ["digitalocean", "aws"]}
    settings = Settings.from_mapping(
        {**both, "pins": {"web": {"digitalocean": 1011, "aws": "ami-0a"}, "api": {"aws": "x"}}}, "x"
    )
    assert settings.pins_on("digitalocean") == {"web": "1011"}
    assert settings.pins_on("aws") == {"web": "ami-0a", "api": "x"}
    assert Settings.from_mapping({"bakewell:pins": '{"web": {"digitalocean": 1011}}'}, "x").pins_on("aws") == {}


def test_a_pin_that_names_no_cloud_is_of_the_only_one() -> None:
    for cloud in ("digitalocean", "aws"):
        assert Settings.from_mapping({"clouds": [cloud], "pins": {"web": "x"}}, "x").pins_on(cloud) == {"web": "x"}
    error = refused({"clouds": ["aws", "digitalocean"], "pins": {"web": "x"}})
    assert "pins.web: say on which cloud: bakewell:pins.web.aws" in error.what
    assert "`pins.web" in refused({"pins": {"web": {"gcp": "x"}}}).what


@pytest.mark.parametrize(
    ("project", "file"),
    [
        ("name: bakewell\n", "Pulumi.dev.yaml"),
        ("name: bakewell\nconfig: {bakewell:keep: {type: integer}}\n", "Pulumi.dev.yaml"),
        ("stackConfigDir: stacks/here\n", "stacks/here/Pulumi.dev.yaml"),
        ("stackConfigDir: /stacks/\nconfig: {}\n", "stacks/Pulumi.dev.yaml"),
        ("config: stacks\n", "stacks/Pulumi.dev.yaml"),
        ("stackConfigDir: ../outside\n", "../outside/Pulumi.dev.yaml"),
    ],
)
def test_a_stack_file_is_where_pulumi_keeps_it(tmp_path: Path, project: str, file: str) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "Pulumi.yaml").write_text(project)
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("config:\n  bakewell:keep: 7\n")
    assert load_settings("dev", root).keep == 7
    with pytest.raises(ConfigError, match="stack prod has no config") as refused:
        load_settings("prod", root)
    assert "BAKEWELL_STACK, or --stack of bakewell local (dev)" in refused.value.remedy
    assert str(refused.value.file).endswith("Pulumi.prod.yaml")
