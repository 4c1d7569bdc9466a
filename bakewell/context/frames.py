"""A hash of lists of texts in which nothing can run into its neighbour."""

from __future__ import annotations

import hashlib


class Frames:
    """SHA-256 over records; each field is preceded by its length, each record by its number of fields.

    So ("ab", "c") and ("a", "bc") differ, and so do one record of two fields and two records of one.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, *fields: str) -> None:
        """Add one record."""
        self._hash.update(len(fields).to_bytes(8, "big"))
        for text in fields:
            data = text.encode()
            self._hash.update(len(data).to_bytes(8, "big") + data)

    def hexdigest(self) -> str:
        """64 hex digits."""
        return self._hash.hexdigest()
