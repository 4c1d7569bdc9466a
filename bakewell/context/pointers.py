"""Files of a checkout that only stand for another file: what Git tools leave where a file was not fetched or decrypted.

Known by the first bytes that each tool writes. A symlink that Git wrote as a text file (core.symlinks=false) cannot be
told from any other text, and passes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pointer:
    """A kind of such files: what it is called, and how to get the real file."""

    what: str
    remedy: str


_LFS = Pointer("a pointer of Git LFS", "fetch the file: git lfs install && git lfs pull")
_ANNEX = Pointer("a pointer of git-annex", "fetch the file: git annex get")
_CRYPT = Pointer(
    "encrypted by git-crypt", "decrypt it: git-crypt unlock; a secret does not belong into an image at all"
)
_HEADS = {
    b"version https://git-lfs.github.com/spec/": _LFS,
    b"version https://hawser.github.com/spec/": _LFS,  # its name before 1.0
    b"/annex/objects/": _ANNEX,
    b"\0GITCRYPT\0": _CRYPT,
}


def pointer(head: bytes) -> Pointer | None:
    """The kind of pointer that a file with these first bytes is; None for a file that stands for itself."""
    return next((kind for start, kind in _HEADS.items() if head.startswith(start)), None)
