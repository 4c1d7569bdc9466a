"""What a process is told by its environment: where the clouds are, and that a local stack stays on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.errors import ConfigError
from bakewell.settings import AWS, DIGITALOCEAN, CloudName, Environment, Settings
from bakewell.settings.environment import TOKENS

BOTH: list[CloudName] = ["digitalocean", "aws"]
LOCAL = {"DIGITALOCEAN_API_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2"}


def test_the_environment_is_read() -> None:
    environment = Environment.read(
        {
            "DIGITALOCEAN_TOKEN": " t0ken\n",
            "DIGITALOCEAN_API_URL": "http://127.0.0.1:8080/",
            "BAKEWELL_STATE": "/var/lib/b",
            "BAKEWELL_STACK": "prod",
            "PULUMI_STACK": "dev",
            "BAKEWELL_PARALLEL": "2",
        }
    )
    assert environment.require_token() == "t0ken" and "t0ken" not in repr(environment)
    assert environment.endpoint == "http://127.0.0.1:8080"
    assert (environment.state_dir, environment.stack, environment.parallel) == (Path("/var/lib/b"), "prod", 2)
    assert environment.local("digitalocean") and not environment.local("aws")


def test_an_empty_environment_has_defaults_and_no_token() -> None:
    environment = Environment.read({"HOME": "/home/ann"})
    assert (environment.endpoint, environment.stack, environment.parallel) == (DIGITALOCEAN, "dev", None)
    assert environment.state_dir == Path("/home/ann/.local/state/bakewell")
    assert Environment.read({"PULUMI_STACK": "organization/bakewell/ci"}).stack == "ci"
    assert Environment.read({"XDG_STATE_HOME": "/s"}).state_dir == Path("/s/bakewell")
    assert not environment.local("digitalocean") and not environment.local("aws")
    with pytest.raises(ConfigError) as caught:
        environment.require_token()
    assert "DIGITALOCEAN_TOKEN" in caught.value.what
    assert "bakewell local env" in caught.value.remedy


def test_of_several_names_for_the_token_the_first_that_is_set_counts() -> None:
    environ = {"DIGITALOCEAN_TOKEN": "a", "DIGITALOCEAN_API_TOKEN": "b", "DIGITALOCEAN_ACCESS_TOKEN": "c"}
    for name, token in tuple(environ.items()):
        environment = Environment.read(environ)
        assert (environment.require_token(), environment.token_name) == (token, name)
        environ[name] = " "
    with pytest.raises(ConfigError, match="DIGITALOCEAN_API_TOKEN"):
        Environment.read(environ).require_token()


@pytest.mark.parametrize("token", ["dop v1", "dop\nv1", "d\x07op", "d\xe9op", "\u201cdop\u201d"])
@pytest.mark.parametrize("variable", TOKENS)
def test_what_can_be_no_token_is_refused_by_the_variables_name_alone(variable: str, token: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Environment.read({variable: token})
    assert caught.value.what.startswith(f"{variable} is no token")
    assert "op" not in str(caught.value).replace("copy", "")


@pytest.mark.parametrize("value", ["0", "many", "-1", "65", "1.5", pytest.param("9" * 5000, id="digits")])
def test_a_senseless_cap_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="BAKEWELL_PARALLEL"):
        Environment.read({"BAKEWELL_PARALLEL": value})


@pytest.mark.parametrize(
    "url", ["ftp://x", "nonsense", "http://user:pw@127.0.0.1", "http://[::1", "http://example.com"]
)
@pytest.mark.parametrize("variable", ["DIGITALOCEAN_API_URL", "AWS_ENDPOINT_URL"])
def test_an_endpoint_that_cannot_be_meant_is_refused(variable: str, url: str) -> None:
    with pytest.raises(ConfigError, match=variable) as caught:
        Environment.read({variable: url})
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_a_local_stack_runs_on_this_machine(url: str) -> None:
    environment = Environment.read({"DIGITALOCEAN_API_URL": url})
    environment.check(Settings(local=True))
    assert environment.local("digitalocean")


def test_a_local_stack_runs_nowhere_else() -> None:
    environment = Environment.read({"DIGITALOCEAN_TOKEN": "real"})
    with pytest.raises(ConfigError) as caught:
        environment.check(Settings(local=True))
    assert 'eval "$(bakewell local env)"' in caught.value.remedy
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


# Several clouds.


def test_each_cloud_is_where_its_own_variable_says() -> None:
    environment = Environment.read(LOCAL | {"DIGITALOCEAN_API_URL": "https://api.example.com"})
    assert environment.where("digitalocean") == "https://api.example.com" and not environment.local("digitalocean")
    assert environment.where("aws") == environment.aws_endpoint == "http://127.0.0.1:2" and environment.local("aws")


def test_aws_s_own_sdks_choose_where_nothing_is_said() -> None:
    for given in ({}, {"AWS_ENDPOINT_URL": ""}):
        environment = Environment.read(given)
        assert environment.aws_endpoint is None and environment.where("aws") == AWS and not environment.local("aws")


def test_a_local_stack_of_two_clouds_needs_both_on_this_machine() -> None:
    settings = Settings(local=True, clouds=BOTH)
    Environment.read(LOCAL).check(settings)
    for lost, where in (("AWS_ENDPOINT_URL", AWS), ("DIGITALOCEAN_API_URL", DIGITALOCEAN)):
        with pytest.raises(ConfigError, match=f"local cloud only, but the endpoint is {where}"):
            Environment.read({name: url for name, url in LOCAL.items() if name != lost}).check(settings)


def test_only_the_stacks_own_clouds_have_to_be_local() -> None:
    environment = Environment.read({"AWS_ENDPOINT_URL": LOCAL["AWS_ENDPOINT_URL"], "BAKEWELL_DOWNLOADS": "/d.toml"})
    environment.check(Settings(local=True, clouds=["aws"]))
    with pytest.raises(ConfigError, match="local cloud only"):
        environment.check(Settings(local=True))


def test_a_mirrors_checksums_count_for_no_real_cloud_of_the_stack() -> None:
    environment = Environment.read({"DIGITALOCEAN_API_URL": "http://127.0.0.1:1", "BAKEWELL_DOWNLOADS": "/d.toml"})
    environment.check(Settings())
    with pytest.raises(ConfigError, match=f"BAKEWELL_DOWNLOADS is set, but the endpoint is {AWS}") as caught:
        environment.check(Settings(clouds=BOTH))
    assert "unset it" in caught.value.remedy


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_EC2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"])
def test_all_tools_ask_the_same_aws(name: str) -> None:
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL is set, and so is") as caught:
        Environment.read(LOCAL | {name: "true"})
    assert "unset AWS_ENDPOINT_URL_" in caught.value.remedy
    assert Environment.read({name: "https://ec2.example.com"}).aws_endpoint is None


def test_a_password_in_docker_host_is_in_nothing_that_people_read() -> None:
    environment = Environment.read({"DOCKER_HOST": "tcp://ann:s3cret@192.0.2.1:2375"})
    assert environment.where("docker") == "tcp://***@192.0.2.1:2375" and not environment.local("docker")
    with pytest.raises(ConfigError, match="local cloud only") as caught:
        environment.check(Settings(local=True, clouds=["docker"]))
    assert "s3cret" not in str(caught.value)
    assert Environment.read({"DOCKER_HOST": "tcp://ann:s3cret@127.0.0.1:2375"}).local("docker")
