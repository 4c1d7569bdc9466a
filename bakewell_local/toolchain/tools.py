"""Which Go tools the project uses, at which version, and whether one that the machine has already fits.

A version is said once: in the tool's own go.mod. Nothing here builds or downloads.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bakewell_local.toolchain.folders import cache

MODULES = Path(__file__).resolve().parent
INSTEAD = MODULES / "instead"
"""Go files that are compiled in the place of modules' own, which leaves out what never runs here (docs/adr/0032)."""
GCFLAGS = ("all=-l -dwarf=false",)
"""For the compiler: inline nothing, note nothing for debuggers. That leaves it a quarter less to do (doctl takes 49 s
instead of 69), and nobody waits for these programs' own arithmetic."""
GCFLAGS_OF_MACHINES = ("all=-N -l -dwarf=false", "std=-l -dwarf=false")
"""For what mostly waits on machines: optimise nothing either, but for Go's own packages, which all tools share."""


@dataclass(frozen=True)
class Tool:
    """One Go program.

    Attributes:
        name: the program, and the folder under toolchain/ with its go.mod and go.sum.
        module: the Go module whose version counts.
        command: the folder of the main package inside the module.
        set_version: linker variables (`-X`) that make the program tell its own version; `{version}`, `{major}`,
            `{minor}` and `{patch}` are filled in.
        ask: the argument with which the program tells its version.
        plugin: for one of Packer's plugins, the source that templates require it by.
        gcflags: for the compiler, each `<packages>=<flags>`; the last that fits counts.
    """

    name: str
    module: str
    command: str = ""
    set_version: tuple[str, ...] = ()
    ask: str = "version"
    plugin: str = ""
    gcflags: tuple[str, ...] = GCFLAGS

    @cached_property
    def requires(self) -> dict[str, str]:
        """Every module that its go.mod requires → its version, with the `v`."""
        text = (MODULES / self.name / "go.mod").read_text()
        return dict(re.findall(r"^(?:require|\t)\s*(\S+) (v\S+)", text, re.MULTILINE))

    @property
    def version(self) -> str:
        """The pinned version, without the `v`."""
        if self.module not in self.requires:
            raise LookupError(f"toolchain/{self.name}/go.mod does not require {self.module}")
        return self.requires[self.module].removeprefix("v")

    @property
    def package(self) -> str:
        """The import path that `go build` is given."""
        return f"{self.module}/{self.command}" if self.command else self.module

    @property
    def ldflags(self) -> str:
        """Linker flags: no debug information, and the version."""
        major, minor, patch = self.version.split(".")[:3]
        variables = (v.format(version=self.version, major=major, minor=minor, patch=patch) for v in self.set_version)
        return " ".join(["-s", "-w", *(f"-X {v}" for v in variables)])

    @property
    def instead(self) -> list[str]:
        """The folders of INSTEAD, `<module>@<version>`, whose module it requires at that version."""
        modules = [f"{module}@{version}" for module, version in self.requires.items()]
        return [module for module in modules if (INSTEAD / module).is_dir()]

    @property
    def home(self) -> Path:
        """Where its build is kept: a folder named after all that decides what is built."""
        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum"):
            digest.update((MODULES / self.name / name).read_bytes())
        for file in sorted(file for module in self.instead for file in (INSTEAD / module).rglob("*.go")):
            digest.update(f"\n{file.relative_to(INSTEAD)}\n".encode() + file.read_bytes())
        digest.update(f"{self.package} {self.gcflags} {self.ldflags} {'-'.join(target())}".encode())
        return cache() / "toolchain" / self.name / digest.hexdigest()[:12]


PULUMI = Tool(
    "pulumi",
    "github.com/pulumi/pulumi/pkg/v3",
    "cmd/pulumi",
    ("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",),
)
LANGUAGE_HOST = Tool("pulumi-language-python", "github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python")
EXECUTOR = "pulumi-language-python-exec"  # the script that Python's language host starts; it must lie beside it
YAML_HOST = Tool("pulumi-language-yaml", "github.com/pulumi/pulumi-yaml", "cmd/pulumi-language-yaml")
NODE_HOST = Tool("pulumi-language-nodejs", "github.com/pulumi/pulumi/sdk/v3", "nodejs/cmd/pulumi-language-nodejs")
HOSTS = {"python": LANGUAGE_HOST, "yaml": YAML_HOST, "nodejs": NODE_HOST}  # by the runtime that Pulumi.yaml names
"""What runs a program for Pulumi. Their go.mod files take the versions that pulumi's and Python's host's have, where
they can: then most of what they consist of is compiled already."""
PACKER = Tool("packer", "github.com/hashicorp/packer")
PLUGIN = Tool(
    "packer-plugin-digitalocean",
    "github.com/digitalocean/packer-plugin-digitalocean",
    # Empty, or the plugin calls itself a development version and Packer refuses it.
    set_version=("github.com/digitalocean/packer-plugin-digitalocean/version.VersionPrerelease=",),
    plugin="github.com/digitalocean/digitalocean",
)
AMAZON_PLUGIN = Tool(
    "packer-plugin-amazon", "github.com/hashicorp/packer-plugin-amazon", plugin="github.com/hashicorp/amazon"
)
DOCKER_PLUGIN = Tool(
    "packer-plugin-docker",
    "github.com/hashicorp/packer-plugin-docker",
    set_version=("github.com/hashicorp/packer-plugin-docker/version.VersionPrerelease=",),
    plugin="github.com/hashicorp/docker",
)
DOCTL = Tool(
    "doctl",
    "github.com/digitalocean/doctl",
    "cmd/doctl",
    tuple(
        f"github.com/digitalocean/doctl.{variable}"
        for variable in ("Major={major}", "Minor={minor}", "Patch={patch}", "Label=release")
    ),
    gcflags=GCFLAGS_OF_MACHINES,
)
CONSUL = Tool("consul", "github.com/hashicorp/consul", gcflags=GCFLAGS_OF_MACHINES)
CONSUL_TEMPLATE = Tool(
    "consul-template", "github.com/hashicorp/consul-template", ask="-version", gcflags=GCFLAGS_OF_MACHINES
)
COMPOSE = Tool(
    "docker-compose",
    "github.com/docker/compose/v2",
    "cmd",
    ("github.com/docker/compose/v2/internal.Version=v{version}",),
    gcflags=GCFLAGS_OF_MACHINES,
)
ACTIONLINT = Tool("actionlint", "github.com/rhysd/actionlint", "cmd/actionlint", ask="-version")

