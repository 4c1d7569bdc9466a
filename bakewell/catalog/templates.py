"""What the Packer templates of a context require: the exact version of Packer and of each plugin.

Exact, because a range would let the version found on a machine decide what is built. Only `packer { }` blocks are
read, and only as `packer fmt` lays them out (the block's first and last line start at the margin); that Packer agrees
is for `packer validate` to say. A whole HCL parser takes longer to load than the rest of a preview's checks together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bakewell.context import Context
from bakewell.errors import ConfigError
from bakewell.reading import read_text

_BLOCK = re.compile(r"^packer[ \t]*\{[ \t]*\n(?P<body>.*?)^\}", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|(?:#|//)[^\n]*|/\*.*?\*/', re.DOTALL)
_PLUGINS = re.compile(r"^\s*required_plugins\s*\{(?P<body>(?:[^{}]|\{[^{}]*\})*)\}", re.MULTILINE)
_PLUGIN = re.compile(r"(?P<name>[\w-]+)\s*=\s*\{(?P<body>[^{}]*)\}")
_ATTRIBUTE = re.compile(r'^\s*(?P<key>required_version|source|version)\s*=\s*"(?P<value>[^"\n]*)"', re.MULTILINE)
_EXACT = re.compile(r"^\s*=?\s*v?(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?)\s*$")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A Packer plugin: its name in the templates, its source address, its version ("1.4.1")."""

    name: str
    source: str
    version: str


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a context's templates require: Packer's version ("1.15.0") and the plugins, by source."""

    packer: str
    plugins: tuple[Plugin, ...]


def requirements(context: Context) -> Requirements:
    """Read them from the context's `*.pkr.hcl` files.

    Raises:
        ConfigError: no version of Packer, a version that is not exact, two that disagree, or a block that is not laid
            out as `packer fmt` does.
    """
    packer: dict[str, Path] = {}
    plugins: dict[str, Plugin] = {}
    sources = [f.source for f in context.files if "/" not in f.path and f.path.endswith(".pkr.hcl") and f.source]
    for path in sources:
        text = read_text(path, path.name)
        if "required_version" not in text and "required_plugins" not in text:
            continue
        for version in _read(text, path, plugins):
            packer.setdefault(version, path)
    if not packer:
        raise ConfigError(
            f"image {context.role}: no template says which version of Packer it wants",
            file=sources[0] if sources else None,
            remedy='add a file packer.pkr.hcl to packer/ with: packer { required_version = "= 1.15.0" }',
        )
    if len(packer) > 1:
        said = " and ".join(f"{version} ({path.name})" for version, path in packer.items())
        raise ConfigError(f"image {context.role}: the templates want Packer {said}", remedy="settle on one version")
    return Requirements(next(iter(packer)), tuple(sorted(plugins.values(), key=lambda plugin: plugin.source)))


def _read(text: str, path: Path, plugins: dict[str, Plugin]) -> list[str]:
    """Packer versions in one template; its plugins are added to `plugins`."""
    blocks = [_COMMENT.sub(lambda found: found[1] or " ", found["body"]) for found in _BLOCK.finditer(text)]
    if not blocks:
        raise ConfigError("its `packer` block is not laid out as usual", file=path, remedy="run: packer fmt")
    versions = []
    for block in blocks:
        for listing in _PLUGINS.finditer(block):
            for found in _PLUGIN.finditer(listing["body"]):
                plugin = _plugin(found["name"], found["body"], path)
                other = plugins.setdefault(plugin.source, plugin)
                if other.version != plugin.version:
                    raise ConfigError(
                        f"plugin {plugin.source} is required as {other.version} and as {plugin.version}",
                        file=path,
                        remedy="settle on one version",
                    )
        rest = _PLUGINS.sub("", block)
        versions += [
            _exact(found["value"], "required_version", path)
            for found in _ATTRIBUTE.finditer(rest)
            if found["key"] == "required_version"
        ]
    return versions


def _plugin(name: str, body: str, path: Path) -> Plugin:
    attributes = {found["key"]: found["value"] for found in _ATTRIBUTE.finditer(body)}
    missing = [key for key in ("source", "version") if not attributes.get(key)]
    if missing:
        raise ConfigError(
            f"required_plugins.{name} has no {' and no '.join(missing)}",
            file=path,
            remedy='write source = "github.com/…" and version = "= X.Y.Z", each on its own line',
        )
    return Plugin(name, attributes["source"], _exact(attributes["version"], f"required_plugins.{name}.version", path))


def _exact(constraint: str, key: str, path: Path) -> str:
    found = _EXACT.match(constraint)
    if found is None:
        raise ConfigError(
            f'{key} is "{constraint}", which does not name one version',
            file=path,
            remedy=f'pin it, such as {key.rpartition(".")[2]} = "= 1.15.0": the version is part of the fingerprint',
        )
    return found["version"]
