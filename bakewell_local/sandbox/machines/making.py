"""What making an image takes, whichever it is: one maker at a time, a recipe run in a container, the tools' talk as
lines, few of them passed on.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from docker import DockerClient
from docker.models.containers import Container
from filelock import FileLock, Timeout

from bakewell.cleanup import followed_by
from bakewell_local.sandbox.machines.engine import LABEL, connect, plain_errors
from bakewell_local.sandbox.machines.errors import MachineError

Progress = Callable[[str], None]
OURS = {LABEL: "machine"}  # of images that all clouds share, and of what is there while they are made
_LAST = 15  # lines of a failed tool that its error shows
_SELDOM = 2.0  # seconds between lines that are passed on


def present(client: DockerClient, name: str) -> bool:
    """Whether the engine has the image."""
    return bool(client.images.list(name))


def ensure(name: str, what: str, lock_file: Path, progress: Progress, make: Callable[[DockerClient], None]) -> str:
    """Has the engine have the image, by `make` where it has not; its name. Of several processes one makes it.

    Raises:
        MachineError: Docker unreachable, disk full, or what `make` raises.
    """
    with plain_errors(f"making the {what}"), closing(connect()) as client:
        if not present(client, name):
            with alone(lock_file, what, progress):
                if not present(client, name):
                    make(client)
    return name


def remove_unused(repository: str, what: str, lock_file: Path, before: Callable[[DockerClient], None]) -> None:
    """Removes the image in all its versions, after `before`; nothing while any local cloud has a machine, a snapshot or
    a mirror, for those may rest on it.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    with plain_errors(f"removing the {what}"), closing(connect()) as client:
        containers = client.api.containers(all=True, filters={"label": LABEL})
        images = client.api.images(filters={"label": LABEL})
        if any(one["Labels"][LABEL] != OURS[LABEL] for one in [*containers, *images]):
            return
        with alone(lock_file, what, lambda line: None):
            before(client)
            for image in client.images.list(repository):
                for name in image.tags:
                    if name.startswith(f"{repository}:"):
                        client.images.remove(name, force=True)


def files(folder: Path) -> dict[str, bytes]:
    """A recipe's files, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@contextmanager
def alone(lock_file: Path, what: str, progress: Progress) -> Iterator[None]:
    """Hold the lock while the block runs; says so before it waits for another process."""
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{what}: waiting for another process that makes it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def built(
    client: DockerClient, image: str, name: str, recipe: dict[str, bytes], what: str, progress: Progress
) -> Iterator[Container]:
    """A container of the image in which the recipe's install.sh has run; removed at the end.

    Raises:
        MachineError: it failed; its last lines are in the message.
    """
    command = ["/bin/sh", "/tmp/recipe/install.sh"]
    container = client.containers.create(image, command, detach=True, labels=OURS, name=name)
    with followed_by(lambda: container.remove(force=True, v=True)):
        container.put_archive("/tmp", archive({f"recipe/{path}": content for path, content in recipe.items()}))
        container.start()
        last = told(container.logs(stream=True, follow=True), what, progress)
        if code := container.wait()["StatusCode"]:
            raise MachineError(f"making the {what}: install.sh failed ({code}):\n" + "\n".join(last))
        yield container


def archive(files: dict[str, bytes], *, mode: int = 0o644) -> bytes:
    """A tar archive of small files, by path; the same bytes for the same files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def told(chunks: Iterable[bytes], what: str, progress: Progress) -> list[str]:
    """Passes on what a tool prints, one line in two seconds, for some print hundreds; its last lines."""
    last: list[str] = []
    said = time.monotonic()
    for line in _lines(chunks):
        last = [*last[1 - _LAST :], line]
        if time.monotonic() - said >= _SELDOM:
            said = time.monotonic()
            progress(f"{what}: {line}")
    return last


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream, without the empty ones."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace").rstrip()
