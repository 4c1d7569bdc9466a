"""The server's process: its state folder, its sockets, its beginning and its end.

The folder holds `cloud.json` (endpoint, token, pid, cloud_id; mode 0600), `cloud.db` and `cloud.lock`. A second server
on the same folder is refused; token and cloud ID are kept from run to run, and so is the port, unless it is taken.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from typing import IO, Any

import uvicorn

from bakewell.errors import BakewellError
from sandbox import ssh_key
from sandbox.digitalocean.api import account
from sandbox.digitalocean.cloud import Cloud
from sandbox.digitalocean.serving.app import create_app
from sandbox.digitalocean.serving.gate import DroppableProtocol
from sandbox.digitalocean.store import Store
from sandbox.machines import MachineError, base_image
from sandbox.machines.machines import Machines

log = logging.getLogger(__name__)


class ServerError(BakewellError):
    """The server can't start."""


def make_server(cloud: Cloud, token: str) -> uvicorn.Server:
    """A uvicorn server for the cloud; the caller gives it sockets. When it ends, the cloud is closed."""
    config = uvicorn.Config(
        create_app(cloud, token),
        http=DroppableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)


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


def serve(state: Path, port: int | None, action_seconds: float, key: Path | None = None) -> None:
    """Serves the cloud of the folder until SIGTERM or SIGINT.

    Args:
        state: the folder, made if missing.
        port: the port to listen on; None takes the one of the last run, or a free one where there is none or that is
            taken by now.
        action_seconds: how long an action takes at least.
        key: a private key, made if missing, whose public half the account has (`sandbox.ssh_key`); None for no key.

    Raises:
        BakewellError: the folder is in use, the given port is taken, Docker can't be reached, or `key` is no key.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "cloud.lock").open("a") as lock:
        _lock(lock, state)
        known = _read(state)
        cloud_id = str(known.get("cloud_id") or secrets.token_hex(4))
        token = str(known.get("token") or f"local-{secrets.token_hex(24)}")
        sockets = [_listen_at(port) if port is not None else _listen_again(int(known.get("port") or 0))]
        actual = int(sockets[0].getsockname()[1])
        _write(state, {"cloud_id": cloud_id, "token": token, "port": actual, "pid": None})
        try:
            machines = Machines(cloud_id)
            sockets += _listen_on_bridge(machines.bridge_address(), actual)
            cloud = Cloud(
                cloud_id,
                Store(state / "cloud.db"),
                machines,
                lambda: base_image.ensure(log.info),
                action_seconds=action_seconds,
            )
            cloud.resume()
            if key is not None:
                account.register(cloud, ssh_key.NAME, ssh_key.ensure(key))
        except MachineError as error:
            raise ServerError(f"the local cloud can't start: {error.what}", remedy=error.remedy) from error
        # uvicorn raises the signal again once it has shut down
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        about = {
            "endpoint": f"http://127.0.0.1:{actual}",
            "token": token,
            "pid": os.getpid(),
            "cloud_id": cloud_id,
            "port": actual,
        }
        _write(state, about)
        log.info("cloud %s at %s, pid %d", cloud_id, about["endpoint"], os.getpid())
        try:
            make_server(cloud, token).run(sockets=sockets)
        finally:
            _write(state, {**about, "pid": None})


def _lock(lock: IO[str], state: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ServerError("another server runs on this folder", file=state, remedy="stop it first") from None


def _listen_at(port: int) -> socket.socket:
    try:
        return listen("127.0.0.1", port)
    except OSError as error:
        what = f"port {port} of 127.0.0.1: {error.strerror}"
        raise ServerError(what, remedy="free it, or choose another by --port") from error


def _listen_again(port: int) -> socket.socket:
    """A socket at the port of the last run, or at another where somebody else has that by now."""
    try:
        return listen("127.0.0.1", port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        log.warning(
            "port %d, ours in the last run, is another's now: listening on a new one. Shells that evaluated `make env` "
            "have the old endpoint: evaluate it again",
            port,
        )
        return listen("127.0.0.1", 0)


def _listen_on_bridge(address: str, port: int) -> list[socket.socket]:
    """The socket that machines reach; none where the bridge is not on this host (Docker in a virtual machine)."""
    try:
        return [listen(address, port)]
    except OSError as error:
        log.warning("not listening on the container bridge %s: %s", address, error.strerror)
        return []


def _read(state: Path) -> dict[str, Any]:
    path = state / "cloud.json"
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
    except ValueError as error:
        raise ServerError(str(error), file=path, remedy="remove the folder to begin again") from error
    return dict(known)


def _write(state: Path, about: dict[str, Any]) -> None:
    """Replaces cloud.json in one step, readable by its owner only."""
    draft = state / "cloud.json.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(about, file, indent=2)
    draft.replace(state / "cloud.json")
