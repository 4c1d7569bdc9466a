"""A server's state file, its lock and its socket."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bakewell.errors import BakewellError

log = logging.getLogger(__name__)


class ServerError(BakewellError):
    """The server can't start."""


def listen(address: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    # with its protocol named, or asyncio doesn't set TCP_NODELAY and every answer takes 40 ms
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(256)
    except OSError:
        sock.close()
        raise
    return sock


def listen_as(port: int | None, last: int) -> socket.socket:
    """A socket of the loopback at `port`; None takes the one of the last run, or a free one where that is taken.

    Raises:
        ServerError: the given port is taken.
    """
    try:
        return listen("127.0.0.1", last if port is None else port)
    except OSError as error:
        if port is not None:
            what = f"port {port} of 127.0.0.1: {error.strerror}"
            raise ServerError(what, remedy="free it, or choose another by --port") from error
        if error.errno != errno.EADDRINUSE:
            raise
        log.warning(
            "port %d, ours in the last run, is another's now: listening on a new one. Shells that evaluated "
            "`bakewell local env` have the old endpoint: evaluate it again",
            last,
        )
        return listen("127.0.0.1", 0)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Holds the lock file of a state folder while the block runs.

    Raises:
        ServerError: another server has it.
    """
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise ServerError("another server runs on this folder", file=lock.parent, remedy="stop it first") from None
    try:
        yield
    finally:
        held.release()


def read_about(path: Path) -> dict[str, Any]:
    """What a server wrote into its state file; nothing where there is none.

    Raises:
        ServerError: it is damaged.
    """
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
    except ValueError as error:
        raise ServerError(str(error), file=path, remedy="remove the folder to begin again") from error
    return dict(known)


def write_about(path: Path, about: dict[str, Any]) -> None:
    """Replaces a state file in one step, readable by its owner only."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(about, file, indent=2)
    draft.replace(path)