PLUGINS = {"digitalocean": PLUGIN, "aws": AMAZON_PLUGIN, "docker": DOCKER_PLUGIN}  # by the cloud that wants them
"""Of Packer."""

# In each group the longest build first; plugins are installed by packer, so they come later.
NEEDED = (PULUMI, PACKER, LANGUAGE_HOST)  # by every stack on the local cloud
CLIENTS = {"digitalocean": DOCTL}  # by the cloud whose command line it is
SERVED = (CONSUL, COMPOSE, DOCTL, CONSUL_TEMPLATE)  # by the local cloud's mirror, to machines
LINT = (ACTIONLINT,)
TOOLS = (
    *(CONSUL, PULUMI, COMPOSE, PACKER, AMAZON_PLUGIN, PLUGIN, LANGUAGE_HOST, DOCTL, DOCKER_PLUGIN, CONSUL_TEMPLATE),
    *(YAML_HOST, NODE_HOST),
    *LINT,
)


def needed(clouds: Iterable[str], runtimes: Iterable[str] = ()) -> tuple[Tool, ...]:
    """What a stack on these clouds needs, and programs of these runtimes besides Python's."""
    clouds = list(clouds)
    plugins = (PLUGINS[cloud] for cloud in clouds if cloud in PLUGINS)
    hosts = (HOSTS[runtime] for runtime in runtimes if runtime in HOSTS)
    clients = (CLIENTS[cloud] for cloud in clouds if cloud in CLIENTS)
    return tuple(dict.fromkeys((*NEEDED, *plugins, *clients, *hosts)))


def target() -> tuple[str, str]:
    """The machine we are on, as Go names it: operating system and architecture."""
    machine = platform.machine().lower()
    return platform.system().lower(), {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def built(tool: Tool) -> Path | None:
    """The program from an earlier build, or None."""
    program = tool.home / "bin" / tool.name
    return program if program.is_file() else None


def on_machine(tool: Tool, environment: Mapping[str, str]) -> Path | None:
    """The program that the user has at exactly the pinned version, or None."""
    if tool.plugin:
        return _installed_plugin(tool, environment)
    search = environment.get("PATH", os.defpath)
    found = shutil.which(tool.name, path=search)
    if found is None:
        return None
    program = Path(found)
    if tool in HOSTS.values():
        # It tells no version of its own: the one that came with a pulumi that fits does.
        whole = tool is not LANGUAGE_HOST or (program.parent / EXECUTOR).is_file()
        return program if whole and tells(PULUMI, program.parent / "pulumi") else None
    return program if tells(tool, program) else None


def tells(tool: Tool, program: Path) -> bool:
    """True when the program, asked for its version, names exactly the pinned one."""
    try:
        told = subprocess.run(
            [program, tool.ask],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "CHECKPOINT_DISABLE": "1", "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return re.search(rf"(?<![\d.])v?{re.escape(tool.version)}(?![\d.])", told.stdout.partition("\n")[0]) is not None


def plugin_folder(program: Path) -> Path:
    """The folder that PACKER_PLUGIN_PATH must name for an installed plugin: three above its binary's folder."""
    return program.parents[3]


def find_plugin(folder: Path, tool: Tool = PLUGIN) -> Path | None:
    """The pinned plugin of Packer under a plugin folder, if it is whole (Packer wants its checksum file beside it)."""
    system, arch = target()
    pattern = f"{tool.name}_v{tool.version}_x*_{system}_{arch}"
    for program in sorted((folder / tool.plugin).glob(pattern)):
        if checksum_of(program).is_file():
            return program
    return None


def checksum_of(plugin: Path) -> Path:
    """The file with a plugin's checksum."""
    return plugin.with_name(f"{plugin.name}_SHA256SUM")


def _installed_plugin(tool: Tool, environment: Mapping[str, str]) -> Path | None:
    if explicit := environment.get("PACKER_PLUGIN_PATH"):
        return find_plugin(Path(explicit), tool)
    if config := environment.get("PACKER_CONFIG_DIR"):
        return find_plugin(Path(config) / ".packer.d/plugins", tool)
    home = Path(environment.get("HOME") or Path.home())
    config_home = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return find_plugin(home / ".packer.d/plugins", tool) or find_plugin(config_home / "packer/plugins", tool)
