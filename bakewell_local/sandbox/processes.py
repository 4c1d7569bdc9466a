"""Processes that work with a local cloud: found by what they were started with, whoever their parent is by now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from bakewell_local.toolchain.processes import alive

VARIABLES = ("BAKEWELL_STATE", "PULUMI_HOME")
"""Either of them names a folder of a local cloud. A test may have a build state of its own, but not a Pulumi home."""


def using(folder: Path) -> list[psutil.Process]:
    """Pulumi with its language hosts and plugins, Packer and `bakewell`, of the local clouds in `folder`.

    A real provider plugin outlives an engine that was killed by many minutes. Its executable is a file of the user's
    own Pulumi home, so that says nothing: the environment does, and the user's other plugins have another one. Shells
    and editors with that environment, this process and its parents are not among them.
    """
    me = psutil.Process()
    spared = {me.pid, *(process.pid for process in me.parents())}
    return [process for process in _of(folder.resolve()) if process.pid not in spared]


def _of(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            inside = any(Path(environment[name]).is_relative_to(folder) for name in VARIABLES if name in environment)
            if inside and alive(process) and (_is_tool(process.name()) or _is_ours(process.cmdline())):
                yield process
        except psutil.Error:
            continue  # it ended meanwhile, or is another user's


def orphaned_plugins(pulumi_home: Path, *names: str) -> list[psutil.Process]:
    """The provider plugins of a Pulumi home whose engine is gone: nobody hears of what they still make.

    Args:
        pulumi_home: a local cloud's.
        names: which providers' plugins.
    """
    wanted = {str(pulumi_home / "plugins" / f"resource-{name}-v") for name in names}
    found = []
    for process in using(pulumi_home):
        try:
            words, parent = process.cmdline(), process.parent()
            # The engine starts a plugin by its path in the home; a stand-in then becomes a Python.
            is_wanted = any(words[0].startswith(prefix) for prefix in wanted) or any(
                f"bakewell_local.sandbox.providers.{name} " in word for name in names for word in words
            )
            if is_wanted and (parent is None or not parent.name().startswith("pulumi")):
                found.append(process)
        except (psutil.Error, IndexError):
            continue
    return found


def _is_tool(name: str) -> bool:
    return name.startswith(("pulumi", "packer"))


def _is_ours(words: list[str]) -> bool:
    """True for the `bakewell` command, Pulumi's Python host and a stand-in: a Python interpreter runs each of them."""
    if not words or words[0].endswith("sh"):
        return False
    programs = [Path(word).name for word in words[:3]]
    return (
        "bakewell" in programs[:2]
        or any(name.startswith("pulumi-language-") for name in programs)
        or any("from bakewell_local.sandbox.providers." in word for word in words[:4])
    )
