"""What the mirror serves: the same bytes each time, and all that steps and images ask for. The shapes, as a machine
and a container engine see them: tests/sandbox/test_mirror.py.
"""

from __future__ import annotations

import platform
import tomllib
from pathlib import Path

import pytest

from bakewell.errors import BakewellError
from bakewell_local.sandbox.mirror import releases
from bakewell_local.sandbox.mirror.placeholders import PLACEHOLDERS, storage
from bakewell_local.sandbox.mirror.releases import Packed, pack
from bakewell_local.toolchain.build import Toolchain
from bakewell_local.toolchain.folders import ROOT
from bakewell_local.toolchain.tools import SERVED

GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
MACHINE = platform.machine()


@pytest.fixture
def toolchain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    """Programs that only differ, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    programs = {tool.name: tmp_path / "programs" / tool.name for tool in SERVED}
    (tmp_path / "programs").mkdir()
    for name, program in programs.items():
        program.write_bytes(name.encode() * 1000)
    return Toolchain(programs)


def by_name(toolchain: Toolchain) -> dict[str, Packed]:
    return {one.name: one for one in pack(toolchain)}


def test_the_same_program_gives_the_same_bytes_on_another_day(
    toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: packed.sha256 for name, packed in by_name(toolchain).items()}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    for program in toolchain.programs.values():
        program.touch()
        program.chmod(0o700)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert {name: packed.sha256 for name, packed in by_name(toolchain).items()} == before


def test_packed_once_and_never_half(toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, inside: str, target: Path, name: str) -> None:
        target.write_bytes(b"half of it")
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(releases, "_write", full)
        with pytest.raises(BakewellError, match=r"packing .*no space left"):
            pack(toolchain)
    first = by_name(toolchain)
    monkeypatch.setattr(releases, "_write", full)
    assert by_name(toolchain) == first
    assert not [path for path in first["consul"].file.parent.iterdir() if path.name.startswith("new-")]


def test_a_computer_whose_programs_no_machine_can_run_is_refused(
    toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "target", lambda: ("darwin", "arm64"))
    with pytest.raises(BakewellError, match="this is darwin on arm64"):
        pack(toolchain)


def test_it_has_every_file_that_a_step_downloads(toolchain: Toolchain) -> None:
    packed = by_name(toolchain)
    declared = [tomllib.loads(path.read_text()) for path in (ROOT / "packer/steps").glob("*/downloads.toml")]
    asked = {name: table for tables in declared for name, table in tables.items()}
    assert asked
    for name, table in asked.items():
        words = {"version": packed[name].version, "arch": table.get("arch", GO_NAMES)[MACHINE]}
        assert table["url"].format(**words) == f"https://{packed[name].url}"
        assert table["checksums"].format(**words) in [f"https://{path}" for path in packed[name].sums]


def test_it_has_every_version_that_an_image_names() -> None:
    has = {tool.name: tool.version for tool in SERVED} | {one.name: one.version for one in PLACEHOLDERS}
    images = [tomllib.loads(path.read_text()) for path in (ROOT / "packer/images").glob("*/image.toml")]
    named = {(name, version) for image in images for name, version in image.get("versions", {}).items() if name in has}
    assert named == set(has.items())


def test_placeholder_images_are_always_the_same_bytes() -> None:
    assert storage(b"busybox") == storage(b"busybox") != storage(b"another busybox")
