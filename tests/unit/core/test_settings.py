from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bakewell.errors import ConfigError
from bakewell.settings import DIGITALOCEAN, NAMESPACE, Environment, MachineSettings, Settings, load_settings


def refused(mapping: dict[str, object]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Settings.from_mapping(mapping, "Pulumi.dev.yaml")
    assert caught.value.file == "Pulumi.dev.yaml"
    assert caught.value.remedy
    return caught.value


def test_pulumi_yaml_declares_every_setting_with_the_same_default() -> None:
    declared = yaml.safe_load((Path(__file__).parents[3] / "Pulumi.yaml").read_text())["config"]
    own = {key.removeprefix(NAMESPACE): said["default"] for key, said in declared.items() if key.startswith(NAMESPACE)}
    assert own == Settings().model_dump()


def test_nothing_said_means_the_defaults() -> None:
    settings = Settings.from_mapping({}, "x")
    assert settings == Settings()
    assert (settings.project, settings.region, settings.keep, settings.parallel) == ("bakewell", "nyc3", 3, 4)


def test_pulumi_gives_text_and_yaml_gives_values_and_both_mean_the_same() -> None:
    text: dict[str, object] = {
        "bakewell:keep": "5",
        "bakewell:local": "true",
        "bakewell:regions": '["sfo3", "nyc3"]',
        "bakewell:machines": '{"web": {"count": 2}}',
        "bakewell:prefix": "acme",
    }
    values: dict[str, object] = {
        "keep": 5,
        "local": True,
        "regions": ["sfo3", "nyc3"],
        "machines": {"web": {"count": 2}},
        "prefix": "acme",
    }
    settings = Settings.from_mapping(text, "x")
    assert settings == Settings.from_mapping(values, "x")
    assert settings.region == "sfo3"
    assert settings.machines == {"web": MachineSettings(count=2)}


def test_keys_of_other_namespaces_are_none_of_our_business() -> None:
    assert Settings.from_mapping({"digitalocean:apiEndpoint": "http://127.0.0.1"}, "x") == Settings()


def test_an_unknown_key_is_named_with_the_one_that_was_meant() -> None:
    error = refused({"bakewell:kep": "3"})
    assert "unknown key `kep` (did you mean `keep`?)" in error.what
    assert "keep" in error.remedy


def test_an_unknown_key_of_a_machine_is_named_with_its_path() -> None:
    error = refused({"machines": {"web": {"cuont": 1}}})
    assert "`machines.web.cuont` (did you mean `count`?)" in error.what
    assert "keys of machines.web: count, size, ssh_keys" in error.remedy


def test_json_that_nests_without_end_is_refused() -> None:
    assert "`roles`" in refused({"bakewell:roles": "[" * 100_000}).what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("keep", "three"),
        ("keep", "0"),
        ("keep", 0),
        ("keep", 2.5),
        ("keep", True),
        ("parallel", "65"),
        ("local", "yes"),
        ("regions", "nyc3"),
        ("regions", "[]"),
        ("regions", '["nyc3", "nyc3"]'),
        ("regions", [3]),
        ("roles", '["We_b"]'),
        ("prefix", "Acme"),
        ("project", "-acme"),
        ("machines", '{"web": {"count": "2"}}'),
        ("machines", "[1"),
        ("pins", {"web": 1.5}),
        ("max_context_mb", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, value: object) -> None:
    assert f"`{key}" in refused({f"bakewell:{key}": value}).what


def test_an_id_may_be_written_as_a_number() -> None:
    machines = {"web": {"ssh_keys": [7]}}
    settings = Settings.from_mapping({"bakewell:pins": '{"web": 1011}', "bakewell:machines": machines}, "x")
    assert settings.pins == {"web": "1011"}
    assert settings.machines["web"].ssh_keys == ["7"]


def test_a_role_may_be_called_like_a_key() -> None:
    assert "keys of machines.count: count, size, ssh_keys" in refused({"machines": {"count": {"cuont": 1}}}).remedy


def test_every_fault_is_told_at_once() -> None:
    error = refused({"keep": "x", "prefix": "X", "nonsense": "1"})
    assert all(f"`{key}`" in error.what for key in ("keep", "prefix", "nonsense"))


def test_a_rule_is_told_in_words() -> None:
    assert "lower-case letters, digits and single hyphens" in refused({"prefix": "Acme_1"}).what


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
    [
        "config: [1",
        "config: 3\n",
        "- a\n",
        "\x00",
        f"config: {'[' * 3000}{']' * 3000}",
        "config:\n  bakewell:prefix: 2026-13-45\n",
        f"config:\n  bakewell:keep: {'9' * 5000}\n",
        "config:\n  bakewell:local: !!bool maybe\n",
    ],
    ids=range(8),
)
def test_a_stack_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings("dev", tmp_path)
    assert str(caught.value.file).endswith("Pulumi.dev.yaml")


def test_a_stack_name_leads_nowhere_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_settings("..", tmp_path)


