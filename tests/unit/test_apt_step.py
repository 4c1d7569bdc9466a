"""The step apt while another apt holds a lock, with the real apt-get on a root of the test's own."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.by_path import module
from tests.waiting import LONGEST

PACKER = Path(__file__).resolve().parents[2] / "packer"

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="no Debian")


@pytest.fixture(scope="module")
def step() -> ModuleType:
    return module(PACKER / "steps" / "apt.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root without packages or sources."""
    for folder in ("etc/apt", "var/lib/apt/lists/partial", "var/lib/dpkg", "var/cache/apt/archives/partial"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text("")
    return tmp_path


def apt(step: ModuleType, root: Path, command: str) -> str:
    state = f"-o Dir::State::status={root}/var/lib/dpkg/status -o APT::Sandbox::User=root"
    return f"{step.APT.replace('DPkg::Lock::Timeout=600', 'DPkg::Lock::Timeout=0')} -o Dir={root} {state} {command}"


@pytest.mark.parametrize(
    ("lock", "command"),
    [("var/lib/apt/lists/lock", "update"), ("var/cache/apt/archives/lock", "clean")],
    ids=["lists", "archives"],
)
def test_a_lock_is_waited_for_until_it_is_free(step: ModuleType, root: Path, lock: str, command: str) -> None:
    with (root / lock).open("w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)  # as apt does
        program = step.patient(apt(step, root, command))
        process = subprocess.Popen(program, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("waiting: E: Could not get lock ")
    out, err = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, out + err


def test_a_lock_that_is_never_free_ends_with_apts_own_words(
    step: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "LOCK_SECONDS", 0)
    with (root / "var/lib/apt/lists/lock").open("w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        program = step.patient(apt(step, root, "update"))
        done = subprocess.run(program, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 100
    assert "E: Could not get lock" in done.stderr and "remedy: see what holds the lock" in done.stderr


def test_any_other_failure_is_not_repeated(step: ModuleType, root: Path) -> None:
    program = step.patient(apt(step, root, "install no-such-package"))
    done = subprocess.run(program, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (100, "")
    assert "E: Unable to locate package no-such-package" in done.stderr


def test_only_the_step_calls_apt_so_every_call_waits() -> None:
    calls = re.compile(
        r"\bapt-get\b|\bapt (?:-\S+ )*(?:install|update|upgrade)\b|operations import .*\bapt\b|\bdpkg -i\b"
    )
    step = PACKER / "steps" / "apt.py"
    files = {path for path in PACKER.rglob("*") if path.suffix in (".py", ".sh", ".yaml", ".hcl")} - {step}
    assert [str(path) for path in files if calls.search(path.read_text(encoding="utf-8"))] == []
    source = step.read_text(encoding="utf-8")
    assert source.count("{APT}") == source.count("patient(f'{APT} ") == 2
