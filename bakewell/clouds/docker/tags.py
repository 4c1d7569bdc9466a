"""Identity and flags as Docker has them: labels, and what stands behind a repository's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakewell.image import NAMESPACE, Identity


def texts(labels: Mapping[str, str] | None) -> list[str]:
    """Labels as tags are written elsewhere."""
    ours = {key: value for key, value in (labels or {}).items() if key.startswith(f"{NAMESPACE}:")}
    return [f"{key}:{value}" if value else key for key, value in ours.items()]


def repository(identity: Identity) -> str:
    """Where the repository tags of an image are."""
    return f"{NAMESPACE}/{identity.project}/{identity.role}"


def version(run: str, text: str) -> str:
    """What stands for one of our tags behind the repository's name."""
    return f"{run}.{text.removeprefix(f'{NAMESPACE}:').replace(':', '.')}"


def bare(digest: str) -> str:
    """An ID as Packer's manifest is read, and as every command of Docker takes it."""
    return digest.removeprefix("sha256:")


def short(digest: str) -> str:
    """An ID for people."""
    return bare(digest)[:12]


def called(names: Sequence[str] | None) -> str:
    """The first name of a container of a list, or of an image; "-" for one without any."""
    return [*(names or ()), "-"][0].removeprefix("/")
