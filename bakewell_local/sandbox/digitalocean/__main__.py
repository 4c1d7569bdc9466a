"""Serves one local cloud.

    python -m bakewell_local.sandbox.digitalocean --state DIR [--port N] [--action-seconds S] [--key FILE]

The state folder also holds cloud.db, which the cloud remembers in.
"""

from __future__ import annotations

import logging
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from bakewell_local.sandbox import ssh_key
from bakewell_local.sandbox.digitalocean.api import account
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.serving.app import create_app
from bakewell_local.sandbox.digitalocean.store import Store
from bakewell_local.sandbox.machines import Machines, base_image
from bakewell_local.sandbox.serving.server import Half, Options, main
from bakewell_local.sandbox.serving.state import listen

log = logging.getLogger(__name__)


def about(_: Path, known: dict[str, Any]) -> dict[str, Any]:
    """The cloud's ID and its token."""
    return {
        "cloud_id": str(known.get("cloud_id") or secrets.token_hex(4)),
        "token": str(known.get("token") or f"local-{secrets.token_hex(24)}"),
    }


def begin(about: dict[str, Any], options: Options) -> tuple[ASGIApp, list[socket.socket]]:
    """The app, and the socket that machines reach."""
    machines = Machines(about["cloud_id"])
    cloud = Cloud(
        about["cloud_id"],
        Store(options.state / "cloud.db"),
        machines,
        lambda: base_image.ensure(log.info),
        action_seconds=options.action_seconds,
    )
    cloud.resume()
    if options.key is not None:
        account.register(cloud, ssh_key.NAME, ssh_key.ensure(options.key))
    try:
        bridge = [listen(machines.bridge_address(), about["port"])]
    except OSError as error:  # it is not on this host: Docker is in a virtual machine
        log.warning("not listening on the container bridge: %s", error.strerror)
        bridge = []
    return create_app(cloud, about["token"]), bridge


if __name__ == "__main__":
    sys.exit(main(Half("bakewell_local.sandbox.digitalocean", "cloud", about, begin)))
