"""The server's process: its state folder, its sockets, its beginning and its end.

The folder holds `cloud.json` (endpoint, token, pid, cloud_id; mode 0600), `cloud.db` and `cloud.lock`. A second server
on the same folder is refused; token and cloud ID are kept from run to run, and so is the port, unless it is taken.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from sandbox import ssh_key
from sandbox.digitalocean.api import account
from sandbox.digitalocean.cloud import Cloud
from sandbox.digitalocean.serving.app import create_app
from sandbox.digitalocean.store import Store
from sandbox.machines import MachineError, base_image
from sandbox.machines.machines import Machines
from sandbox.serving.connections import DroppableProtocol
from sandbox.serving.state import ServerError, alone, listen, listen_as, read_about, write_about

log = logging.getLogger(__name__)


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
    file = state / "cloud.json"
    with alone(state / "cloud.lock"):
        known = read_about(file)
        cloud_id = str(known.get("cloud_id") or secrets.token_hex(4))
        token = str(known.get("token") or f"local-{secrets.token_hex(24)}")
        sockets = [listen_as(port, int(known.get("port") or 0))]
        actual = int(sockets[0].getsockname()[1])
        write_about(file, {"cloud_id": cloud_id, "token": token, "port": actual, "pid": None})
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
        write_about(file, about)
        log.info("cloud %s at %s, pid %d", cloud_id, about["endpoint"], os.getpid())
        try:
            make_server(cloud, token).run(sockets=sockets)
        finally:
            write_about(file, {**about, "pid": None})


def _listen_on_bridge(address: str, port: int) -> list[socket.socket]:
    """The socket that machines reach; none where the bridge is not on this host (Docker in a virtual machine)."""
    try:
        return [listen(address, port)]
    except OSError as error:
        log.warning("not listening on the container bridge %s: %s", address, error.strerror)
        return []
