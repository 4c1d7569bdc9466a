"""The mirror's image: the stock machine with nginx, a registry, and all that they serve; made once, kept by the engine.

Its tag changes with the recipe, the stock machine and every byte that is served. Knows nothing of clouds.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from docker import DockerClient
from docker.models.containers import Container

from bakewell.clouds.docker.api import remove_container
from bakewell_local.sandbox.machines import base_image, making
from bakewell_local.sandbox.machines.making import Progress, archive
from bakewell_local.sandbox.mirror import placeholders
from bakewell_local.sandbox.mirror.releases import Packed
from bakewell_local.toolchain import folders

RECIPE = Path(__file__).parent / "recipe"
WHAT = "mirror image"
REPOSITORY = "bakewell/mirror"
_FILES, _REGISTRY = "srv/mirror/files", "srv/mirror/registry"
_START = "/usr/local/bin/mirror"


def tag(packed: Iterable[Packed]) -> str:
    """The image's tag."""
    digest = hashlib.sha256(base_image.tag().encode())
    for files in (making.files(RECIPE), placeholders.recipe()):
        for name, content in files.items():
            digest.update(f"\n{name} {hashlib.sha256(content).hexdigest()}".encode())
    digest.update(repr((placeholders.PLACEHOLDERS, placeholders.PRIVATE)).encode())
    for one in packed:
        digest.update(f"\n{one.url} {one.sha256} {sorted(one.sums.items())}".encode())
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def ensure(packed: list[Packed], progress: Progress) -> str:
    """Makes the image unless the engine has it, and returns its tag.

    Takes about ten seconds, after the base machine image. Safe when several processes call it at once: the others
    wait. What an interrupted call left is removed by the next.

    Raises:
        MachineError: Docker unreachable, disk full, or no packages to be had.
    """
    name = tag(packed)

    def make(client: DockerClient) -> None:
        base = base_image.ensure(progress)
        container = f"bakewell-mirror-{name.rpartition(':')[2]}"
        remove_container(client, container)  # of a killed run: the lock is ours
        with making.built(client, base, container, making.files(RECIPE), WHAT, progress) as built:
            progress(f"{WHAT}: filling it")
            _fill(built, packed)
            repository, _, version = name.rpartition(":")
            changes = [f'CMD ["{_START}"]', "EXPOSE 443 5443"]
            client.api.commit(str(built.id), repository=repository, tag=version, changes=changes)

    return making.ensure(name, WHAT, _lock(), progress, make)


def remove() -> None:
    """Removes the image, in all its versions, from the engine, unless a local cloud may need it.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    making.remove_unused(REPOSITORY, WHAT, _lock(), lambda client: None)


def _fill(container: Container, packed: list[Packed]) -> None:
    registry = placeholders.storage(_read(container, "/bin/busybox"))
    small = {f"{_REGISTRY}/{path}": content for path, content in registry.items()}
    for one in packed:
        small |= {f"{_FILES}/{path}": content for path, content in one.sums.items()}
    container.put_archive("/", archive({**small, **_missing(packed)}))
    for one in packed:
        _put_file(container, f"{_FILES}/{one.url}", one.file)


def _missing(packed: list[Packed]) -> dict[str, bytes]:
    """What is said about everything else, to a person and to a container engine."""
    urls = [f"https://{url}" for one in packed for url in (one.url, *one.sums)]
    images = [one.reference for one in placeholders.PLACEHOLDERS]
    text = "\n  ".join(["The local cloud's mirror has no such file. It has:", *urls]) + "\n"
    private = f"{placeholders.PRIVATE.reference} for those who log in to {placeholders.PRIVATE_REGISTRY}"
    has = f"the local cloud's mirror only has {' and '.join(images)}, and {private}"
    unknown = {"code": "MANIFEST_UNKNOWN", "message": has}
    stranger = {"code": "UNAUTHORIZED", "message": "authentication required"}
    return {
        "srv/mirror/missing.txt": text.encode(),
        "srv/mirror/missing.json": json.dumps({"errors": [unknown]}).encode(),
        "srv/mirror/refused.json": json.dumps({"errors": [stranger]}).encode(),
    }


def _read(container: Container, path: str) -> bytes:
    chunks, _ = container.get_archive(path)
    with tempfile.TemporaryFile() as file:
        file.writelines(chunks)
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            content = tar.extractfile(tar.getmembers()[0])
            assert content is not None, path
            return content.read()


def _put_file(container: Container, path: str, source: Path) -> None:
    """Put one large file in, without holding it in memory."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar, source.open("rb") as content:
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = source.stat().st_size, 0o644
            tar.addfile(entry, content)
        file.seek(0)
        container.put_archive("/", file)


def _lock() -> Path:
    folder = folders.cache() / "mirror"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "image.lock"
