"""What changed between two property maps, as paths: `triggers[1]`, `environment.PATH`, `triggers[1]["a/b.txt"]`.

This is the comparison of Pulumi's own SDK, which the real `command` plugin uses: lists are compared by position, a
secret and the same value in the open differ, and so do a known and an unknown value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Kind = Literal["ADD", "DELETE", "UPDATE"]
Path = tuple[str | int, ...]


def changes(old: Mapping[str, Any], new: Mapping[str, Any], *, blanks: bool = True) -> dict[str, Kind]:
    """Every difference by its path; empty where there is none. Without `blanks`, "", 0, false and nothing are one."""
    found: dict[str, Kind] = {}
    _compare_maps((), old, new, found, blanks)
    return found


def _compare_maps(
    path: Path, old: Mapping[str, Any], new: Mapping[str, Any], found: dict[str, Kind], blanks: bool
) -> None:
    for key in [*old, *(key for key in new if key not in old)]:
        _compare((*path, key), old.get(key), new.get(key), found, blanks)


def _compare(path: Path, old: Any, new: Any, found: dict[str, Kind], blanks: bool) -> None:
    if not blanks and not old and not new:
        return
    if isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                found[spell((*path, index))] = "ADD"
            elif index >= len(new):
                found[spell((*path, index))] = "DELETE"
            else:
                _compare((*path, index), old[index], new[index], found, blanks)
    elif isinstance(old, dict) and isinstance(new, dict):
        _compare_maps(path, old, new, found, blanks)
    elif not same(old, new):
        found[spell(path)] = "ADD" if old is None else "DELETE" if new is None else "UPDATE"


def same(old: Any, new: Any) -> bool:
    """Deep equality, except that true is not 1."""
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    return bool(old == new)


def top(path: str) -> str:
    """The property that a path begins with."""
    return path.replace("[", ".").split(".")[0]


def spell(path: Sequence[str | int]) -> str:
    """A property path as the engine reads it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"\w+", part, re.ASCII):
            text += f".{part}" if text else part
        else:
            escaped = part.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text
