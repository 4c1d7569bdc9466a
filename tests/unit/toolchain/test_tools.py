"""Which tool is used: the versions are said once, and what the machine has is used only if it fits exactly."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from toolchain import tools
from toolchain.folders import ROOT
from toolchain.tools import (
    ACTIONLINT,
    AMAZON_PLUGIN,
    COMPOSE,
    CONSUL,
    CONSUL_TEMPLATE,
    DOCKER_PLUGIN,
    DOCTL,
    EXECUTOR,
    LANGUAGE_HOST,
    LINT,
    NEEDED,
    PACKER,
    PLUGIN,
    PLUGINS,
    PULUMI,
    SERVED,
    TOOLS,
    Tool,
)


def program(folder: Path, name: str, says: str = "") -> Path:
    """A fake tool that answers any command with `says`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_tool_has_a_version_and_checksums() -> None:
    for tool in TOOLS:
        assert re.fullmatch(r"\d+\.\d+\.\d+", tool.version), tool
        sums = (ROOT / "toolchain" / tool.name / "go.sum").read_text()
        assert f"{tool.module} v{tool.version} h1:" in sums


def test_pulumi_is_of_the_same_version_in_go_and_in_python() -> None:
    assert f"pulumi=={PULUMI.version} " in (ROOT / "requirements.lock").read_text()


def test_the_lock_file_holds_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"]]
    asked += project["build-system"]["requires"]
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [re.sub(r"\[.*\]", "", pin) for pin in asked]  # which extras are asked for, the lock does not say
    missing = [pin for pin in pins if not any(line.startswith(f"{pin} ") for line in locked)]
    assert not missing, "run: make lock"


def test_a_tool_that_go_mod_does_not_require_is_an_error() -> None:
    with pytest.raises(LookupError, match="does not require example"):
        _ = Tool("packer", "example").version


@pytest.mark.parametrize("says", ["v3.220.0", "3.220.0", "3.220.0\nv9.9.9 is out"])
def test_exactly_the_pinned_version_fits(tmp_path: Path, says: str) -> None:
    found = program(tmp_path, "pulumi", says)
    assert tools.on_machine(PULUMI, {"PATH": str(tmp_path)}) == found


@pytest.mark.parametrize("says", ["v3.220.1", "v3.220.0.1", "v13.220.0", "v3.22.0", "", "v1.0.0\nv3.220.0 is out"])
def test_any_other_version_does_not_fit(tmp_path: Path, says: str) -> None:
    program(tmp_path, "pulumi", says)
    assert tools.on_machine(PULUMI, {"PATH": str(tmp_path)}) is None


def test_a_release_build_of_doctl_fits_and_a_program_that_cannot_run_does_not(tmp_path: Path) -> None:
    found = program(tmp_path, "doctl", f"doctl version {DOCTL.version}-release")
    assert tools.on_machine(DOCTL, {"PATH": str(tmp_path)}) == found
    found.write_text("#!/no/such/interpreter\n")
    assert tools.on_machine(DOCTL, {"PATH": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (CONSUL, "Consul v{}\nBuild Date 1970-01-01T00:00:01Z"),
        (CONSUL_TEMPLATE, "consul-template v{} (1f2a3b4)"),
        (COMPOSE, "Docker Compose version v{}"),
        (ACTIONLINT, "v{}\ninstalled by building from source"),
    ],
)
def test_each_tool_is_asked_for_its_version_in_its_own_way(tmp_path: Path, tool: Tool, says: str) -> None:
    found = program(tmp_path, tool.name, says.format(tool.version))
    asked = f'#!/bin/sh\n[ "$*" = {tool.ask} ] && exec sed 1,3d "$0"\nexit 1\n'
    found.write_text(asked + says.format(tool.version))
    assert tools.on_machine(tool, {"PATH": str(tmp_path)}) == found


def test_every_tool_is_in_a_group() -> None:
    assert set(TOOLS) == {*NEEDED, *SERVED, *LINT, *PLUGINS.values()}
    assert len(TOOLS) == len(set(TOOLS))
    assert all(TOOLS.index(PACKER) < TOOLS.index(plugin) for plugin in PLUGINS.values()), "packer installs plugins"


