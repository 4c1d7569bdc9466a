"""Tags as `bakewell.image` spells them, and as AWS has them: a key and a value."""

from __future__ import annotations

from collections.abc import Sequence

from bakewell.clouds.aws.answers.base import Tag
from bakewell.image import IMPORTED, NAMESPACE, READY, REVOKED

_FLAGS = (IMPORTED, READY, REVOKED)


def texts(tags: Sequence[Tag]) -> tuple[str, ...]:
    """Key and value with a colon between, or the key alone where there is no value; sorted.

    A flag of ours is one whatever value it was given: a revocation by hand must not fail for `=true`. Not
    `bakewell:managed`, which lets an image be deleted: `=false` must not.
    """
    split = ((tag.key, tag.value) for tag in tags)
    return tuple(sorted(f"{key}:{value}" if value and key not in _FLAGS else key for key, value in split))


def pairs(tags: Sequence[str]) -> list[dict[str, str]]:
    """`bakewell:role:web` as `bakewell:role` = `web`, a flag with an empty value: as requests take them.

    Only tags of ours: of others nobody can tell where the key ends.
    """
    split = (text.split(":", 2) for text in tags if text.startswith(f"{NAMESPACE}:"))
    found = {f"{parts[0]}:{parts[1]}": parts[2] if len(parts) > 2 else "" for parts in split}
    return [{"Key": key, "Value": value} for key, value in sorted(found.items())]
