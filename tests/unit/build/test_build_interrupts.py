"""Builds that are told to stop, or killed: what they leave and who removes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from bakewell.build import orphans
from bakewell.build.build import build
from bakewell.build.stop import Stop
from bakewell.catalog import layers
from bakewell.errors import BuildError, Interrupted
from tests.contract.served import TOKEN
from tests.unit.build.conftest import Said, Site
from tests.waiting import LONGEST, until

TOLD = """
import os, pathlib, runpy
from bakewell.catalog import layers
from bakewell.settings import engine
layers.SHARED = pathlib.Path(os.environ["SHARED"])  # as in this process
engine.announced = lambda state: "dev"  # or this process would need an engine's plugin for its parent
runpy.run_module("bakewell", run_name="__main__", alter_sys=True)
"""


def in_background(site: Site, said: Said, stop: Stop) -> tuple[threading.Thread, list[BaseException]]:
    """A build of base in a thread, and what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            build(site.job("base"), stop, said.append)
        except (Interrupted, BuildError) as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: site.packer.hanging)
    return thread, raised


def command(site: Site) -> subprocess.Popen[bytes]:
    """`bakewell build base` as Pulumi runs it, up to the moment when its machine exists."""
    found = site.job("base").fingerprint.value
    environ = os.environ | {
        "DIGITALOCEAN_TOKEN": TOKEN,
        "DIGITALOCEAN_API_URL": site.served.api.endpoint,
        "BAKEWELL_STATE": str(site.state),
        "BAKEWELL_FINGERPRINT": found,
        "SHARED": str(layers.SHARED),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", TOLD, "build", "base"],
        cwd=site.root,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: site.packer.hanging)
    return process


def supervisors(site: Site) -> list[psutil.Process]:
    """Supervisors of this site's builds."""
    return [p for p in psutil.process_iter(["cmdline"]) if f"{site.state}/logs" in " ".join(p.info["cmdline"] or ())]


def holds(processes: list[psutil.Process], pipe: IO[bytes] | None) -> bool:
    """Whether one of the processes, or of those they started, has the pipe open."""
    assert pipe is not None and processes
    name = Path(f"/proc/self/fd/{pipe.fileno()}").readlink()
    for process in [one for each in processes for one in (each, *each.children(recursive=True))]:
        for path in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since
                if path.readlink() == name:
                    return True
    return False


def reap(site: Site, said: Said) -> int:
    return orphans.reap(site.cloud, site.environment.endpoint, "bakewell", site.state, said.append)


def test_told_to_stop_before_packer_starts_it_makes_nothing(site: Site, said: Said) -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Interrupted):
        build(site.job("base"), stop, said.append)
    site.leaves()
    assert site.runs() == []


def test_a_packer_that_ignores_sigint_is_killed_and_its_machine_removed(site: Site, said: Said) -> None:
    site.mode("base", "stubborn")
    stop = Stop()
    thread, raised = in_background(site, said, stop)
    packer_pid = site.packer.hanging
    stop.ask()
    thread.join(LONGEST)
    assert not psutil.pid_exists(packer_pid)
    assert [error.exit_code for error in raised if isinstance(error, BuildError | Interrupted)] == [4]
    site.leaves()
    assert len(site.runs()) == 1, "a request may still be under way: the next command looks again"
    assert reap(site, said) == 0
    assert site.runs() == []


def test_sigint_to_the_command_cleans_up_and_exits_with_5(site: Site) -> None:
    site.mode("base", "hang")
    process = command(site)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 5 and out == b""
    assert b"base | error: " in err and b"interrupted, cleaning up" in err and b"Traceback" not in err
    assert all(line.startswith(b"base | ") for line in err.splitlines())
    site.leaves()
    assert site.runs() == []


def test_after_sigkill_the_supervisor_has_packer_clean_up_and_the_next_build_does_the_rest(
    site: Site, said: Said
) -> None:
    site.mode("base", "hang")
    process = command(site)
    # Pulumi would wait for whoever else has the pipes that it reads.
    assert not holds(supervisors(site), process.stdout) and not holds(supervisors(site), process.stderr)
    process.kill()
    process.communicate(timeout=LONGEST)
    until(lambda: supervisors(site), lambda found: found == [])
    site.leaves("keys")
    assert len(site.runs()) == 2, "the record and the run's folder"
    until(lambda: orphans.waiting(site.environment.endpoint, "bakewell", site.state))  # the record's lock is free, too
    site.mode("base", "")
    build(site.job("base"), Stop(), said.append)
    site.leaves()
    reap(site, said)
    assert site.runs() == []


def test_while_its_supervisor_lives_a_killed_build_is_left_alone(site: Site, said: Said) -> None:
    site.mode("base", "hang")
    process = command(site)
    os.kill(supervisors(site)[0].pid, signal.SIGSTOP)
    process.kill()
    process.communicate(timeout=LONGEST)
    try:
        assert reap(site, said) == 0
        site.leaves("droplets", "keys")
    finally:
        for supervisor in supervisors(site):
            supervisor.send_signal(signal.SIGCONT)
    until(lambda: supervisors(site), lambda found: found == [])
    assert not psutil.pid_exists(site.packer.hanging)
    assert reap(site, said) >= 1
    site.leaves()


def test_when_the_supervisor_is_killed_the_build_ends_packer_itself(site: Site, said: Said) -> None:
    site.mode("base", "hang")
    thread, raised = in_background(site, said, Stop())
    supervisors(site)[0].kill()
    thread.join(40)
    assert not psutil.pid_exists(site.packer.hanging)
    assert [type(error).__mro__[1] for error in raised] == [BuildError]
    site.leaves()
