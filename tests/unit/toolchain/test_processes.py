"""Ending processes, also where nobody reaps them: a zombie is no process to wait for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.waiting import LONGEST
from toolchain import processes

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_one_that_ended_but_was_not_reaped_is_not_waited_for(child: subprocess.Popen[bytes]) -> None:
    begin = time.monotonic()
    assert processes.end([psutil.Process(child.pid)], 600) == []
    assert time.monotonic() - begin < LONGEST
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert processes.find(child.pid) is None


def test_one_that_does_not_listen_is_killed(stubborn: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(stubborn.pid)
    assert processes.end([process], 0.2) == []
    assert not processes.alive(process)


def test_one_that_must_not_be_killed_is_told(stubborn: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(stubborn.pid)
    assert processes.end([process], 0.2, force=False) == [process]
    assert processes.alive(process)


def test_one_that_is_gone_is_no_error(child: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(child.pid)
    child.kill()
    child.wait()
    assert processes.end([process], 1) == []
    assert processes.find(child.pid) is None
    assert processes.find(os.getpid()) is not None
