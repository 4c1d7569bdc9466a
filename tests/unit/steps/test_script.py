"""The step script: what goes to the machine and how, and what is said about a script that fails."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyinfra.api import DeployError, output
from pyinfra.api.exceptions import PyinfraError
from steps import script

from tests.unit.steps.harness import Operation, given, shell

SECRET = "s3cr3t'word"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A role's folder, where the build runs; scripts that really run lie beside it."""
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(script, "FOLDER", str(tmp_path / "run"))
    return tmp_path


def write(text: str, name: str = "files/install.sh") -> str:
    Path(name).write_text(text)
    return name


def test_a_script_is_put_beside_its_interpreter_and_arguments(folder: Path) -> None:
    source = write("#!/bin/bash -eu\necho hello\n")
    [operation] = given(lambda: script.run(source, args=["a b", "c"]))
    assert operation.name == "Script | files/install.sh"
    clear, put, run = operation.commands
    assert (clear, put) == (f"rm -rf {folder}/run && mkdir -m 700 {folder}/run", f"put {folder}/run/script")
    assert operation.files == {f"{folder}/run/script": "#!/bin/bash -eu\necho hello\n"}
    assert shlex.split(run)[3:] == ["script", f"{folder}/run", "/bin/bash", "-eu", f"{folder}/run/script", "a b", "c"]


def test_values_go_by_stdin_and_are_no_process_arguments() -> None:
    source = write("echo\n")
    env: dict[str, Any] = {"PORT": 80, "TLS": True, "NAME": "it's"}
    data = {"secrets": {"TOKEN": SECRET, "OTHER": "not asked for"}}
    [operation] = given(lambda: script.run(source, env=env, secrets=["TOKEN"]), data=data)
    lines = ("PORT=80", "TLS=true", f"NAME={shlex.quote(env['NAME'])}", f"TOKEN={shlex.quote(SECRET)}")
    assert operation.stdin == "".join(f"export {line}\n" for line in lines)
    assert not any(value in command for command in operation.commands for value in (SECRET, "it's", "not asked for"))
    assert "not asked for" not in operation.stdin


def test_inline_commands_are_one_script_that_ends_at_the_first_failure(folder: Path) -> None:
    [operation] = given(lambda: script.inline(["apt-get update", "apt-get install -y htop"]))
    assert operation.name == "Script | inline script: apt-get update"
    text = "#!/bin/sh -e\napt-get update\napt-get install -y htop\n"
    assert operation.files == {f"{folder}/run/script": text}


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("#!/bin/sh", ["/bin/sh"]),
        ("#! /bin/sh -e -u ", ["/bin/sh", "-e -u"]),
        ("#!/usr/bin/env python3", ["/usr/bin/env", "python3"]),
        ("echo no interpreter", ["/bin/sh"]),
        ("#!", ["/bin/sh"]),
    ],
)
def test_the_first_line_names_the_interpreter_as_for_the_kernel(first: str, words: list[str]) -> None:
    assert script.interpreter(f"{first}\necho\n") == words


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: script.run("files/none.sh"), "cannot be read: No such file"),
        (lambda: script.run("../other.sh"), "lies outside of the image's folder"),
        (lambda: script.run("/etc/profile"), "lies outside of the image's folder"),
        (lambda: script.run("files/binary"), "is no text"),
        (lambda: script.run("files/dos.sh"), "line ends of Windows"),
        (lambda: script.inline(["true"], env={"A-B": "x"}), "`A-B` can be no variable"),
        (lambda: script.inline(["true"], secrets=["TOKEN"]), "wants the secret TOKEN"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_does(call: Callable[[], None], what: str) -> None:
    Path("files/binary").write_bytes(b"\x7fELF\xff\xfe")
    Path("files/dos.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")
    with pytest.raises(DeployError, match="remedy: ") as refused:
        given(call)
    assert what in str(refused.value)


@pytest.mark.parametrize("wrong", [{"args": "--quiet"}, {"env": ["A=b"]}, {"secrets": "TOKEN"}])
def test_an_argument_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        given(lambda: script.run(write("echo\n"), **wrong))  # type: ignore[arg-type]


def run(step: Callable[[], None], log: pytest.LogCaptureFixture, **secrets: str) -> tuple[bool, str]:
    """Run a script on this host. Whether it succeeded, and what was said after it failed."""
    done: list[Operation] = []
    try:
        done += given(step, data={"secrets": secrets}, host="@local")
    except PyinfraError:
        return False, log.text
    assert shell(done)
    return True, ""


def test_a_script_sees_its_variables_and_nothing_on_stdin(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = ["cat > read", 'printf "%s|" "$A" "$TOKEN" "$0" "$@" > seen']
    source = write("#!/bin/sh -e\n" + "".join(f"{line}\n" for line in [f"cd {folder}", *lines]))
    step = lambda: script.run(source, args=["x y"], env={"A": "1\n2 $HOME"}, secrets=["TOKEN"])  # noqa: E731
    succeeded, said = run(step, caplog, TOKEN=SECRET)
    assert succeeded, said
    assert (folder / "seen").read_text() == f"1\n2 $HOME|{SECRET}|{folder}/run/script|x y|"
    assert (folder / "read").read_text() == ""
    assert not (folder / "run").exists(), "nothing of it stays"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("#!/bin/bash\nset -e\nif true; then\n  ls /nowhere\nfi\n", "line 4 (`ls /nowhere`) ended with exit status 2"),
        ("#!/usr/bin/env bash\nset -e\nf() {\n  false\n}\nf\n", "line 4 (`false`) ended with exit status 1"),
        ("#!/bin/bash -eu\necho\necho $NOPE\n", "line 3 (`echo $NOPE`) ended with exit status 1"),
        # An earlier failure is not what ended a script that goes on after failures.
        ("#!/bin/bash\nfalse\nexit 3\n", "files/install.sh ended with exit status 3"),
        ("#!/bin/sh\nset -eu\necho\necho $NOPE\n", "line 4 (`echo $NOPE`) ended with exit status 2"),
        ("set -e\nfalse\n", "files/install.sh ended with exit status 1"),
        ("#!/no/such/interpreter\n", "files/install.sh ended with exit status 127"),
        ("#!/bin/sh\nkill -KILL $$\n", "files/install.sh was killed"),
    ],
)
def test_a_failure_is_told_with_the_line_and_the_status(
    text: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    succeeded, said = run(lambda: script.run(write(text)), caplog)
    assert not succeeded
    assert where in said and "remedy: " in said


def test_a_failed_command_of_an_inline_script_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    succeeded, said = run(lambda: script.inline(["true", "set -u; echo $NOPE"]), caplog)
    assert not succeeded
    assert "inline script, its command 2 (`set -u; echo $NOPE`) ended with exit status 2" in said


def test_output_is_shown_under_the_scripts_name_while_it_runs(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def hear(line: str, **how: object) -> None:
        heard.append(line)
        (folder / "heard").touch()

    monkeypatch.setattr(output, "_echo", hear)
    source = write(f"echo one\nwhile [ ! -e {folder}/heard ]; do sleep 0.01; done\necho two >&2\n")
    succeeded, said = run(lambda: script.run(source), caplog)
    assert succeeded, said
    assert heard == ["[@local] files/install.sh: one", "[@local] files/install.sh: two"]
