"""Serves AWS of one local cloud.

    python -m bakewell_local.sandbox.aws --state DIR [--port N] [--action-seconds S] [--key FILE]

Its files are in the state folder of DigitalOcean's server, whose cloud ID it has. Access key and secret are kept from
run to run; records are not.
"""

from __future__ import annotations

import logging
import secrets
import socket
import string
import sys
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from bakewell_local.sandbox import ssh_key
from bakewell_local.sandbox.aws.cloud import Aws
from bakewell_local.sandbox.aws.serving.app import create_app
from bakewell_local.sandbox.aws.serving.gate import Access
from bakewell_local.sandbox.aws.stock import REGIONS
from bakewell_local.sandbox.machines import Machines, base_image
from bakewell_local.sandbox.serving.server import Half, Options, main
from bakewell_local.sandbox.serving.state import ServerError, read_about

log = logging.getLogger(__name__)


def about(state: Path, known: dict[str, Any]) -> dict[str, Any]:
    """The cloud's ID, its access key and its first region.

    Raises:
        ServerError: the cloud was never started.
    """
    if not (cloud_id := read_about(state / "cloud.json").get("cloud_id")):
        what = "no local cloud was started here"
        raise ServerError(what, file=state, remedy="start bakewell_local.sandbox.digitalocean on it first")
    letters = string.ascii_uppercase + "234567"
    return {
        "cloud_id": cloud_id,
        "access_key": known.get("access_key") or "AKIA" + "".join(secrets.choice(letters) for _ in range(16)),
        "secret_key": known.get("secret_key") or secrets.token_urlsafe(30),
        "region": REGIONS[0],
    }


def begin(about: dict[str, Any], options: Options) -> tuple[ASGIApp, list[socket.socket]]:
    """The app; every region has the owner's key."""
    keys = {ssh_key.NAME: ssh_key.ensure(options.key)} if options.key is not None else {}
    cloud = Aws(
        about["cloud_id"],
        Machines(about["cloud_id"]),
        lambda: base_image.ensure(log.info),
        action_seconds=options.action_seconds,
        keys=keys,
    )
    return create_app(cloud, Access(about["access_key"], about["secret_key"])), []


if __name__ == "__main__":
    sys.exit(main(Half("bakewell_local.sandbox.aws", "aws", about, begin)))
