"""Files that a template names, for a role's folder. They are read and never executed, and only from inside one folder.

A template may be anybody's: what it names outside that folder, through a symlink or by an absolute path, is not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bakewell.context.walk import ignored
from bakewell.errors import BakewellError
from bakewell.reading import read_bytes
from bakewell.secret_shapes import HEAD, secret_content, secret_name

LARGEST = 10_000_000
"""Bytes of one file."""

MOST_BYTES = 50_000_000
"""Of a role's files together."""

MOST_FILES = 2_000


class NotCopied(Exception):
    """Why a file is not copied, in words, and what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass(frozen=True, slots=True)
class Copied:
    """A file as it is to be written.

    Attributes:
        path: below the role's folder.
        executable: whether its owner may execute it.
    """

    path: str
    content: bytes
    executable: bool


@dataclass
class Copier:
    """Finds and reads the files of one role.

    Attributes:
        folder: the template's; relative paths start there, or at a folder above it up to `root`.
        root: what is outside is not read.
        taken: path below the role's folder → where it came from.
    """

    folder: Path
    root: Path
    taken: dict[str, Path] = field(default_factory=dict)
    size: int = 0

    def find(self, name: str) -> Path:
        """The file or folder that a template names. Raises NotCopied."""
        where = (
            f"put it into the role's folder by hand, or say by --files DIR where files may be read; now: {self.root}"
        )
        if not name or "\0" in name or name.startswith("~") or PurePosixPath(name).is_absolute():
            raise NotCopied("an absolute path is not read", where)
        if "://" in name:
            raise NotCopied("nothing is downloaded", "download it in deploy.py by its checksum, or put it into files/")
        for start in (self.folder, *self.folder.parents):
            if not start.is_relative_to(self.root):
                break
            path = start / name
            try:
                if not os.path.lexists(path):
                    continue
                found = path.resolve(strict=True)
            except (OSError, RuntimeError):
                raise NotCopied("it cannot be read, or is a link that leads nowhere", where) from None
            if not found.is_relative_to(self.root):
                raise NotCopied(f"it leads out of {self.root}", where)
            if not (found.is_file() or found.is_dir()):
                raise NotCopied("it is neither a file nor a folder", where)
            return found
        raise NotCopied("there is no such file", where)

    def file(self, source: Path, wanted: str) -> Copied:
        """One file, to be called `wanted`, or something near it where that name is taken. Raises NotCopied."""
        if secret_name(source.name):
            raise NotCopied(
                "its name is that of a secret",
                "declare the secret under [secrets], or have the machine fetch it when it starts",
            )
        try:
            status = source.stat()
            content = read_bytes(source, source.name, limit=LARGEST)
        except (OSError, BakewellError):
            remedy = f"put it into the role's folder by hand; up to {LARGEST // 1_000_000} MB are copied"
            raise NotCopied("it cannot be read, or is too large", remedy) from None
        if found := secret_content(content[:HEAD]):
            raise NotCopied(
                f"it holds {found}", "take the secret out of it, declare it under [secrets], then copy the file by hand"
            )
        if self.size + len(content) > MOST_BYTES or len(self.taken) >= MOST_FILES:
            remedy = f"put it into the role's folder by hand; up to {MOST_BYTES // 1_000_000} MB are copied for a role"
            raise NotCopied("there are too many files already", remedy)
        known = len(self.taken)
        path = self.place(source, wanted)
        if len(self.taken) > known:
            self.size += len(content)
        return Copied(path, content, bool(status.st_mode & 0o100))

    def place(self, source: Path, wanted: str) -> str:
        """The path of a file or folder in the role: `wanted`, or something near it where another one is there.

        Args:
            source: where it comes from; of text in a template, its line, below the template's path.
        """
        above, name = wanted.rpartition("/")[::2]
        tried = [
            wanted,
            f"{above}/{source.parent.name}-{name}",
            *(f"{above}/{count}-{name}" for count in range(2, 1000)),
        ]
        path = next(path for path in tried if self.taken.get(path, source) == source)
        self.taken[path] = source
        return path

    def tree(self, folder: Path, below: str) -> Iterator[Copied | tuple[str, NotCopied]]:
        """The files of a folder, below `below`; with its path, each that is not copied. Links are not followed."""
        for above, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not ignored(name))
            where = Path(above).relative_to(folder)
            for name in [*folders, *sorted(names)]:
                path = Path(above) / name
                relative = (where / name).as_posix()
                if ignored(name) or (path.is_dir() and not path.is_symlink()):
                    continue
                try:
                    if path.is_symlink() or not path.is_file():
                        raise NotCopied("it is a link or no file", "put a file in its place, or leave it out")
                    if not name.isprintable():
                        raise NotCopied("its name is not printable", "rename it")
                    yield self.file(path, f"{below}/{relative}")
                except NotCopied as error:
                    yield relative, error


def root_of(folder: Path) -> Path:
    """The repository that a folder belongs to; the folder itself where there is none."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return folder
