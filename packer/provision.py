"""Provision the machine under construction, then test it: `deploy.py` by PyInfra, `checks.py` by testinfra.

Runs in a staged directory, started by build.pkr.hcl, which says in the environment how to reach the machine
(BUILD_HOST, BUILD_PORT, BUILD_USER, BUILD_KEY_FILE). Exits 0 only when both succeeded. Neither known hosts nor the
user's SSH config are read or written.

The checks use a connection that was opened before the deploy: its last step seals the image, and a sealed machine
lets nobody in any more. That way they test exactly what the snapshot will hold.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

try:
    # First, because it replaces the standard library's sockets and threads, which all others then use.
    from pyinfra_cli.cli import cli as pyinfra  # isort: skip

    import paramiko
    import pytest
    from testinfra.backend.paramiko import IgnorePolicy, ParamikoBackend
    from testinfra.host import Host
except ImportError as missing:
    sys.exit(f"provision: {sys.executable}: {missing}\n  remedy: put the project's .venv/bin first on PATH")

WRITTEN_KEY = Path("build-ssh-key")
"""Where build.pkr.hcl puts a key that Packer made for this build."""


class Machine:
    """A pytest plugin: its `host` fixture is the machine at the other end of `client`."""

    def __init__(self, client: paramiko.SSHClient) -> None:
        backend = ParamikoBackend(os.environ["BUILD_HOST"])
        backend.client = client
        self._host = Host(backend)

    @pytest.fixture(scope="session")
    def host(self) -> Host:
        return self._host


def connect() -> paramiko.SSHClient:
    """A connection to the machine, kept alive while nothing is said on it."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(IgnorePolicy())
    client.connect(
        os.environ["BUILD_HOST"],
        port=int(os.environ.get("BUILD_PORT", "22")),
        username=os.environ.get("BUILD_USER", "root"),
        pkey=paramiko.PKey.from_path(os.environ["BUILD_KEY_FILE"]),
        timeout=30,
        allow_agent=False,
        look_for_keys=False,
    )
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(15)
    return client


def deploy() -> int:
    """Run deploy.py on the machine; PyInfra's exit code.

    In this process, so that nothing is left running when Packer kills it.
    """
    try:
        pyinfra.main(args=["-y", "inventory.py", "deploy.py"], prog_name="pyinfra")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def check(client: paramiko.SSHClient) -> int:
    """Run checks.py and the checks of every step in this context; pytest's exit code (5: it found no test)."""
    options = ["-q", "--color=no", "--tb=short", "-c", os.devnull, "--rootdir=."]
    options += ["-p", "no:cacheprovider", "--disable-plugin-autoload"]
    # Sealing last: what the other checks leave behind would be in the image too.
    steps = sorted(map(str, Path("steps").glob("*/checks.py")), key=lambda path: ("/seal/" in path, path))
    files = ["checks.py", *steps]
    return int(pytest.main([*options, *files], plugins=[Machine(client)]))


def main() -> int:
    """Deploy, then check; the exit code of what failed first."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.dont_write_bytecode = True
    started = time.monotonic()
    # The user's own options for pytest are for the user's own tests.
    os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        client = connect()
        code = deploy()
    except (OSError, paramiko.SSHException) as error:
        print(f"provision: no SSH connection to {os.environ['BUILD_HOST']}: {error}", file=sys.stderr)
        return 1
    finally:
        WRITTEN_KEY.unlink(missing_ok=True)
    if code:
        print(f"provision: deploy.py failed ({code})", file=sys.stderr)
        return code
    deployed = time.monotonic()
    with client:
        code = check(client)
    if code:
        print(f"provision: checks failed ({code}), so no image is made", file=sys.stderr)
        return code
    print(f"provision: deployed in {deployed - started:.1f} s, checked in {time.monotonic() - deployed:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
