"""Reading files once: a SHA-256 of each, a look at its head, and, when staging, a copy.

The head says whether the file is a program, and refuses what looks like a secret or only stands for another file.

Large sets are read by a few threads, because hashlib lets other threads run meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakewell.context.pointers import pointer
from bakewell.context.walk import Found
from bakewell.errors import BakewellError, ContextError, file_error
from bakewell.reading import open_regular
from bakewell.secret_shapes import HEAD, secret_content

_BUFFER = 256 * 1024
_THREADS_FROM = 4_000_000  # bytes; below that starting threads costs more than it saves
_PROGRAM = (b"#!", b"\x7fELF")
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        digest: SHA-256, 64 hex digits.
        executable: it begins as a script (`#!`) or an ELF program does. The file's own permission bits play no part:
            on some file systems, and after some archives, every file is executable, or none.
    """

    digest: str
    executable: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file of a context.

    Attributes:
        path: where it goes in the context: relative, with `/`.
        executable: whether it is staged as 0755 or 0644.
        digest: SHA-256 of its content, 64 hex digits.
        size: bytes.
        layer: where its content comes from: "shared", "project", "role", or "generated" for a file that no layer has.
        source: the user's file that it is, or is made from; None for one that follows from several.
        content: what is generated; None for one that is copied from `source`.
    """

    path: str
    executable: bool
    digest: str
    size: int
    layer: str
    source: Path | None = None
    content: bytes | None = None


def hash_files(found: Iterable[Found]) -> dict[str, Content]:
    """The content of each source, by source path.

    Raises:
        ContextError: a file cannot be read, looks like a secret, or only stands for another one.
    """
    todo = {one.source: one for one in found}
    if sum(one.size for one in todo.values()) < _THREADS_FROM or len(todo) == 1:
        return {source: _content(one) for source, one in todo.items()}
    from concurrent.futures import ThreadPoolExecutor  # Here: it takes 12 ms, and small contexts do without.

    # The largest first and dealt out in turn, so that no thread is left with one big file at the end.
    ordered = sorted(todo.values(), key=lambda one: -one.size)
    workers = min(8, (os.cpu_count() or 1) + 1)
    hands = [ordered[start :: workers * 8] for start in range(min(workers * 8, len(ordered)))]
    contents: dict[str, Content] = {}
    with ThreadPoolExecutor(workers) as pool:
        for hand, results in zip(hands, pool.map(_contents, hands), strict=True):
            contents.update((one.source, result) for one, result in zip(hand, results, strict=True))
    return contents


def _contents(found: Sequence[Found]) -> list[Content]:
    return [_content(one) for one in found]


def _content(one: Found) -> Content:
    return _read(one.source, one.path, None)


def copy(file: File, target: Path) -> None:
    """Write the file to `target`, as mode 0644 or 0755.

    Raises:
        ContextError: its source cannot be read, or no longer has the content that was hashed.
        OSError: `target` cannot be written.
    """
    with target.open("xb", buffering=0) as out:
        if file.content is not None:
            out.write(file.content)
        elif _read(str(file.source), file.path, out.fileno()).digest != file.digest:
            raise ContextError(
                f"{file.path} changed while it was staged", file=file.source, remedy="run the command again"
            )
        os.fchmod(out.fileno(), 0o755 if file.executable else 0o644)


def _read(source: str, path: str, out: int | None) -> Content:
    buffer = getattr(_local, "buffer", None)
    if buffer is None:
        buffer = _local.buffer = memoryview(bytearray(_BUFFER))
    hasher = hashlib.sha256()
    first, executable = True, False
    try:
        descriptor = open_regular(source, os.O_NOFOLLOW)
    except OSError as error:
        raise _unreadable(path, source, error) from error
    try:
        while count := _fill(descriptor, buffer, path, source):
            block = buffer[:count]
            if first:
                first = False
                head = bytes(block[:HEAD])
                _check_head(head, path, source)
                executable = head.startswith(_PROGRAM)
            hasher.update(block)
            if out is not None:
                _write_all(out, block)
    finally:
        os.close(descriptor)
    return Content(hasher.hexdigest(), executable)


def _check_head(head: bytes, path: str, source: str) -> None:
    """Raise ContextError for a file that must not be in an image."""
    if what := secret_content(head):
        raise ContextError(
            f"{path} looks like {what}, and secrets stay out of images",
            file=source,
            remedy="move it out of packer/ and let the machine fetch it when it starts",
        )
    program = path.endswith((".py", ".sh", ".hcl")) or head.startswith(b"#!")
    if program and b"\r\n" in head:
        raise ContextError(
            f"{path} has the line ends of Windows (CR LF), as git writes them with core.autocrlf: the same commit "
            "would give another fingerprint elsewhere, and its scripts would not run",
            file=source,
            remedy="write `packer/** -text` to .gitattributes, commit or stash what you have changed in packer/, then "
            "check it out again: git rm -r -q --cached packer && git checkout HEAD -- packer",
        )
    if found := pointer(head):
        raise ContextError(f"{path} is {found.what}, not the file that it stands for", file=source, remedy=found.remedy)


def _fill(descriptor: int, buffer: memoryview, path: str, source: str) -> int:
    try:
        return os.readv(descriptor, [buffer])
    except OSError as error:
        raise _unreadable(path, source, error) from error


def _write_all(out: int, block: memoryview) -> None:
    while block:
        block = block[os.write(out, block) :]


def _unreadable(path: str, source: str, error: OSError) -> BakewellError:
    remedy = "make it readable, or remove it"
    return file_error(error, f"{path} cannot be read", file=source, remedy=remedy, kind=ContextError)