def test_a_stack_needs_the_plugins_of_its_clouds_and_digitaloceans() -> None:
    assert tools.needed(["digitalocean"]) == NEEDED
    assert tools.needed(["aws"]) == tools.needed(["aws", "digitalocean"]) == (*NEEDED, AMAZON_PLUGIN)
    assert set(tools.needed(PLUGINS)) == {*NEEDED, AMAZON_PLUGIN, DOCKER_PLUGIN}


def test_plugins_are_those_that_templates_require() -> None:
    for cloud, plugin in PLUGINS.items():
        template = ROOT / "packer" / f"{cloud}.pkr.hcl"
        if template.exists():
            text = template.read_text()
            assert f'source  = "{plugin.plugin}"' in text and f'version = "= {plugin.version}"' in text


def test_a_language_host_fits_only_beside_a_pulumi_that_fits_and_with_its_executor(tmp_path: Path) -> None:
    where = {"PATH": str(tmp_path)}
    host = program(tmp_path, LANGUAGE_HOST.name)
    assert tools.on_machine(LANGUAGE_HOST, where) is None
    program(tmp_path, EXECUTOR)
    assert tools.on_machine(LANGUAGE_HOST, where) is None
    program(tmp_path, "pulumi", f"v{PULUMI.version}")
    assert tools.on_machine(LANGUAGE_HOST, where) == host


@pytest.mark.parametrize(
    ("variable", "value", "plugins"),
    [
        ("PACKER_PLUGIN_PATH", "mine", "mine"),
        ("PACKER_CONFIG_DIR", "config", "config/.packer.d/plugins"),
        ("XDG_CONFIG_HOME", "xdg", "xdg/packer/plugins"),
        ("HOME", "home", "home/.config/packer/plugins"),
        ("HOME", "home", "home/.packer.d/plugins"),
    ],
)
def test_an_installed_plugin_is_found_where_packer_looks(
    tmp_path: Path, variable: str, value: str, plugins: str
) -> None:
    where = {"HOME": str(tmp_path / "nobody"), variable: str(tmp_path / value)}
    folder = tmp_path / plugins / "github.com/digitalocean/digitalocean"
    file = program(folder, f"packer-plugin-digitalocean_v{PLUGIN.version}_x5.0_{'_'.join(tools.target())}")
    assert tools.on_machine(PLUGIN, where) is None, "Packer refuses a plugin without its checksum"
    file.with_name(f"{file.name}_SHA256SUM").touch()
    assert tools.on_machine(PLUGIN, where) == file
    assert tools.plugin_folder(file) == tmp_path / plugins


def test_another_version_of_the_plugin_does_not_fit(tmp_path: Path) -> None:
    folder = tmp_path / "github.com/digitalocean/digitalocean"
    file = program(folder, f"packer-plugin-digitalocean_v1.4.0_x5.0_{'_'.join(tools.target())}")
    file.with_name(f"{file.name}_SHA256SUM").touch()
    assert tools.find_plugin(tmp_path) is None


def test_another_plugin_does_not_fit(tmp_path: Path) -> None:
    folder = tmp_path / AMAZON_PLUGIN.plugin
    file = program(folder, f"{AMAZON_PLUGIN.name}_v{AMAZON_PLUGIN.version}_x5.0_{'_'.join(tools.target())}")
    tools.checksum_of(file).touch()
    where = {"HOME": str(tmp_path / "nobody"), "PACKER_PLUGIN_PATH": str(tmp_path)}
    assert tools.on_machine(AMAZON_PLUGIN, where) == file
    assert tools.on_machine(PLUGIN, where) is None


def test_the_home_of_a_build_changes_with_what_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({tool.home for tool in TOOLS}) == len(TOOLS)
    modules = tmp_path / "modules"
    (modules / "packer").mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (modules / "packer" / name).write_bytes((ROOT / "toolchain/packer" / name).read_bytes())
    before = PACKER.home
    monkeypatch.setattr(tools, "MODULES", modules)
    assert PACKER.home == before
    with (modules / "packer/go.sum").open("a") as file:
        file.write("\n")
    assert PACKER.home != before
    before = PACKER.home
    monkeypatch.setattr(tools, "GCFLAGS", "all=-N")
    assert PACKER.home != before


def test_the_plugin_is_told_that_it_is_no_development_version() -> None:
    assert PLUGIN.ldflags.endswith("version.VersionPrerelease=")
    assert f"common/version.Version=v{PULUMI.version}" in PULUMI.ldflags
    assert os.fspath(ROOT) not in PULUMI.ldflags
