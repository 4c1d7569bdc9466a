"""Provision the machine under construction, then test it: by PyInfra and by testinfra.

PyInfra runs before.py, deploy.py and after.py, in this order; the tests are checks.py and those of the image's steps.

Runs in a staged directory, started by build.pkr.hcl, which says in the environment how to reach the machine
(BUILD_HOST, BUILD_PORT, BUILD_USER, BUILD_KEY_FILE) and how long this may take: BUILD_CLOUD_INIT_SECONDS for the wait
for cloud-init, then BUILD_SECONDS for the rest. Exits 0 only when both succeeded; else the last lines of stderr say
which operation or check failed, or took too long, and the remedy. Neither known hosts nor the user's SSH config are
read or written.

The checks use a connection that was opened before the deploy: its last step seals the image, and a sealed machine
lets nobody in any more. That way they test exactly what the snapshot will hold.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True
import host_process  # noqa: E402 - a file beside this one

if __name__ == "__main__":
    host_process.narrow()
    sys.meta_path.insert(0, host_process.Declared(Path("requirements.txt")))

try:
    # First, because it replaces the standard library's sockets and threads, which all others then use.
    from pyinfra_cli.cli import cli as pyinfra  # isort: skip

    import click
    import paramiko
    import pytest
    import secret_search
    from last_output import LastOutput, ListeningBackend
    from pyinfra.api.output import set_echo
    from pyinfra.api.state import StateStage
    from pyinfra.context import ctx_state
    from testinfra.backend.paramiko import IgnorePolicy
    from testinfra.host import Host
except ImportError as missing:
    sys.exit(f"provision: {sys.executable}: {missing}\n  remedy: put the project's .venv/bin first on PATH")

STDERR = os.fdopen(os.dup(2), "w", encoding="utf-8")
"""Where failures are told, also in the middle of a check, whose output pytest keeps to itself."""

WRITTEN_KEY = Path("build-ssh-key")
"""Where build.pkr.hcl puts a key that Packer made for this build."""

DEPLOYS = ("before.py", "deploy.py", "after.py")

LOOK = "see the lines above; packer/README.md says how to try an image by hand"
"""The remedy where what failed names none."""

BOOTSTRAP = "see its log above: what it does is said by the role's bootstrap.yaml, and by the base image"
NO_EXIT = "leave sys.exit() out: it drops what was asked for until then; guard the rest with `if`"
KEPT = "keep it in /run, which is memory, or remove the file before deploy.py ends"
SLOW = "see what it waits for; if it needs the time, allow more in image.toml: [build] timeout_minutes"
SILENT = "see that this host reaches the machine's port 22, then build again"

CLOUD_INIT = """
command -v cloud-init > /dev/null || exit 0
code=0
timeout -k 10 "$1" cloud-init status --wait > /dev/null || code=$?
case $code in
0 | 2) exit 0 ;; # 2: done, and it has warnings
esac
cloud-init status --long
tail -n 15 /var/log/cloud-init.log
tail -n 15 /var/log/cloud-init-output.log
exit "$code"
"""
"""Ends with a status of `timeout` where cloud-init does not end; prints why only where something is wrong."""

_TIMED_OUT = (124, 137)  # 137: it had to be killed

REMEDY = re.compile(r"\bremedy: (.+?)['\"]*$")
"""How it names one, anywhere in what it says."""


class Failure(Exception):
    """What ended the build, and the remedies that it named."""

    def __init__(self, what: str, said: Iterable[str] = ()) -> None:
        super().__init__(what)
        found = dict.fromkeys(match[1] for line in said if (match := REMEDY.search(line)))
        self.remedies = list(found) or [LOOK]


class Machine:
    """A pytest plugin: its `host` fixture is the machine that `backend` reaches.

    Attributes:
        failed: the checks that failed, or could not be made: [(name, what was said)].
        at: what is being done, for people; "" before the checks have begun.
    """

    def __init__(self, backend: ListeningBackend) -> None:
        self._host = Host(backend)
        self.failed: list[tuple[str, str]] = []
        self.at = ""

    def pytest_sessionstart(self) -> None:
        self.at = "the beginning of the checks"

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.at = f"check `{nodeid}`"

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
    """A connection to the machine, kept alive while nothing is said on it.

    Tried again for some seconds: a machine whose boot is not over may restart its SSH server.
    """
    host, port = os.environ["BUILD_HOST"], os.environ.get("BUILD_PORT", "22")
    bastion = os.environ.get("BUILD_BASTION", "").replace("%h", host).replace("%p", port)
    for left in reversed(range(5)):
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(IgnorePolicy())
        try:
            client.connect(
                host,
                port=int(port),
                sock=paramiko.ProxyCommand(bastion) if bastion else None,
                username=os.environ.get("BUILD_USER", "root"),
                pkey=paramiko.PKey.from_path(os.environ["BUILD_KEY_FILE"]),
                timeout=30,
                allow_agent=False,
                look_for_keys=False,
            )
        except (OSError, paramiko.SSHException) as error:
            if not left or isinstance(error, paramiko.AuthenticationException):
                raise
            time.sleep(2)
        else:
            break
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(15)
    return client


def await_cloud_init(client: paramiko.SSHClient, seconds: float, heard: LastOutput) -> None:
    """Wait until the machine's own set-up is over. Nothing to wait for where it has no cloud-init.

    Raises:
        Failure: it failed, or did not end within `seconds`.
    """
    _, output, _ = client.exec_command(f"sh -c {shlex.quote(CLOUD_INIT)} wait {seconds:.0f} 2>&1")
    for line in heard.through(output):
        print(str(line).rstrip())
    status = output.channel.recv_exit_status()
    if status in _TIMED_OUT:
        raise Failure(f"cloud-init did not end within {_minutes(seconds)}", [f"remedy: {BOOTSTRAP}"])
    if status != 0:
        raise Failure("cloud-init failed", [f"remedy: {BOOTSTRAP}"])


def deploy() -> None:
    """Run DEPLOYS on the machine.

    In this process, so that nothing is left running when Packer kills it.

    Raises:
        Failure: an operation failed, or deploy.py itself.
    """
    said = ""
    set_echo(click.echo)  # the program `pyinfra` does this; without it, output of scripts is not shown as it comes
    try:
        pyinfra.main(args=["-y", "inventory.py", *DEPLOYS], prog_name="pyinfra", standalone_mode=False)
    except SystemExit as end:
        if not end.code and _all_ran():
            return
        if not end.code:
            raise Failure("deploy.py ended PyInfra before all its operations had run", [f"remedy: {NO_EXIT}"]) from None
    except click.ClickException as error:
        error.show()
        # An error in deploy.py or a step comes wrapped.
        said = str(getattr(error, "exception", error))
    name, output = _failed_operation()
    raise Failure(f"step `{name}` failed" if name else "deploy.py failed", [*output, *said.splitlines()])


def _all_ran() -> bool:
    """Whether PyInfra got past the last operation. A `sys.exit()` of deploy.py ends it sooner, with its own status."""
    state = ctx_state.get()  # type: ignore[no-untyped-call]
    return state is not None and bool(state.current_stage == StateStage.Disconnect)


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


def check(machine: Machine) -> None:
    """Run checks.py, where the image has it, and the checks of every step in this context.

    Raises:
        Failure: a check failed, or pytest did.
    """
    options = ["-q", "--color=no", "--tb=short", "-c", os.devnull, "--rootdir=."]
    # Else pytest would run each conftest.py above this folder as well, and nobody has hashed those.
    options += ["--confcutdir=.", "-p", "no:cacheprovider", "--disable-plugin-autoload"]
    # Sealing last: what the other checks leave behind would be in the image too.
    steps = sorted(map(str, Path("steps").glob("*/checks.py")), key=lambda path: ("/seal/" in path, path))
    files = [*map(str, Path().glob("checks.py")), *steps]
    code = int(pytest.main([*options, *files], plugins=[machine]))
    if not code:
        return
    names = ", ".join(f"`{name}`" for name, _ in machine.failed[:3])
    more = f" and {len(machine.failed) - 3} more" if len(machine.failed) > 3 else ""
    what = f"{names}{more} failed" if names else f"pytest ended with status {code}"
    raise Failure(f"checks: {what}, so no image is made", "\n".join(said for _, said in machine.failed).splitlines())


def search_secrets(client: paramiko.SSHClient) -> None:
    """Raise Failure where a secret of this build is on the machine's disk, in any form."""
    names = tomllib.loads(Path("image.toml").read_text(encoding="utf-8")).get("secrets", [])
    values = json.loads(os.environ.get("BUILD_SECRETS", "[]"))
    if not values:
        return
    found = secret_search.search(client, {name: texts for name, (_, *texts) in zip(names, values, strict=True)})
    for name, path in found:
        print(f"secret {name} is in the image: {path}")
    if found:
        name, path = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise Failure(f"secret {name} is in the image, in {path}{more}, so no image is made", [f"remedy: {KEPT}"])


