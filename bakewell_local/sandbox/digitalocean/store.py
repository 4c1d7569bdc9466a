"""The local cloud's memory: records in SQLite, and in this process for reading.

One process owns a database (the server holds a lock on the state folder), so reads never touch the disk. Writes go
through inside a `transaction()`, which also orders the threads: hold it for bookkeeping, never while Docker works.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from bakewell.cleanup import undone_by
from bakewell_local.sandbox.digitalocean.records import KINDS, Record

R = TypeVar("R", bound=Record)
_FIRST = 1000  # of the numbers that records get; the last one given is the database's user_version
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, key TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, key));
"""


class Store:
    """Records by kind and key, in the order they were made."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._records: dict[type[Record], dict[str, Record]] = {}
        self._load()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen together, or (on an exception) not at all; may be nested."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            with undone_by(self._roll_back):
                yield
                self._db.execute("COMMIT")

    def next_id(self) -> int:
        """A number that no record of this cloud ever had."""
        with self.transaction():
            (last,) = self._db.execute("PRAGMA user_version").fetchone()
            number = max(int(last), _FIRST) + 1
            self._db.execute(f"PRAGMA user_version = {number}")
            return number

    def get(self, kind: type[R], key: object) -> R | None:
        with self._lock:
            found = self._records[kind].get(str(key))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[R], where: Callable[[R], bool] | None = None) -> list[R]:
        """The records of a kind, oldest first."""
        with self._lock:
            every = [r for r in self._records[kind].values() if isinstance(r, kind)]
        return every if where is None else [r for r in every if where(r)]

    def put(self, record: R) -> R:
        """Adds the record, or replaces the one of its kind and key; gives it back."""
        with self.transaction():
            kind = type(record)
            self._db.execute(
                "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET doc = excluded.doc",
                (kind.__name__, record.key, record.model_dump_json()),
            )
            self._records[kind][record.key] = record
        return record

    def change(self, record: R, **fields: object) -> R:
        """Puts a copy of the record with other values in some fields."""
        return self.put(record.model_copy(update=fields))

    def drop(self, record: Record) -> None:
        with self.transaction():
            kind = type(record)
            self._db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind.__name__, record.key))
            self._records[kind].pop(record.key, None)

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # on a full disk, SQLite rolls back by itself
            self._db.execute("ROLLBACK")
        self._load()

    def _load(self) -> None:
        by_name = {kind.__name__: kind for kind in KINDS}
        self._records = {kind: {} for kind in KINDS}
        for name, key, doc in self._db.execute("SELECT kind, key, doc FROM record ORDER BY rowid"):
            kind = by_name[name]
            self._records[kind][key] = kind.model_validate_json(doc)
