"""bootstrap.yaml: the user_data of the machine that builds an image, checked before anything is built.

A mistake in it would show as a machine that nobody can log in to, ten minutes later.
"""

from __future__ import annotations

from pathlib import Path

from bakewell.errors import ContextError
from bakewell.reading import from_yaml, read_text
from bakewell.secret_shapes import secret_content


def check_bootstrap(path: Path, role: str, cloud: str) -> None:
    """Check the file at `path`.

    Raises:
        ContextError: larger than the cloud takes, neither cloud-config nor a script, no YAML, or a secret anywhere in
            it: every process of the machine can read its user_data.
    """
    from bakewell.user_data import LIMITS  # Here, because few images have such a file.

    what = f"image {role}: the builder's user_data"
    text = read_text(path, what)
    size, limit = len(text.encode()), LIMITS[cloud]
    if size > limit:
        remedy = "do in deploy.py whatever can wait until Packer has logged in"
        raise ContextError(f"{what} is {size} bytes, and {cloud} takes {limit}", file=path, remedy=remedy)
    if kind := secret_content(text.encode()):
        remedy = "take it out; a builder needs no secret before Packer logs in"
        raise ContextError(f"{what} holds {kind}", file=path, remedy=remedy)
    first = text.partition("\n")[0].rstrip()
    if first != "#cloud-config" and not first.startswith("#!"):
        remedy = "begin it with the line #cloud-config, or with #! for a script"
        raise ContextError(
            f"{what} begins with {first[:40]!r}, which cloud-init would ignore", file=path, remedy=remedy
        )
    if first == "#cloud-config":
        _check_yaml(text, path, what)


def _check_yaml(text: str, path: Path, what: str) -> None:
    if not isinstance(from_yaml(text, path, what), dict):
        raise ContextError(f"{what} is no mapping", file=path, remedy="write keys of cloud-config below its first line")