def test_the_environment_is_read() -> None:
    environment = Environment.read(
        {
            "DIGITALOCEAN_TOKEN": "t0ken",
            "DIGITALOCEAN_API_URL": "http://127.0.0.1:8080/",
            "BAKEWELL_STATE": "/var/lib/b",
            "BAKEWELL_STACK": "prod",
            "PULUMI_STACK": "dev",
            "BAKEWELL_PARALLEL": "2",
        }
    )
    assert environment.require_token() == "t0ken"
    assert environment.endpoint == "http://127.0.0.1:8080"
    assert (environment.state_dir, environment.stack, environment.parallel) == (Path("/var/lib/b"), "prod", 2)
    assert environment.local


def test_an_empty_environment_has_defaults_and_no_token() -> None:
    environment = Environment.read({"HOME": "/home/ann"})
    assert (environment.endpoint, environment.stack, environment.parallel) == (DIGITALOCEAN, "dev", None)
    assert environment.state_dir == Path("/home/ann/.local/state/bakewell")
    assert Environment.read({"XDG_STATE_HOME": "/s"}).state_dir == Path("/s/bakewell")
    assert not environment.local
    with pytest.raises(ConfigError) as caught:
        environment.require_token()
    assert "DIGITALOCEAN_TOKEN" in caught.value.what
    assert "make -s env" in caught.value.remedy


def test_the_other_names_serve_too() -> None:
    environment = Environment.read({"DIGITALOCEAN_ACCESS_TOKEN": "a", "PULUMI_STACK": "organization/bakewell/ci"})
    assert (environment.require_token(), environment.stack) == ("a", "ci")


def test_a_token_never_shows() -> None:
    assert "t0ken" not in repr(Environment.read({"DIGITALOCEAN_TOKEN": "t0ken"}))


@pytest.mark.parametrize("token", ["dop v1", "dop\nv1", "d\x07op", "d\xe9op", "\u201cdop\u201d"])
@pytest.mark.parametrize("variable", ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"])
def test_what_can_be_no_token_is_refused_by_the_variables_name_alone(variable: str, token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Environment.read({variable: token})
    assert caught.value.what.startswith(f"{variable} is no token")
    assert "op" not in str(caught.value).replace("copy", "")


def test_white_space_around_a_token_is_not_part_of_it() -> None:
    assert Environment.read({"DIGITALOCEAN_TOKEN": " t0ken\n"}).require_token() == "t0ken"


@pytest.mark.parametrize("value", ["0", "many", "-1", "65", "1.5", pytest.param("9" * 5000, id="digits")])
def test_a_senseless_cap_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="BAKEWELL_PARALLEL"):
        Environment.read({"BAKEWELL_PARALLEL": value})


@pytest.mark.parametrize(
    "url", ["ftp://x", "nonsense", "http://user:pw@127.0.0.1", "http://[::1", "http://example.com"]
)
def test_an_endpoint_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="DIGITALOCEAN_API_URL"):
        Environment.read({"DIGITALOCEAN_API_URL": url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_a_local_stack_runs_on_this_machine(url: str) -> None:
    environment = Environment.read({"DIGITALOCEAN_API_URL": url})
    environment.check(Settings(local=True))
    assert environment.local


def test_a_local_stack_runs_nowhere_else() -> None:
    environment = Environment.read({"DIGITALOCEAN_TOKEN": "real"})
    with pytest.raises(ConfigError) as caught:
        environment.check(Settings(local=True))
    assert 'eval "$(make -s env)"' in caught.value.remedy
    environment.check(Settings(local=False))


def test_a_mirrors_checksums_count_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = {"DIGITALOCEAN_API_URL": "http://127.0.0.1:1"}
    assert Environment.read(local).downloads is None
    assert Environment.read({**local, "BAKEWELL_DOWNLOADS": ""}).downloads is None
    monkeypatch.chdir(tmp_path)
    assert Environment.read({**local, "BAKEWELL_DOWNLOADS": "d.toml"}).downloads == tmp_path / "d.toml"


@pytest.mark.parametrize("url", ["", "https://api.example.com"])
def test_and_nowhere_else(url: str) -> None:
    with pytest.raises(ConfigError, match="BAKEWELL_DOWNLOADS is set, but the endpoint is https") as caught:
        Environment.read({"DIGITALOCEAN_API_URL": url, "BAKEWELL_DOWNLOADS": "/d.toml"})
    assert "unset it" in caught.value.remedy


def test_an_ssh_key_is_a_file_of_this_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for value, path in (("~/.ssh/ops", tmp_path / ".ssh/ops"), ("keys/ops", tmp_path / "keys/ops"), ("", None)):
        assert Environment.read({"BAKEWELL_SSH_KEY": value}).ssh_key == path
    assert Environment.read({}).ssh_key is None


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_nobody_waits_no_time_or_for_ever(seconds: int) -> None:
    with pytest.raises(ConfigError, match="ready_timeout"):
        Settings.from_mapping({"ready_timeout": seconds}, "Pulumi.dev.yaml")
