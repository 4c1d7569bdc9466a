"""Provision the machine under construction, then test it: `deploy.py` by PyInfra, `checks.py` by testinfra.

Runs in a staged directory, started by build.pkr.hcl, which says in the environment how to reach the machine
(BUILD_HOST, BUILD_PORT, BUILD_USER, BUILD_KEY_FILE). Exits 0 only when both succeeded; else the last lines of stderr
say which operation or check failed, and the remedy. Neither known hosts nor the user's SSH config are read or written.

The checks use a connection that was opened before the deploy: its last step seals the image, and a sealed machine
lets nobody in any more. That way they test exactly what the snapshot will hold.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

try:
    # First, because it replaces the standard library's sockets and threads, which all others then use.
    from pyinfra_cli.cli import cli as pyinfra  # isort: skip

    import click
    import paramiko
    import pytest
    from pyinfra.context import ctx_state
    from testinfra.backend.paramiko import IgnorePolicy, ParamikoBackend
    from testinfra.host import Host
except ImportError as missing:
    sys.exit(f"provision: {sys.executable}: {missing}\n  remedy: put the project's .venv/bin first on PATH")

WRITTEN_KEY = Path("build-ssh-key")
"""Where build.pkr.hcl puts a key that Packer made for this build."""

LOOK = "see the lines above; packer/README.md says how to try an image by hand"
"""The remedy where what failed names none."""

REMEDY = re.compile(r"\bremedy: (.+?)['\"]*$")
"""How it names one, anywhere in what it says."""


class Failure(Exception):
    """What ended the build, and the remedies that it named."""

    def __init__(self, what: str, said: Iterable[str] = ()) -> None:
        super().__init__(what)
        found = dict.fromkeys(match[1] for line in said if (match := REMEDY.search(line)))
        self.remedies = list(found) or [LOOK]


class Machine:
    """A pytest plugin: its `host` fixture is the machine at the other end of `client`.

    Attributes:
        failed: the checks that failed, or could not be made: [(name, what was said)].
    """

    def __init__(self, client: paramiko.SSHClient) -> None:
        backend = ParamikoBackend(os.environ["BUILD_HOST"])
        backend.client = client
        self._host = Host(backend)
        self.failed: list[tuple[str, str]] = []

    @pytest.fixture(scope="session")
    def host(self) -> Host:
        return self._host

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append((report.nodeid, report.longreprtext))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append((report.nodeid, report.longreprtext))


def check_packages() -> None:
    """Raise Failure unless the versions that requirements.txt states, and the fingerprint covers, are those here."""
    for line in Path("requirements.txt").read_text(encoding="utf-8").splitlines():
        name, exact, stated = (part.strip() for part in line.partition("#")[0].partition("=="))
        if exact and version(name) != stated:
            raise Failure(
                f"{name} is {version(name)}, but requirements.txt states {stated}",
                [f"remedy: pip install {name}=={stated}, into the environment of {sys.executable}"],
            )


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


def deploy() -> None:
    """Run deploy.py on the machine.

    In this process, so that nothing is left running when Packer kills it.

    Raises:
        Failure: an operation failed, or deploy.py itself.
    """
    said = ""
    try:
        pyinfra.main(args=["-y", "inventory.py", "deploy.py"], prog_name="pyinfra", standalone_mode=False)
    except SystemExit as end:
        if not end.code:
            return
    except click.ClickException as error:
        error.show()
        # An error in deploy.py or a step comes wrapped.
        said = str(getattr(error, "exception", error))
    name, output = _failed_operation()
    raise Failure(f"step `{name}` failed" if name else "deploy.py failed", [*output, *said.splitlines()])


def _failed_operation() -> tuple[str, list[str]]:
    """The operation that ended the deploy, and the lines it printed; ("", []) where none had begun."""
    state = ctx_state.get()  # type: ignore[no-untyped-call]
    if state is None or not state.is_executing:
        return "", []
    for one in state.get_op_order():
        for operations in state.ops.values():
            operation = operations[one].operation_meta if one in operations else None
            if operation is None or (operation.is_complete() and not operation.did_error()):
                continue
            # One that is not complete ended with an exception, which the caller has.
            output = [*operation.stdout_lines, *operation.stderr_lines] if operation.is_complete() else []
            return ", ".join(state.get_op_meta(one).names), output
    return "", []


def check(client: paramiko.SSHClient) -> None:
    """Run checks.py and the checks of every step in this context.

    Raises:
        Failure: a check failed, or pytest did.
    """
    options = ["-q", "--color=no", "--tb=short", "-c", os.devnull, "--rootdir=."]
    options += ["-p", "no:cacheprovider", "--disable-plugin-autoload"]
    # Sealing last: what the other checks leave behind would be in the image too.
    steps = sorted(map(str, Path("steps").glob("*/checks.py")), key=lambda path: ("/seal/" in path, path))
    files = ["checks.py", *steps]
    machine = Machine(client)
    code = int(pytest.main([*options, *files], plugins=[machine]))
    if not code:
        return
    names = ", ".join(f"`{name}`" for name, _ in machine.failed[:3])
    more = f" and {len(machine.failed) - 3} more" if len(machine.failed) > 3 else ""
    what = f"{names}{more} failed" if names else f"pytest ended with status {code}"
    raise Failure(f"checks: {what}, so no image is made", "\n".join(said for _, said in machine.failed).splitlines())


def main() -> int:
    """Deploy, then check; 0 when both succeeded, else 1."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.dont_write_bytecode = True
    started = time.monotonic()
    # The user's own options for pytest are for the user's own tests.
    os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        check_packages()
        try:
            client = connect()
            deploy()
        except (OSError, paramiko.SSHException) as error:
            raise Failure(f"no SSH connection to {os.environ['BUILD_HOST']}: {error}") from error
        finally:
            WRITTEN_KEY.unlink(missing_ok=True)
        deployed = time.monotonic()
        with client:
            check(client)
    except Failure as failure:
        sys.stdout.flush()
        print(f"provision: {failure}", *(f"  remedy: {one}" for one in failure.remedies), sep="\n", file=sys.stderr)
        return 1
    print(f"provision: deployed in {deployed - started:.1f} s, checked in {time.monotonic() - deployed:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