def limit(seconds: float, heard: LastOutput, late: Callable[[], Failure]) -> None:
    """From now on, the work may take `seconds`; then this process ends with `late()`."""

    def report() -> None:
        WRITTEN_KEY.unlink(missing_ok=True)
        if heard.lines:
            print(
                "its last output:", *(f"  {line.rstrip()}" for line in heard.lines), sep="\n", file=STDERR, flush=True
            )
        tell(late())

    host_process.limit(seconds, report)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"


def tell(failure: Failure) -> None:
    """Say on stderr what failed and what to do about it."""
    sys.stdout.flush()
    lines = (f"provision: {failure}", *(f"  remedy: {one}" for one in failure.remedies))
    print(*lines, sep="\n", file=STDERR, flush=True)


def provision() -> None:
    """Wait, deploy, check.

    Raises:
        Failure: one of them failed.
    """
    check_packages()
    heard = LastOutput()
    heard.listen()
    patience = float(os.environ.get("BUILD_CLOUD_INIT_SECONDS", "600"))
    # The machine itself keeps to the limit. This one is for a machine that says nothing more.
    mute = f"the machine has said nothing for {_minutes(patience + 60)}, while cloud-init was waited for"
    limit(patience + 60, heard, lambda: Failure(mute, [f"remedy: {SILENT}"]))
    try:
        client = connect()
        await_cloud_init(client, patience, heard)
        started = time.monotonic()
        machine = Machine(ListeningBackend(client, heard))
        seconds = float(os.environ.get("BUILD_SECONDS", "1800"))
        late = f"the deploy, with its checks, took longer than {_minutes(seconds)}, and was ended at"
        limit(seconds, heard, lambda: Failure(f"{late} {machine.at or _deploying()}", [f"remedy: {SLOW}"]))
        deploy()
    except (OSError, paramiko.SSHException) as error:
        raise Failure(f"no SSH connection to {os.environ['BUILD_HOST']}: {error}") from error
    finally:
        WRITTEN_KEY.unlink(missing_ok=True)
    deployed = time.monotonic()
    with client:
        check(machine)
        machine.at = "the search for secrets"
        search_secrets(client)
    print(f"provision: deployed in {deployed - started:.1f} s, checked in {time.monotonic() - deployed:.1f} s")


def _deploying() -> str:
    """What the deploy is at."""
    name, _ = _failed_operation()
    if name:
        return f"step `{name}`"
    state = ctx_state.get()  # type: ignore[no-untyped-call]
    return "the end of deploy.py" if state is not None and state.is_executing else "the beginning of deploy.py"


def main() -> int:
    """Provision; 0 when all succeeded, else 1."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        provision()
    except Failure as failure:
        tell(failure)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = 1
    try:
        status = main()
    finally:
        host_process.leave(status)
