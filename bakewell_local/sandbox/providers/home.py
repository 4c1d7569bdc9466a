"""Gives a Pulumi home of the local cloud its provider plugins: the user's real ones, or else the stand-ins.

Pulumi finds a plugin in its home without asking the network. It skips an entry of `plugins/` that is no directory, a
link to a directory included, and a directory with a `.partial` file beside it, whose download was never completed. So
each plugin gets a directory with nothing in it but the program, which is a link where the plugin is a real one. Only
`plugins/resource-<name>-v<version>` of the given home is touched, and nothing of the user's home.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bakewell.errors import BakewellError
from bakewell_local.sandbox.providers.versions import PLUGINS

_MARK = "stand-in of a Bakewell local cloud"
_REPOSITORY = Path(__file__).resolve().parents[3]


def install(pulumi_home: Path, *, user_home: Path | None = None) -> dict[str, str]:
    """Lay out the plugins in `pulumi_home`; may be repeated, and follows what the user's home holds by then.

    Args:
        pulumi_home: the local cloud's own Pulumi home; made where it is missing.
        user_home: where to look for real plugins; by default `$PULUMI_HOME`, unless that is a local cloud's, else
            `~/.pulumi`.

    Returns:
        What is in force for each plugin: "real plugin v1.2.1 from …" or "stand-in v1.2.1"; for a plugin on PATH, which
        Pulumi prefers to those of its home, that path.

    Raises:
        BakewellError: both homes are the same folder.
    """
    source = (user_home or _user_home(pulumi_home)).absolute()
    plugins = pulumi_home / "plugins"
    if plugins.is_symlink():  # somebody's own plugins, perhaps: their files are not ours to replace
        plugins.unlink()
    plugins.mkdir(parents=True, exist_ok=True)
    if plugins.resolve() == (source / "plugins").resolve():
        raise BakewellError(
            "the local cloud's Pulumi home is the user's own, whose plugins are left alone",
            file=pulumi_home,
            remedy="remove that link; a folder is made in its place",
        )
    in_force = {}
    for name, version in PLUGINS.items():
        target = plugins / f"resource-{name}-v{version}"
        real = source / "plugins" / target.name
        if _is_real(real, name):
            _lay_out(target / _binary(name), (real / _binary(name)).resolve())
            in_force[name] = f"real plugin v{version} from {(real / _binary(name)).resolve().parent}"
        else:
            _lay_out(target / _binary(name), _launcher(name))
            in_force[name] = f"stand-in v{version}{_why(real, name, version)}"
        if ambient := shutil.which(_binary(name)):
            in_force[name] = f"{ambient}, because it is on PATH"
    return in_force


def real_plugins() -> list[str]:
    """Which providers' real plugins the user's Pulumi home holds, at the pinned versions."""
    plugins = _user_home(None) / "plugins"
    return [name for name, version in PLUGINS.items() if _is_real(plugins / f"resource-{name}-v{version}", name)]


def _user_home(pulumi_home: Path | None) -> Path:
    given = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    own = pulumi_home is not None and given.resolve() == pulumi_home.resolve()
    return Path.home() / ".pulumi" if own or _of_a_local_cloud(given) else given


def _of_a_local_cloud(home: Path) -> bool:
    return any(
        _is_stand_in(home / "plugins" / f"resource-{name}-v{version}" / _binary(name))
        for name, version in PLUGINS.items()
    )


def _binary(name: str) -> str:
    return f"pulumi-resource-{name}"


def _partial(folder: Path) -> Path:
    """What Pulumi keeps beside a plugin's folder until its download is complete."""
    return folder.with_name(f"{folder.name}.partial")


def _is_real(folder: Path, name: str) -> bool:
    binary = folder / _binary(name)
    whole = binary.is_file() and os.access(binary, os.X_OK) and not _partial(folder).exists()
    return whole and not _is_stand_in(binary)


def _is_stand_in(binary: Path) -> bool:
    """A home may be that of another local cloud, whose stand-in is not the real thing."""
    if not binary.is_file():
        return False
    with binary.open("rb") as file:
        return _MARK.encode() in file.read(1024)


def _why(real: Path, name: str, version: str) -> str:
    """Why a plugin that the user has is not taken; empty where there is none."""
    if _partial(real).exists():
        return f" ({real} is not complete: run `pulumi plugin install resource {name} {version}`)"
    others = sorted(_other_versions(real, name)) if real.parent.is_dir() else []
    if others:
        return f" ({real.parent} has {', '.join(others)}, but the SDK asks for v{version})"
    return ""


def _other_versions(real: Path, name: str) -> Iterator[str]:
    for folder in real.parent.iterdir():
        found = re.fullmatch(rf"resource-{name}-(v\d.*)", folder.name)
        if found and folder != real and _is_real(folder, name):
            yield found[1]


def _launcher(name: str) -> str:
    """A shell script that becomes this Python, whatever the working directory, the PATH or PYTHON* variables are."""
    module = f"bakewell_local.sandbox.providers.{name}"
    start = f"import sys; sys.path.insert(0, {str(_REPOSITORY)!r}); from {module} import main; main()"
    command = shlex.join([sys.executable, "-I", "-c", start])
    return f'#!/bin/sh\n# The {_MARK}.\nexec {command} "$@"\n'


def _lay_out(program: Path, content: Path | str) -> None:
    """Make the folder of `program` hold exactly that: a link for a path, a script for a text.

    A running engine never meets half a program, and nothing is written through a link that was there before.
    """
    target = program.parent
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        target.unlink()
    target.mkdir(exist_ok=True)
    fresh = target / f".{program.name}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    if isinstance(content, Path):
        fresh.symlink_to(content)
    else:
        fresh.write_text(content)
        fresh.chmod(0o755)
    fresh.replace(program)
    for entry in target.iterdir():
        if entry != program and not entry.name.startswith("."):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    _partial(target).unlink(missing_ok=True)
