"""The Docker Engine: used if it runs; else, for root, installed from the distribution and started.

An engine that we started is remembered in the user's state folder, so that `stop` ends that one and no other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path

import docker
import psutil
from docker.errors import DockerException
from pydantic import BaseModel, ValidationError

from bakewell.errors import BakewellError
from bakewell_local.toolchain import folders
from bakewell_local.toolchain.processes import end, find
from bakewell_local.toolchain.progress import Task, say

_SERVICE_MANAGER = Path("/run/systemd/system")
_BY_HAND = "start Docker (for root, this does it by itself), or point DOCKER_HOST at an engine"


class Started(BaseModel):
    """The record of an engine that we started.

    Attributes:
        pid: of dockerd, or None where the service manager runs it.
        born: the process's start time, which tells it from a later one with the same pid.
    """

    pid: int | None
    born: float | None = None


def problem() -> str | None:
    """Why no engine answers, in one line; None when one does."""
    try:
        with closing(docker.from_env(timeout=10)) as client:
            client.api.ping()
    except DockerException as error:
        if "PermissionError" in str(error) or "Permission denied" in str(error):
            return "the Docker Engine runs, but this user may not use it"
        return "no Docker Engine answers"
    return None


def ensure() -> bool:
    """Have an engine that answers. True when this call started it.

    Raises:
        BakewellError: there is none and this user can't start one; the message says what to do.
    """
    trouble = problem()
    if trouble is None:
        return False
    if os.environ.get("DOCKER_HOST"):
        raise BakewellError(f"{trouble} at DOCKER_HOST", remedy="start that engine, or unset DOCKER_HOST")
    if "may not" in trouble:
        raise BakewellError(trouble, remedy="join the group docker and log in again, or run this as root")
    if os.geteuid() != 0:
        raise BakewellError(trouble, remedy=_BY_HAND)
    with folders.alone(_record().with_name("lock"), "engine", "starting"):
        if problem() is None:
            return False  # another process of ours has started it meanwhile
        if shutil.which("dockerd") is None:
            _install()
            if problem() is None:  # a service manager starts it on installation
                _remember(Started(pid=None))
                return True
        _start()
    return True


def started() -> Started | None:
    """The engine that we started and that still runs, or None."""
    try:
        record = Started.model_validate_json(_record().read_text())
    except (FileNotFoundError, ValidationError):
        return None
    if record.pid is None:
        return record if problem() is None else None
    process = find(record.pid)
    return record if process is not None and abs(process.create_time() - (record.born or 0)) < 1 else None


def stop() -> None:
    """End the engine that we started, if there is one; an engine of anybody else is left alone.

    Raises:
        BakewellError: it does not end.
    """
    record = started()
    if record is not None:
        with Task("engine", "ending the Docker Engine that was started here"):
            if record.pid is None:
                _systemctl("stop", "docker.socket", "docker")
            else:
                # Never killed: it would leave its containers and their mounts behind.
                if end([psutil.Process(record.pid)], 60, force=False):
                    raise BakewellError(
                        f"dockerd ({record.pid}) does not end", file=_log(), remedy="look at its log; then kill it"
                    )
    _record().unlink(missing_ok=True)


def busy() -> int:
    """How many containers the engine runs, of anybody."""
    with closing(docker.from_env()) as client:
        return len(client.containers.list())


def _install() -> None:
    if shutil.which("apt-get") is None:
        raise BakewellError("no Docker Engine is installed", remedy="install it, then run this again")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = _log().with_name("install.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with Task("engine", "installing docker.io from the distribution"), log.open("w") as output:
        for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", "docker.io", "iptables"]):
            done = subprocess.run(
                ["apt-get", *command], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            if done.returncode != 0:
                raise BakewellError(
                    f"apt-get {command[0]} failed", file=log, remedy="see its log; or install Docker by hand"
                )


def _start() -> None:
    if _SERVICE_MANAGER.is_dir():
        with Task("engine", "starting the Docker service"):
            _systemctl("start", "docker")
            _remember(Started(pid=None))
            _wait(None)
        return
    log = _log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with Task("engine", "starting dockerd (no service manager runs here)"), log.open("w") as output:
        process = subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,  # it outlives this command, and Ctrl-C is not meant for it
        )
        _remember(Started(pid=process.pid, born=psutil.Process(process.pid).create_time()))
        _wait(process)
    say("engine", f"its log: {log}")


def _systemctl(*words: str) -> None:
    done = subprocess.run(["systemctl", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        why = done.stderr.strip() or f"status {done.returncode}"
        raise BakewellError(f"systemctl {' '.join(words)} failed: {why}", remedy="see journalctl -u docker")


def _wait(process: subprocess.Popen[bytes] | None, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while problem() is not None:
        if process is not None and process.poll() is not None:
            raise BakewellError(f"dockerd ended at once (status {process.returncode})", file=_log(), remedy=_tail())
        if time.monotonic() > until:
            raise BakewellError(f"the Docker Engine does not answer after {seconds:.0f} s", file=_log(), remedy=_tail())
        time.sleep(0.2)


def _tail() -> str:
    lines = _log().read_text(errors="replace").splitlines() if _log().is_file() else []
    return f"its last word was: {lines[-1]}" if lines else "see the service manager's log (journalctl -u docker)"


def _remember(record: Started) -> None:
    _record().parent.mkdir(parents=True, exist_ok=True)
    _record().write_text(record.model_dump_json())


def _record() -> Path:
    return folders.state() / "engine" / "started.json"


def _log() -> Path:
    return folders.state() / "engine" / "dockerd.log"
