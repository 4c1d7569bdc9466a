"""Several images of one folder: `[variants]` in its image.toml.

    [variants]
    web = { node_type = "web" }
    worker = { node_type = "worker", parent = "docker", versions = { nodejs = "20.5.0" } }

In the folder `node` these are the images `node-web` and `node-worker`. The folder's own name is then no image. What a
variant says are variables, besides `parent` (or `base`) and `versions`; it takes the place of what the file says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from bakewell.errors import ConfigError

KEY = "variants"
_ORIGIN = ("parent", "base")
_REPLACED = (*_ORIGIN, "versions")
"""The keys of image.toml that a variant may say; what else it says are variables."""


def images(
    role: str, table: Mapping[str, Any], keys: Collection[str], file: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each image of the folder `role`: its role, and image.toml as it is for this image.

    Args:
        table: image.toml as it was read, not checked so far.
        keys: every key that image.toml may have, none of which can be a variable's name here.

    Raises:
        ConfigError: `variants` is no table of tables, or is empty; or a variant says another key of image.toml.
    """
    if KEY not in table:
        yield role, dict(table)
        return
    variants, rest = table[KEY], {key: value for key, value in table.items() if key != KEY}
    if not isinstance(variants, dict) or not variants or not all(isinstance(one, dict) for one in variants.values()):
        raise ConfigError(
            f"image {role}: `{KEY}` is no table of variants",
            file=file,
            remedy='write each as a table: web = { node_type = "web" }; or remove [variants]',
        )
    for name, own in variants.items():
        if wrong := sorted(own.keys() & set(keys) - set(_REPLACED)):
            raise ConfigError(
                f"image {role}: `{KEY}.{name}` says `{wrong[0]}`, which is no variable",
                file=file,
                remedy=f"a variant says variables, `parent` or `base`, and `versions`: say `{wrong[0]}` above [{KEY}]",
            )
        yield f"{role}-{name}", _laid_over(rest, own)


def _laid_over(rest: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    found = dict(rest)
    origin = {key: own[key] for key in _ORIGIN if key in own}
    if origin:
        found = {key: value for key, value in found.items() if key not in _ORIGIN} | origin
    variables = {key: value for key, value in own.items() if key not in _REPLACED}
    for key, values in (("variables", variables), ("versions", own.get("versions", {}))):
        below = found.get(key, {})
        if values or key in found:  # what is no table is refused by the check that follows
            found[key] = below | values if isinstance(below, dict) and isinstance(values, dict) else values
    return found
