"""Odd arguments, environments and streams end in a message with an exit code, never as "unexpected"."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakewell.errors import Interrupted
from tests.unit.cli.conftest import Bakewell
from tests.unit.cli.test_cli_commands import finished
from tests.unit.commands import COMMANDS

LONG = "x" * 300
SURROGATE = "\udcff"
WORDS = ["", "a..b", "../../v2/droplets", "é", SURROGATE, "a" * 5000, " ", "\n", "%s", "[x]", "🎉", "-", "."]


def plain(code: int, err: str) -> bool:
    return code in (0, 1, 2, 3, 4) and "unexpected" not in err and "Traceback" not in err


@pytest.mark.parametrize(
    "call",
    [
        ["build"],
        ["validate"],
        ["stage", "web"],
        ["lock"],
        ["lock", "debian-12", "--image"],
        ["copy", "web"],
        ["list", "--cloud"],
        ["container", "--remove"],
        ["container", "x", "--image"],
        ["ready", "--timeout", "1", "--address"],
        ["fleet", "--timeout", "1", "--group"],
    ],
    ids=" ".join,
)
def test_any_word_is_taken_or_refused(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: list[str]
) -> None:
    if call[0] == "container":
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    if call[0] == "fleet":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for word in WORDS:
        done = bakewell(*call, word)
        assert plain(done.code, done.err), (word, done.err)


@pytest.mark.parametrize(
    "call", [["--hush-hush"], ["hush-hush"], ["copy", "web", "--hush-hush"], ["build", "hush-hush"]]
)
def test_a_secret_among_the_arguments_is_not_repeated(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, call: list[str]
) -> None:
    monkeypatch.setenv("X_TOKEN", "hush-hush")
    done = bakewell(*call)
    assert done.code == 2 and "***" in done.err and "hush" not in done.err


def test_lock_asks_for_an_image_and_nothing_else(bakewell: Bakewell) -> None:
    for image in ["../../v2/droplets", "..", "debian/../x", "a?b", "a#b", "é", "a b", "-x", "/x", "%2e"]:
        done = bakewell("lock", "debian-12", f"--image={image}")
        assert done.code == 2 and "is no image of DigitalOcean's" in done.err, image


def test_retire_succeeds_and_ready_refuses_whatever_the_address(bakewell: Bakewell) -> None:
    for address in ["a..b", "", SURROGATE, "é", "1.2.3.4\n", "x" * 254, "a b", "-x", "http://x", "::zz"]:
        assert bakewell("retire", f"--address={address}").code == 0, address
        if address:
            done = bakewell("ready", "--timeout=1", f"--address={address}")
            assert done.code == 2 and "is no address of a machine" in done.err, address


def test_ready_refuses_a_url_that_is_none(bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEWELL_MACHINE", "web-1")
    for url in ["http://a..b/", "nonsense", "http://[::1/", "http://x:99999999/", f"http://{SURROGATE}/", "ftp://x"]:
        monkeypatch.setenv("BAKEWELL_URL", url)
        done = bakewell("ready", "--timeout=1", "--address=127.0.0.1")
        assert done.code == 2 and plain(done.code, done.err), done.err


OFFLINE = [["list"], ["build", "web"], ["clean"], ["validate"], ["doctor"], ["retire"], ["container", "x", "--remove"]]
PLACES: Mapping[str, Mapping[str, str | None]] = {
    "no home": {"HOME": None, "BAKEWELL_STATE": None},
    "a home that is not there": {"HOME": "/nonexistent", "BAKEWELL_STATE": None},
    "a home of nobody": {"BAKEWELL_SSH_KEY": "~nosuchuser/k"},
    "a state directory that is a file": {"BAKEWELL_STATE": "FILE"},
    "a state directory below a file": {"BAKEWELL_STATE": "FILE/x"},
    "a state directory with too long a name": {"BAKEWELL_STATE": f"/tmp/{LONG}"},
    "no temporary folder": {"TMPDIR": "/nonexistent"},
    "a stack elsewhere": {"BAKEWELL_STACK": "../x"},
    "a stack with a line break": {"BAKEWELL_STACK": "dev\n"},
    "a stack with a long name": {"BAKEWELL_STACK": LONG},
    "a stack that is no text": {"BAKEWELL_STACK": SURROGATE},
    "an endpoint that is no text": {"DIGITALOCEAN_API_URL": f"http://127.0.0.1{SURROGATE}"},
    "an endpoint with a port too large": {"DIGITALOCEAN_API_URL": "http://127.0.0.1:99999999"},
    "a socket that is none": {"DOCKER_HOST": "nonsense"},
    "a number that is none": {"BAKEWELL_PARALLEL": "²"},
    "a terminal as wide as no number": {"COLUMNS": "²", "LINES": "²"},
    "checksums that are a folder": {"BAKEWELL_DOWNLOADS": "/"},
}


@pytest.mark.parametrize("place", PLACES)
def test_any_place_is_taken_or_refused(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    for variable, value in PLACES[place].items():
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value.replace("FILE", str(tmp_path / "file")))
    if "DOCKER_HOST" not in PLACES[place]:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    for call in OFFLINE:
        done = bakewell(*call)
        assert plain(done.code, done.err), (call, done.err)
        assert call != ["retire"] or done.code == 0


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_working_directory_that_is_gone(
    bakewell: Bakewell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setenv("BAKEWELL_STATE", "relative")
    more = {"stage": ["web", "x"], "copy": ["web", "sfo3"], "container": ["x", "--remove"]}
    more |= {"new-role": ["x"], "ready": ["--address", "127.0.0.1"], "fleet": ["--group", "x"], "eject": ["x"]}
    more |= {"import images": ["--name-regex", "x", "--role", "x"]}
    more |= {"import templates": ["x.json"]}
    done = bakewell(*command.split(), *more.get(command, []))
    assert done.code == (0 if command == "retire" else 2) and plain(done.code, done.err), done.err
    assert "working directory" in done.err or command == "retire"


def shell(bakewell: Bakewell, line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own; `line` is its shell, in which "$@" is the command."""
    program = str(Path(sys.executable).with_name("bakewell"))
    return subprocess.run(
        ["sh", "-c", line, "sh", program, *arguments],
        cwd=bakewell.site.root,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("way", "line"),
    [
        (">&-", "list --json"),
        (">/dev/full", "list --json"),
        (">/dev/full", "roles"),
        (">&-", "roles --markdown"),
        (">/dev/full", "--help"),
    ],
)
def test_a_stdout_that_takes_nothing_is_said(bakewell: Bakewell, way: str, line: str) -> None:
    done = shell(bakewell, f'"$@" {way}', *line.split())
    assert done.returncode == 1 and done.stderr.startswith("error: stdout cannot be written: "), done.stderr
    assert done.stderr.count("\n") == 2, "nothing of Python's own when it ends"


