"""Ending processes: each is told first. That a zombie has ended, the tests of the engine show."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from bakewell_local.toolchain import processes

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


@pytest.mark.parametrize("force", [True, False])
def test_one_that_does_not_listen_is_killed_or_told_and_one_that_is_gone_is_no_error(force: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        process = psutil.Process(child.pid)
        assert processes.find(child.pid) == process
        assert processes.end([process], 0.2, force=force) == ([] if force else [process])
        assert processes.alive(process) is not force
        child.kill()
    assert processes.end([process], 1) == []
    assert processes.find(child.pid) is None
