"""Commands that Pulumi runs know their stack by the engine: two of its runs, or more, on one host."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bakewell.errors import ConfigError
from bakewell.settings import engine
from tests.waiting import LONGEST

ROOT = Path(__file__).parents[4]
IMPORTS = "import subprocess, sys; from pathlib import Path; from bakewell.settings import engine; "
PROGRAM = IMPORTS + "engine.announce(Path(sys.argv[1]), sys.argv[2])"
COMMAND = IMPORTS + "print(engine.announced(Path(sys.argv[1])))"
PLUGIN = "import subprocess, sys; subprocess.run(['/bin/sh', '-c', sys.argv[1]], check=True)"
ONE, OTHER = "127.0.0.1:40001", "127.0.0.1:40002"


def python(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=check)


def program(state: Path, address: str, stack: str) -> None:
    """As Pulumi's language host starts it."""
    python(PROGRAM, str(state), stack, "--monitor", "127.0.0.1:39999", "--engine", address)


def command(state: Path, address: str) -> str:
    """The stack of a command that a plugin of that engine runs, as `sh -c 'exec …'`."""
    text = f'exec {sys.executable} -c "{COMMAND}" {state}'
    return python(PLUGIN, text, address).stdout.strip()


def test_commands_work_on_the_stack_that_their_own_program_announced(tmp_path: Path) -> None:
    program(tmp_path, ONE, "dev")
    program(tmp_path, OTHER, "prod")
    assert command(tmp_path, ONE) == "dev"
    assert command(tmp_path, OTHER) == "prod"
    program(tmp_path, ONE, "renamed")
    assert command(tmp_path, ONE) == "renamed", "an engine of today may have the address of one of yesterday"


def test_a_command_that_people_run_has_no_engine(tmp_path: Path) -> None:
    program(tmp_path, ONE, "dev")
    with pytest.raises(ConfigError, match="which stack this command works on cannot be read"):
        engine.announced(tmp_path)


def test_a_command_whose_engine_was_told_no_stack_guesses_none(tmp_path: Path) -> None:
    program(tmp_path, ONE, "dev")
    told = python(PLUGIN, f'exec {sys.executable} -c "{COMMAND}" {tmp_path}', OTHER, check=False)
    assert told.returncode != 0 and f"none was announced to {OTHER}" in told.stderr
    inner = [sys.executable, "-c", PLUGIN, f'exec {sys.executable} -c "{COMMAND}" {tmp_path}', OTHER]
    nested = python(PLUGIN, shlex.join(inner), ONE, check=False)
    assert nested.returncode != 0 and "dev" not in nested.stdout, "an engine further up has another stack"


def test_a_program_that_pulumi_did_not_start_is_refused(tmp_path: Path) -> None:
    done = python(PROGRAM, str(tmp_path), "dev", "--engine", "nonsense", check=False)
    assert done.returncode != 0 and "let `pulumi up` start it" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "engines").write_text("in the way")
    done = python(PROGRAM, str(tmp_path), "dev", "--engine", ONE, check=False)
    assert "the state directory cannot be written" in done.stderr and "set BAKEWELL_STATE" in done.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe"])
def test_what_cannot_be_read_is_no_stack(tmp_path: Path, content: bytes) -> None:
    program(tmp_path, ONE, "dev")
    (file,) = (tmp_path / "engines").iterdir()
    file.write_bytes(content)
    text = f'exec {sys.executable} -c "{COMMAND}" {tmp_path}'
    done = python(PLUGIN, text, ONE, check=False)
    assert "which stack this command works on cannot be read" in done.stderr
