"""The secrets of a build: image.toml has their names, the environment their values; a fingerprint has the names alone.

They go to the build in one variable of its environment, never in a file or an argument. packer/secret_search.py looks
for them on the sealed disk, in every form that is listed here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bakewell.catalog import ImageSpec
from bakewell.errors import ConfigError
from bakewell.masks import SHORTEST, forms

VARIABLE = "BUILD_SECRETS"
"""A list of JSON in the order of the staged image.toml's `secrets`: each a list, the value and then its forms."""


def unset(spec: ImageSpec, environ: Mapping[str, str]) -> list[str]:
    """The secrets of the image that the environment has no value for, by name."""
    return sorted(name for name in spec.secrets if not environ.get(name, "").strip())


def for_build(spec: ImageSpec, environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment of the image's build has for its secrets; {} where it has none.

    Raises:
        ConfigError: one is not set, or too short to be told from other text.
    """
    for name in unset(spec, environ):
        raise ConfigError(
            f"image {spec.role}: its secret {name} is not set: {spec.secrets[name]}",
            file=spec.file,
            remedy=f"set the variable {name} in the environment of this command",
        )
    found = []
    for name in sorted(spec.secrets):
        value = environ[name].strip()
        texts = forms(value)
        if len(value) < SHORTEST or not texts:
            raise ConfigError(
                f"image {spec.role}: its secret {name} has fewer than {SHORTEST} characters, and could neither be "
                "masked in logs nor be looked for on the disk",
                file=spec.file,
                remedy="use a longer one",
            )
        found.append([value, *texts])
    return {VARIABLE: json.dumps(found)} if found else {}
