"""Gives a Pulumi home of the local cloud its provider plugins: the user's real ones, or else the stand-ins.

Pulumi finds a plugin in its home without asking the network. Only `plugins/resource-<name>-v<version>` of the given
home is touched.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from sandbox.providers.versions import PLUGINS

_MARK = "stand-in of a Bakewell local cloud"
_REPOSITORY = Path(__file__).resolve().parents[2]


def install(pulumi_home: Path, *, user_home: Path | None = None) -> dict[str, str]:
    """Lay out the plugins in `pulumi_home`; may be repeated, and follows what the user's home holds by then.

    Args:
        pulumi_home: the local cloud's own Pulumi home; made where it is missing.
        user_home: where to look for real plugins; by default `$PULUMI_HOME`, unless that is `pulumi_home` itself, else
            `~/.pulumi`.

    Returns:
        What is in force for each plugin: "real plugin v1.2.1 from …" or "stand-in v1.2.1".
    """
    source = (user_home or _user_home(pulumi_home)).resolve()
    plugins = pulumi_home / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    in_force = {}
    for name, version in PLUGINS.items():
        folder = f"resource-{name}-v{version}"
        real = source / "plugins" / folder
        target = plugins / folder
        if _is_real(real / f"pulumi-resource-{name}"):
            _link(target, real)
            in_force[name] = f"real plugin v{version} from {real}"
        else:
            _launcher(target, name)
            in_force[name] = f"stand-in v{version}"
    return in_force


def _user_home(pulumi_home: Path) -> Path:
    given = os.environ.get("PULUMI_HOME")
    if given and Path(given).resolve() != pulumi_home.resolve():
        return Path(given)
    return Path.home() / ".pulumi"


def _is_real(binary: Path) -> bool:
    """A home may be that of another local cloud, whose stand-in is not the real thing."""
    if not os.access(binary, os.X_OK) or binary.is_dir():
        return False
    with binary.open("rb") as file:
        return _MARK.encode() not in file.read(1024)


def _link(target: Path, real: Path) -> None:
    if target.is_symlink() and target.resolve() == real.resolve():
        return
    _remove(target)
    target.symlink_to(real, target_is_directory=True)


def _launcher(target: Path, name: str) -> None:
    """A shell script that becomes this Python, whatever the working directory, the PATH or PYTHON* variables are."""
    start = f"import sys; sys.path.insert(0, {str(_REPOSITORY)!r}); from sandbox.providers.{name} import main; main()"
    command = shlex.join([sys.executable, "-I", "-c", start])
    text = f'#!/bin/sh\n# The {_MARK}.\nexec {command} "$@"\n'
    file = target / f"pulumi-resource-{name}"
    if target.is_symlink():
        _remove(target)
    target.mkdir(exist_ok=True)
    if not file.is_file() or file.read_text() != text:
        # Written beside it and renamed: a running engine must never meet half a file.
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(file)


def _remove(target: Path) -> None:
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
