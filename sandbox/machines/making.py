"""What making an image takes, whichever it is: one maker at a time, the tools' talk as lines, few of them passed on."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound
from docker.models.containers import Container
from filelock import FileLock, Timeout

from sandbox.machines.errors import MachineError

Progress = Callable[[str], None]
_LAST = 15  # lines of a failed tool that its error shows


def present(client: DockerClient, name: str) -> bool:
    """Whether the engine has the image."""
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


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


def run_recipe(container: Container, what: str, progress: Progress) -> None:
    """Run a container whose command is a recipe to its end.

    Raises:
        MachineError: it failed; its last lines are in the message.
    """
    container.start()
    last: list[str] = []
    say = seldom(progress)
    for line in lines(container.logs(stream=True, follow=True)):
        last = [*last[1 - _LAST :], line]
        say(f"{what}: {line}")
    code = container.wait()["StatusCode"]
    if code:
        raise MachineError(f"making the {what}: install.sh failed ({code}):\n" + "\n".join(last))


def archive(files: dict[str, bytes], *, mode: int = 0o644) -> bytes:
    """A tar archive of small files, by path; the same bytes for the same files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream, without the empty ones."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace").rstrip()


def seldom(progress: Progress, seconds: float = 2.0) -> Progress:
    """Passes on one line in so many seconds, for tools that print hundreds."""
    last = time.monotonic()

    def say(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            progress(line)

    return say