@pytest.mark.parametrize("arguments", [["roles", "--json"], ["list"]], ids=" ".join)
def test_a_reader_that_has_gone_is_told_nothing(bakewell: Bakewell, arguments: list[str]) -> None:
    done = shell(bakewell, '{ "$@"; echo $? >&2; } | true', *arguments)
    assert done.stderr in ("1\n", "0\n"), "it may have written all before the other end was closed"


@pytest.mark.parametrize("way", ["2>/dev/full", "<&- 2>&-"])
def test_without_stderr_or_stdin_the_answer_is_the_same(bakewell: Bakewell, way: str) -> None:
    finished(bakewell, "base", 1)
    assert shell(bakewell, f'"$@" {way}', "list", "--json").stdout == bakewell("list", "--json").out


def test_all_three_closed_print_into_no_file(bakewell: Bakewell) -> None:
    """The first file that is opened would get the number of stdout."""
    done = shell(bakewell, '"$@" <&- >&- 2>&-', "clean", "--json")
    assert done.returncode == 1
    files = [path for path in bakewell.site.state.rglob("*") if path.is_file()]
    assert all(b"dry_run" not in path.read_bytes() for path in files)


def test_ctrl_c_while_commands_are_loaded_is_one_line() -> None:
    program = """
import sys
from bakewell import cli
class Slow:
    def find_spec(self, name, *_):
        if name == "bakewell.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Slow())
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (Interrupted.exit_code, "error: interrupted\n")
