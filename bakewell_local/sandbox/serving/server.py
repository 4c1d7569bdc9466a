"""A server's process: its command line, its state folder, its sockets, its beginning and its end.

The folder holds NAME.json (what `Half.about` gives; endpoint, port, pid; mode 0600) and NAME.lock. A second server on
the same folder is refused; what opens the account is kept from run to run, and so is the port, unless it is taken.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bakewell.errors import BakewellError
from bakewell_local.sandbox.machines import MachineError
from bakewell_local.sandbox.serving.connections import DroppableProtocol
from bakewell_local.sandbox.serving.state import ServerError, alone, listen_as, read_about, write_about

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        state: the folder of the cloud's state.
        port: the port to listen on; None takes the one of the last run, or a free one where that is taken by now.
        action_seconds: how long an action takes at least; more than 0.
        key: a private key, made if missing, whose public half the account has (`sandbox.ssh_key`); None for no key.
    """

    state: Path
    port: int | None
    action_seconds: float
    key: Path | None


@dataclass(frozen=True)
class Half:
    """One API of a cloud, as a server of its own.

    Attributes:
        module: what `python -m` starts.
        name: of its state file and its lock.
        about: from the state folder and what the last run wrote down, what is the cloud's own: its ID, what opens it.
        begin: the app, and sockets besides that of the loopback; its shutdown closes the cloud.
    """

    module: str
    name: str
    about: Callable[[Path, dict[str, Any]], dict[str, Any]]
    begin: Callable[[dict[str, Any], Options], tuple[ASGIApp, list[socket.socket]]]


def main(half: Half) -> int:
    """Serves until SIGTERM or SIGINT; the exit status is 1 when the server can't start."""
    parser = argparse.ArgumentParser(prog=f"python -m {half.module}")
    parser.add_argument("--state", type=Path, required=True, help="folder of the cloud's state, made if missing")
    parser.add_argument("--port", type=int, help="port to listen on (default: that of the last run, else a free one)")
    parser.add_argument("--action-seconds", type=_seconds, default=0.3, help="how long an action takes at least")
    parser.add_argument("--key", type=Path, help="private key of the account's owner, made if missing")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        _serve(half, Options(**vars(parser.parse_args())))
    except BakewellError as error:
        print(f"{half.module}: {error}", file=sys.stderr)
        return 1
    return 0


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A uvicorn server; the caller gives it sockets. It ends within two seconds, whoever is connected."""
    config = uvicorn.Config(
        app,
        http=DroppableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,
    )
    return uvicorn.Server(config)


def _serve(half: Half, options: Options) -> None:
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = options.state / f"{half.name}.json"
    with alone(options.state / f"{half.name}.lock"):
        known = read_about(file)
        about = half.about(options.state, known)
        sock = listen_as(options.port, int(known.get("port") or 0))
        port = int(sock.getsockname()[1])
        about |= {"endpoint": f"http://127.0.0.1:{port}", "port": port, "pid": None}
        write_about(file, about)
        try:
            app, further = half.begin(about, options)
        except MachineError as error:
            raise ServerError(f"the local cloud can't start: {error.what}", remedy=error.remedy) from error
        # uvicorn raises the signal again once it has shut down
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        write_about(file, {**about, "pid": os.getpid()})
        log.info("%s of cloud %s at %s, pid %d", half.module, about["cloud_id"], about["endpoint"], os.getpid())
        try:
            make_server(app).run(sockets=[sock, *further])
        finally:
            write_about(file, about)


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0: no cloud acts at once")
    return value
