"""Which tool is used: the versions are said once, and what the machine has is used only if it fits exactly."""

from __future__ import annotations

import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bakewell_local.sandbox.providers.versions import IMITATED
from bakewell_local.toolchain import tools
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.tools import (
    ACTIONLINT,
    AMAZON_PLUGIN,
    CLIENTS,
    COMPOSE,
    CONSUL,
    CONSUL_TEMPLATE,
    DOCKER_PLUGIN,
    DOCTL,
    EXECUTOR,
    HOSTS,
    LANGUAGE_HOST,
    LINT,
    NEEDED,
    PACKER,
    PLUGIN,
    PLUGINS,
    PULUMI,
    SERVED,
    TOOLS,
    YAML_HOST,
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


def test_pulumi_is_of_the_same_version_in_go_and_in_python() -> None:
    assert f"pulumi=={PULUMI.version} " in (ROOT / "requirements.lock").read_text()


def test_stand_ins_imitate_the_plugins_of_the_locked_sdks() -> None:
    locked = (ROOT / "requirements.lock").read_text()
    assert all(f"\npulumi-{name}=={version} " in locked for name, version in IMITATED.items())


def test_the_lock_file_holds_what_pyproject_asks_for() -> None:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*read["project"]["dependencies"], *read["build-system"]["requires"]]
    asked += [line for extra in read["project"]["optional-dependencies"].values() for line in extra]
    wanted = [found for line in asked if (found := Requirement(line)).name != "bakewell"]
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ]+) ", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    locked = dict(pins)
    missing = [str(one) for one in wanted if one.name not in locked or locked[one.name] not in one.specifier]
    assert not missing, "run: make lock"


@pytest.mark.parametrize(
    ("tool", "fits", "says"),
    [
        *((PULUMI, True, says) for says in ("v{}", "{}", "{}\nv9.9.9 is out")),
        *((PULUMI, False, says) for says in ("v{}.1", "v1{}", "v3.220.1", "v3.22.0", "", "v1.0.0\nv{} is out")),
        (DOCTL, True, "doctl version {}-release"),
        (CONSUL, True, "Consul v{}\nBuild Date 1970-01-01T00:00:01Z"),
        (CONSUL_TEMPLATE, True, "consul-template v{} (1f2a3b4)"),
        (COMPOSE, True, "Docker Compose version v{}"),
        (ACTIONLINT, True, "v{}\ninstalled by building from source"),
    ],
)
def test_exactly_the_pinned_version_fits_and_each_tool_is_asked_in_its_own_way(
    tmp_path: Path, tool: Tool, fits: bool, says: str
) -> None:
    found = program(tmp_path, tool.name)
    found.write_text(f'#!/bin/sh\n[ "$*" = {tool.ask} ] && exec sed 1,3d "$0"\nexit 1\n{says.format(tool.version)}')
    assert tools.on_machine(tool, {"PATH": str(tmp_path)}) == (found if fits else None)
    found.write_text("#!/no/such/interpreter\n")
    assert tools.on_machine(tool, {"PATH": str(tmp_path)}) is None


def test_a_stack_needs_the_plugins_and_clients_of_its_clouds_alone() -> None:
    assert set(TOOLS) == {*NEEDED, *CLIENTS.values(), *SERVED, *LINT, *PLUGINS.values(), *HOSTS.values()}
    assert all(TOOLS.index(PACKER) < TOOLS.index(plugin) for plugin in PLUGINS.values()), "packer installs plugins"
    assert tools.needed(["digitalocean"]) == (*NEEDED, PLUGIN, DOCTL)
    assert tools.needed(["aws"]) == (*NEEDED, AMAZON_PLUGIN)
    assert tools.needed(["docker"]) == (*NEEDED, DOCKER_PLUGIN)
    assert set(tools.needed(iter(PLUGINS))) == {*NEEDED, *PLUGINS.values(), DOCTL}
    assert tools.needed([], ["python"]) == tools.needed([], ["go"]) == NEEDED
    assert tools.needed([], ["yaml"]) == (*NEEDED, YAML_HOST)


def test_plugins_are_those_that_templates_require() -> None:
    for cloud, plugin in PLUGINS.items():
        template = ROOT / "packer" / f"{cloud}.pkr.hcl"
        if template.exists():
            text = template.read_text()
            assert f'source  = "{plugin.plugin}"' in text and f'version = "= {plugin.version}"' in text
    assert PLUGIN.ldflags.endswith("version.VersionPrerelease="), "Packer refuses a development version"


def test_a_language_host_fits_only_beside_a_pulumi_that_fits_and_with_its_executor(tmp_path: Path) -> None:
    where = {"PATH": str(tmp_path)}
    host = program(tmp_path, LANGUAGE_HOST.name)
    assert tools.on_machine(LANGUAGE_HOST, where) is None
    program(tmp_path, EXECUTOR)
    assert tools.on_machine(LANGUAGE_HOST, where) is None
    yaml = program(tmp_path, YAML_HOST.name)
    assert tools.on_machine(YAML_HOST, where) is None
    program(tmp_path, "pulumi", f"v{PULUMI.version}")
    assert tools.on_machine(LANGUAGE_HOST, where) == host
    assert tools.on_machine(YAML_HOST, where) == yaml, "it has no executor"


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

    def install(tool: Tool, version: str) -> Path:
        name = f"{tool.name}_v{version}_x5.0_{'_'.join(tools.target())}"
        file = program(tmp_path / plugins / tool.plugin, name)
        tools.checksum_of(file).touch()
        return file

    other = install(AMAZON_PLUGIN, AMAZON_PLUGIN.version)
    install(PLUGIN, "1.4.0")
    assert tools.on_machine(AMAZON_PLUGIN, where) == other
    assert tools.on_machine(PLUGIN, where) is None, "of another version"
    file = install(PLUGIN, PLUGIN.version)
    assert tools.on_machine(PLUGIN, where) == file
    assert tools.plugin_folder(file) == tmp_path / plugins
    tools.checksum_of(file).unlink()
    assert tools.on_machine(PLUGIN, where) is None, "Packer refuses a plugin without its checksum"


def test_the_home_of_a_build_changes_with_what_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({tool.home for tool in TOOLS}) == len(TOOLS)
    for name in ("packer", "instead"):
        shutil.copytree(ROOT / "bakewell_local" / "toolchain" / name, tmp_path / name)
    before = PACKER.home
    monkeypatch.setattr(tools, "MODULES", tmp_path)
    monkeypatch.setattr(tools, "INSTEAD", tmp_path / "instead")
    assert PACKER.home == before
    homes = {before}
    for file in (tmp_path / "packer/go.sum", next((tmp_path / "instead" / PACKER.instead[0]).rglob("*.go"))):
        with file.open("a") as written:
            written.write("\n")
        homes.add(PACKER.home)
    homes.add(replace(PACKER, gcflags=("all=-N",)).home)
    assert len(homes) == 4


def test_every_file_that_stands_in_a_modules_place_belongs_to_a_tool() -> None:
    of_tools = {folder for tool in TOOLS for folder in tool.instead}
    files = [file.relative_to(tools.INSTEAD) for file in tools.INSTEAD.rglob("*") if file.is_file()]
    assert files
    assert [file for file in files if not any(str(folder) in of_tools for folder in file.parents)] == []
