"""The server's process. Its files are in the state folder of DigitalOcean's, whose cloud ID it has.

`aws.json` (endpoint, access_key, secret_key, region, pid, cloud_id, port; mode 0600), `aws.lock`, `aws.made` (what to
remove at the next start: records are in memory, so machines and images that a former server left belong to nobody).

Access key and secret are kept from run to run, and so is the port, unless it is taken; records are not.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import string
import sys
from pathlib import Path

import uvicorn

from sandbox import ssh_key
from sandbox.aws.cloud import Aws
from sandbox.aws.ledger import Ledger
from sandbox.aws.serving.app import create_app
from sandbox.aws.serving.gate import Access
from sandbox.aws.stock import REGIONS
from sandbox.machines import MachineError, base_image
from sandbox.machines.machines import Machines
from sandbox.serving.connections import DroppableProtocol
from sandbox.serving.state import ServerError, alone, listen_as, read_about, write_about

log = logging.getLogger(__name__)


def make_server(cloud: Aws, access: Access) -> uvicorn.Server:
    """A uvicorn server for the cloud; the caller gives it a socket. When it ends, the cloud is closed."""
    config = uvicorn.Config(
        create_app(cloud, access),
        http=DroppableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)


def serve(state: Path, port: int | None, action_seconds: float, key: Path | None = None) -> None:
    """Serves the AWS half of the cloud of a state folder until SIGTERM or SIGINT.

    Args:
        state: the folder; DigitalOcean's half was started in it before.
        port: the port of the loopback; None takes the one of the last run, or a free one.
        action_seconds: how long a change of state takes at least.
        key: a private key, made if missing, whose public half every region has (`sandbox.ssh_key`); None for no key.

    Raises:
        BakewellError: the cloud was never started, the folder is in use, the port taken, Docker can't be reached, or
            `key` is no key.
    """
    cloud_id = read_about(state / "cloud.json").get("cloud_id")
    if not cloud_id:
        raise ServerError(
            "no local cloud was started here", file=state, remedy="start sandbox.digitalocean on it first"
        )
    file = state / "aws.json"
    with alone(state / "aws.lock"):
        known = read_about(file)
        sock = listen_as(port, int(known.get("port") or 0))
        actual = int(sock.getsockname()[1])
        about = {
            "cloud_id": cloud_id,
            "endpoint": f"http://127.0.0.1:{actual}",
            "access_key": known.get("access_key") or new_key(),
            "secret_key": known.get("secret_key") or secrets.token_urlsafe(30),
            "region": REGIONS[0],
            "port": actual,
            "pid": None,
        }
        write_about(file, about)
        try:
            machines, ledger = Machines(cloud_id), Ledger(state / "aws.made")
            stock = lambda: base_image.ensure(log.info)  # noqa: E731
            keys = {ssh_key.NAME: ssh_key.ensure(key)} if key is not None else {}
            cloud = Aws(cloud_id, machines, ledger, stock, action_seconds=action_seconds, keys=keys)
        except MachineError as error:
            raise ServerError(f"the local cloud can't start: {error.what}", remedy=error.remedy) from error
        server = make_server(cloud, Access(about["access_key"], about["secret_key"]))
        # uvicorn raises the signal again once it has shut down
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        write_about(file, {**about, "pid": os.getpid()})
        log.info("AWS of cloud %s at %s, pid %d", cloud_id, about["endpoint"], os.getpid())
        try:
            server.run(sockets=[sock])
        finally:
            write_about(file, about)


def new_key() -> str:
    """An access key of the usual form."""
    letters = string.ascii_uppercase + "234567"
    return "AKIA" + "".join(secrets.choice(letters) for _ in range(16))
