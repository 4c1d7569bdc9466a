"""Commands that Pulumi runs know their stack by the engine: two of its runs, or more, on one host."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bakewell.errors import BakewellError, ConfigError
from bakewell.settings import engine
from tests.waiting import LONGEST

ROOT = Path(__file__).parents[4]
IMPORTS = "import subprocess, sys; from pathlib import Path; from bakewell.settings import engine; "
PROGRAM = IMPORTS + "engine.announce(Path(sys.argv[1]), sys.argv[2])"
COMMAND = IMPORTS + "print(engine.announced(Path(sys.argv[1])))"
PLUGIN = "import subprocess, sys; subprocess.run(['/bin/sh', '-c', sys.argv[1]], check=True)"
ONE, OTHER = "127.0.0.1:40001", "127.0.0.1:40002"

RunBy = Callable[..., None]


@pytest.fixture
def run_by(monkeypatch: pytest.MonkeyPatch) -> RunBy:
    """Have this process, and those above it, have these command lines."""

    def lines(*lines: str) -> None:
        own, *parents = (SimpleNamespace(cmdline=line.split) for line in lines)
        own.parents = lambda: parents
        monkeypatch.setattr(psutil, "Process", lambda: own)

    return lines


def announce(run_by: RunBy, state: Path, address: str, stack: str) -> None:
    run_by(f"python __main__.py --monitor 127.0.0.1:39999 --engine {address}")
    engine.announce(state, stack)


def python(*words: str) -> str:
    argv = [sys.executable, "-c", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=True).stdout.strip()


def test_commands_work_on_the_stack_that_their_own_program_announced(tmp_path: Path) -> None:
    """Processes as Pulumi's language host and a plugin start them."""
    for stack, address in (("dev", ONE), ("prod", OTHER)):
        python(PROGRAM, str(tmp_path), stack, "--monitor", "127.0.0.1:39999", "--engine", address)
    assert python(PLUGIN, f'exec {sys.executable} -c "{COMMAND}" {tmp_path}', ONE) == "dev"


def test_an_engine_of_today_may_have_the_address_of_one_of_yesterday(tmp_path: Path, run_by: RunBy) -> None:
    for stack in ("dev", "renamed"):
        announce(run_by, tmp_path, ONE, stack)
    run_by("bakewell build", "sh -c exec", f"plugin {ONE}")
    assert engine.announced(tmp_path) == "renamed"


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (("bash", "init"), "none was announced to an engine that runs it"),
        (("sh", f"plugin {OTHER}"), f"none was announced to {OTHER}"),
        (("sh", f"plugin {OTHER}", f"plugin {ONE}"), f"none was announced to {OTHER}"),
    ],
    ids=["people", "an engine that was told no stack", "an engine further up has another stack"],
)
def test_a_command_whose_engine_was_told_no_stack_guesses_none(
    tmp_path: Path, run_by: RunBy, above: tuple[str, ...], said: str
) -> None:
    announce(run_by, tmp_path, ONE, "dev")
    run_by("bakewell build", *above)
    with pytest.raises(ConfigError, match=f"which stack this command works on cannot be read: {said}"):
        engine.announced(tmp_path)


def test_a_plugin_announces_by_its_plain_argument(tmp_path: Path, run_by: RunBy) -> None:
    run_by(f"python /usr/bin/pulumi-resource-bakewell {ONE}")
    engine.announce(tmp_path, "dev")
    run_by("bakewell build", "sh -c exec", f"pulumi-resource-command {ONE}")
    assert engine.announced(tmp_path) == "dev"


def test_a_program_that_pulumi_did_not_start_is_refused(tmp_path: Path, run_by: RunBy) -> None:
    with pytest.raises(ConfigError) as caught:
        announce(run_by, tmp_path, "nonsense", "dev")
    assert "let `pulumi up` start it" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_that_cannot_be_written_or_read_is_said(tmp_path: Path, run_by: RunBy) -> None:
    announce(run_by, tmp_path, ONE, "dev")
    (file,) = (tmp_path / "engines").iterdir()
    file.write_bytes(b"\xff\xfe")
    run_by("bakewell build", f"plugin {ONE}")
    with pytest.raises(ConfigError, match="which stack this command works on cannot be read"):
        engine.announced(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "engines").write_text("in the way")
    with pytest.raises(BakewellError, match="the state directory cannot be written") as caught:
        announce(run_by, tmp_path / "other", ONE, "dev")
    assert "set BAKEWELL_STATE" in caught.value.remedy
