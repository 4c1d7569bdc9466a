"""Reading files once: a SHA-256 of each, a look for secrets at its head, and, when staging, a copy.

Large sets are read by a few threads, because hashlib lets other threads run meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakewell.context.walk import Found
from bakewell.errors import ContextError
from bakewell.secret_shapes import HEAD, secret_content

_BUFFER = 256 * 1024
_THREADS_FROM = 4_000_000  # bytes; below that starting threads costs more than it saves
_local = threading.local()


@dataclass(frozen=True, slots=True)
class File:
    """A file of a context.

    Attributes:
        path: where it goes in the context: relative, with `/`.
        executable: whether it is staged as 0755 or 0644.
        digest: SHA-256 of its content, 64 hex digits.
        size: bytes.
        source: where it is now; None for one that Bakewell generates.
        content: what is generated; None for one that is read from `source`.
    """

    path: str
    executable: bool
    digest: str
    size: int
    source: Path | None = None
    content: bytes | None = None


def hash_files(found: Iterable[Found]) -> dict[str, str]:
    """The digest of each source (64 hex digits), by source path.

    Raises:
        ContextError: a file cannot be read, or its head looks like a secret.
    """
    todo = {one.source: one for one in found}
    if sum(one.size for one in todo.values()) < _THREADS_FROM or len(todo) == 1:
        return {source: digest(one) for source, one in todo.items()}
    from concurrent.futures import ThreadPoolExecutor  # Here: it takes 12 ms, and small contexts do without.

    # The largest first and dealt out in turn, so that no thread is left with one big file at the end.
    ordered = sorted(todo.values(), key=lambda one: -one.size)
    workers = min(8, (os.cpu_count() or 1) + 1)
    hands = [ordered[start :: workers * 8] for start in range(min(workers * 8, len(ordered)))]
    digests: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for hand, results in zip(hands, pool.map(_digests, hands), strict=True):
            digests.update((one.source, result) for one, result in zip(hand, results, strict=True))
    return digests


def _digests(found: Sequence[Found]) -> list[str]:
    return [digest(one) for one in found]


def digest(one: Found) -> str:
    """SHA-256 of the file's content. Raises ContextError where it cannot be read or its head looks like a secret."""
    return _read(one.source, one.path, None)


def copy(file: File, target: Path) -> None:
    """Write the file to `target`, as mode 0644 or 0755.

    Raises:
        ContextError: its source cannot be read, or no longer has the content that was hashed.
        OSError: `target` cannot be written.
    """
    with target.open("xb", buffering=0) as out:
        if file.source is None:
            out.write(file.content or b"")
        elif _read(str(file.source), file.path, out.fileno()) != file.digest:
            raise ContextError(
                f"{file.path} changed while it was staged", file=file.source, remedy="run the command again"
            )
        os.fchmod(out.fileno(), 0o755 if file.executable else 0o644)


def _read(source: str, path: str, out: int | None) -> str:
    buffer = getattr(_local, "buffer", None)
    if buffer is None:
        buffer = _local.buffer = memoryview(bytearray(_BUFFER))
    hasher = hashlib.sha256()
    first = True
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, source, error) from error
    try:
        while count := _fill(descriptor, buffer, path, source):
            block = buffer[:count]
            if first:
                first = False
                if what := secret_content(bytes(block[:HEAD])):
                    raise ContextError(
                        f"{path} looks like {what}, and secrets stay out of images",
                        file=source,
                        remedy="move it out of packer/ and let the machine fetch it when it starts",
                    )
            hasher.update(block)
            if out is not None:
                _write_all(out, block)
    finally:
        os.close(descriptor)
    return hasher.hexdigest()


def _fill(descriptor: int, buffer: memoryview, path: str, source: str) -> int:
    try:
        return os.readv(descriptor, [buffer])
    except OSError as error:
        raise _unreadable(path, source, error) from error


def _write_all(out: int, block: memoryview) -> None:
    while block:
        block = block[os.write(out, block) :]


def _unreadable(path: str, source: str, error: OSError) -> ContextError:
    return ContextError(
        f"{path} cannot be read: {error.strerror}", file=source, remedy="make it readable, or remove it"
    )
