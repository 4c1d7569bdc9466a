"""The mirror's image: the stock machine with nginx, a registry, and all that they serve; made once, kept by the engine.

Its tag changes with the recipe, the stock machine and every byte that is served. Knows nothing of clouds.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from bakewell.cleanup import followed_by
from sandbox.machines import base_image
from sandbox.machines.engine import LABEL, connect, plain_errors
from sandbox.machines.making import Progress, alone, archive, present, run_recipe
from sandbox.mirror import placeholders
from sandbox.mirror.releases import Packed
from toolchain import folders

RECIPE = Path(__file__).parent / "recipe"
WHAT = "mirror image"
REPOSITORY = "bakewell/mirror"
_FILES, _REGISTRY = "srv/mirror/files", "srv/mirror/registry"
_START = "/usr/local/bin/mirror"


def tag(packed: Iterable[Packed]) -> str:
    """The image's tag."""
    digest = hashlib.sha256(base_image.tag().encode())
    for files in (_recipe(), placeholders.recipe()):
        for name, content in files.items():
            digest.update(f"\n{name} {hashlib.sha256(content).hexdigest()}".encode())
    digest.update(repr(placeholders.PLACEHOLDERS).encode())
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
    with plain_errors(f"making the {WHAT}"), closing(connect()) as client:
        if present(client, name):
            return name
        base = base_image.ensure(progress)
        with alone(_lock(), WHAT, progress):
            if not present(client, name):
                _make(client, base, name, packed, progress)
    return name


def remove() -> None:
    """Removes the image, in all its versions, from the engine.

    Does nothing while any local cloud has a machine, a snapshot or a mirror.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    with plain_errors(f"removing the {WHAT}"), closing(connect()) as client:
        containers = client.api.containers(all=True, filters={"label": LABEL})
        images = client.api.images(filters={"label": LABEL})
        if any(one["Labels"][LABEL] != base_image.OURS[LABEL] for one in [*containers, *images]):
            return
        with alone(_lock(), WHAT, lambda line: None):
            for image in client.images.list(REPOSITORY):
                for name in image.tags:
                    client.images.remove(name, force=True)


def _make(client: DockerClient, base: str, name: str, packed: list[Packed], progress: Progress) -> None:
    making = f"bakewell-mirror-{name.rpartition(':')[2]}"
    with suppress(NotFound):  # of a killed run: the lock is ours
        client.api.remove_container(making, force=True, v=True)
    container = client.containers.create(
        base, ["/bin/sh", "/tmp/recipe/install.sh"], detach=True, labels=base_image.OURS, name=making
    )
    with followed_by(lambda: container.remove(force=True, v=True)):
        container.put_archive("/tmp", archive({f"recipe/{path}": content for path, content in _recipe().items()}))
        run_recipe(container, WHAT, progress)
        progress(f"{WHAT}: filling it")
        registry = placeholders.storage(_read(container, "/bin/busybox"))
        small = {f"{_REGISTRY}/{path}": content for path, content in registry.items()}
        for one in packed:
            small |= {f"{_FILES}/{path}": content for path, content in one.sums.items()}
        container.put_archive("/", archive({**small, **_missing(packed)}))
        for one in packed:
            _put_file(container, f"{_FILES}/{one.url}", one.file)
        repository, _, version = name.rpartition(":")
        client.api.commit(
            str(container.id), repository=repository, tag=version, changes=[f'CMD ["{_START}"]', "EXPOSE 443"]
        )


def _missing(packed: list[Packed]) -> dict[str, bytes]:
    """What is said about everything else, to a person and to a container engine."""
    urls = [f"https://{url}" for one in packed for url in (one.url, *one.sums)]
    images = [one.reference for one in placeholders.PLACEHOLDERS]
    text = "\n  ".join(["The local cloud's mirror has no such file. It has:", *urls]) + "\n"
    refused = {"code": "MANIFEST_UNKNOWN", "message": f"the local cloud's mirror only has {' and '.join(images)}"}
    return {
        "srv/mirror/missing.txt": text.encode(),
        "srv/mirror/missing.json": json.dumps({"errors": [refused]}).encode(),
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


def _recipe() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(RECIPE.iterdir()) if path.is_file()}
