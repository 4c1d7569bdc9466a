"""Regular files of a bounded size, wherever a command or the program reads one; and nothing reads in another way."""

from __future__ import annotations

import ast
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bakewell import desired
from bakewell.build import runs
from bakewell.errors import BakewellError, ConfigError
from bakewell.machine.ssh import Ssh
from bakewell.reading import LIMIT, read_text
from bakewell.settings import load_settings
from bakewell.validation import validate_machines
from tests.unit.core.conftest import Tree
from tests.unit.core.stack.test_desired import local
from tests.waiting import LONGEST

ROOT = Path(__file__).parents[4]
WEB = 'description = "web"\nparent = "base"\n'


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def unix_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LIMIT * 1000)


KINDS = [pipe, device, folder, unix_socket, endless]


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """A read that waits for somebody ends as a failure, not as a run that never does."""

    def waited(*_: object) -> None:
        raise AssertionError("it waits for somebody to write into the pipe")

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(int(LONGEST))
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_regular_file_of_a_bounded_size_is_read(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    kind(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"file: it cannot be read|file: it has more than"):
        read_text(tmp_path / "file", "it")


def test_a_file_of_proc_which_has_no_size_is_read() -> None:
    assert read_text(Path("/proc/self/status"), "it").startswith("Name:")


def test_lines_end_as_they_always_did(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\r\nb\rc\n")
    assert read_text(tmp_path / "file", "it") == (tmp_path / "file").read_text() == "a\nb\nc\n"


NAMES = [
    "../Pulumi.dev.yaml",
    "../Pulumi.yaml",
    "bases.lock",
    "packer.pkr.hcl",
    "images/web/image.toml",
    "images/web/deploy.py",
    "images/web/checks.py",
    "images/web/more.py",
    "images/web/files/index.html",
    "images/web/bootstrap.yaml",
    "steps/docker/downloads.toml",
    "steps/__init__.py",
    "steps/docker/repository.py",
]
FOLDERS_TOO = ("more.py", "index.html", "bootstrap.yaml", "packer.pkr.hcl", "repository.py", "__init__.py")
"""Names that a folder of a context may have as well."""


@pytest.mark.parametrize(
    ("kind", "name"), [(k, n) for k in KINDS for n in NAMES if k is not folder or not n.endswith(FOLDERS_TOO)]
)
def test_every_file_of_a_project_is_a_regular_one(tree: Tree, kind: Callable[[Path], None], name: str) -> None:
    packer = tree({"images/web/image.toml": WEB, "images/web/deploy.py": "import steps.docker\n"})
    path = packer / name
    path.unlink(missing_ok=True)
    kind(path)
    if name.startswith("../"):
        (packer.parent / "Pulumi.dev.yaml").touch()
        with pytest.raises(ConfigError):
            load_settings("dev", packer.parent)
        return
    (packer.parent / "Pulumi.dev.yaml").write_text("config: {bakewell:roles: [web]}\n")
    settings = load_settings("dev", packer.parent)
    with pytest.raises(ConfigError):
        desired.read(settings, packer.parent, "digitalocean", file="Pulumi.dev.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_an_ssh_key_is_a_regular_file(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    kind(tmp_path / "key")
    with pytest.raises(ConfigError, match="BAKEWELL_SSH_KEY"):
        Ssh("192.0.2.1", tmp_path / "key")


def test_a_preview_does_not_wait_for_a_key_in_a_pipe(tmp_path: Path, tree: Tree) -> None:
    pipe(tmp_path / "key")
    (tree().parent / "Pulumi.dev.yaml").touch()
    root = tree().parent
    (root / "Pulumi.dev.yaml").write_text("config: {bakewell:digitalocean: {droplets: {web: {ssh_keys: [7]}}}}\n")
    wanted = desired.read(load_settings("dev", root), root, "digitalocean", file="x")
    environment = local(tmp_path)
    object.__setattr__(environment, "ssh_key", tmp_path / "key")
    with pytest.raises(ConfigError, match="the SSH key cannot be read: it is a pipe"):
        validate_machines(wanted, environment)


@pytest.mark.parametrize("kind", [pipe, folder, unix_socket])
def test_a_record_of_a_run_that_is_no_file_is_not_waited_for(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    (tmp_path / "runs").mkdir()
    kind(tmp_path / "runs" / "0123456789ab.lock")
    with pytest.raises(BakewellError, match="the state directory cannot be read"):
        list(runs.known(tmp_path))


def test_a_file_that_becomes_a_pipe_after_it_was_found_is_not_waited_for(tree: Tree) -> None:
    from bakewell.context.hashing import hash_files
    from bakewell.context.walk import files_in

    packer = tree()
    found = next(one for one in files_in(packer / "images" / "web", layer="role") if one.path == "files/index.html")
    Path(found.source).unlink()
    pipe(Path(found.source))
    with pytest.raises(BakewellError, match="it is a pipe"):
        hash_files([found])


# The rule: nothing but `bakewell.reading` opens what somebody else may have put there.

OWN = "a file that this process, or another command of ours, has made"
READERS = {"open", "read_text", "read_bytes", "copyfile", "copy2", "copytree", "from_path", "safe_load", "load"}
ALLOWED: dict[tuple[str, str], str] = {
    ("bakewell/reading/files.py", "os.open"): "the one place that opens",
    ("bakewell/reading/formats.py", "yaml.load"): "of a text, by a SafeLoader without aliases",
    ("bakewell/build/log.py", "os.open"): "makes a new log",
    ("bakewell/build/log.py", "path.open"): OWN,
    ("bakewell/build/log.py", "self._path.open"): OWN,
    ("bakewell/build/packer.py", "manifest.read_text"): OWN,
    ("bakewell/build/packer.py", "os.open"): "writes variables",
    ("bakewell/build/packer.py", "log.open"): OWN,
    (
        "bakewell/build/runs.py",
        "os.open",
    ): "makes a key, makes or locks a record; for both ways, a pipe is not waited for",
    ("bakewell/build/supervisor.py", "Path(path).open"): OWN,
    ("bakewell/build/supervisor.py", "json.load"): "of stdin",
    ("bakewell/build/supervisor.py", "path.read_bytes"): "of /proc",
    ("bakewell/cli/stderr.py", "os.open"): "of /dev/null, in the place of a closed stream",
    ("bakewell/cli/streams.py", "os.open"): "of /dev/null, in the place of a closed stream",
    ("bakewell/context/hashing.py", "target.open"): "writes what is staged",
    ("bakewell/machine/container.py", "tarfile.open"): "in memory",
    (
        "bakewell/scaffold/sources.py",
        "_PACKAGE.joinpath('files', path).read_text",
    ): "of this package, or of the repository",
    ("bakewell/scaffold/sources.py", "bundled.read_text"): "of this package, or of the repository",
    (
        "bakewell/scaffold/sources.py",
        "(Path(__file__).parents[2] / path).read_text",
    ): "of this package, or of the repository",
    ("bakewell/scaffold/writing.py", "target.open"): "makes a new file",
    ("bakewell/machine/ssh.py", "paramiko.PKey.from_path"): "of what was looked at first: paramiko takes no open file",
}
"""File and call that open or read something otherwise: why they may."""


def reads(path: Path) -> Iterator[str]:
    """Every call in a source file that opens or reads a file by its path."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            attribute = called.attr if isinstance(called, ast.Attribute) else ""
            text = ast.unparse(called)
            if text == "open" or (attribute in READERS and text not in ("Catalog.load", "Bases.load", "self.load")):
                yield text


def test_nothing_else_opens_what_somebody_may_have_put_there() -> None:
    sources = [path for room in ("bakewell", "components") for path in (ROOT / room).rglob("*.py")]
    found = {(str(path.relative_to(ROOT)), call) for path in [*sources, ROOT / "__main__.py"] for call in reads(path)}
    assert found - set(ALLOWED) == set(), "read it by bakewell.reading, or say here why not"
    assert set(ALLOWED) - found == set(), "this is no longer there: remove its line"
