"""One executable of a vendor's release: fetched by the machine itself, and used only if its checksum is the locked one.

What to fetch is an entry of host.data.downloads, {"version": …, "files": {"x86_64": {"url": …, "sha256": …}, …}},
which `bakewell` works out from a step's downloads.toml, image.toml [versions] and bases.lock. Adds neither users nor
units: that is the step's own.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable
from pathlib import Path

from pyinfra import host
from pyinfra.api import FactBase, OperationError, operation
from pyinfra.facts.server import Arch
from typing_extensions import TypedDict

SCRIPT = Path(__file__).parent / "files" / "install.sh"
MARKERS = "/var/lib/bakewell/releases"
"""A file for each release that is installed: the archive's SHA-256, two spaces, the executable."""


class File(TypedDict):
    """One file that a vendor publishes."""

    url: str
    sha256: str


class Download(TypedDict):
    """An entry of host.data.downloads: `files` by processor, as `uname -m` calls it."""

    version: str
    files: dict[str, File]


class Installed(FactBase[str | None]):
    """The SHA-256 of the archive that `dest` came from; None where `dest` is missing, or not from `release`."""

    def command(self, release: str, dest: str) -> str:
        marker = shlex.quote(f"{MARKERS}/{release}")
        return f"if [ -x {shlex.quote(dest)} ] && [ -e {marker} ]; then cat {marker}; fi"

    def process(self, output: Iterable[str]) -> str | None:
        return next((line.split()[0] for line in output), None)


@operation()
def install(release: str, download: Download, dest: str = "", member: str = "") -> Generator[str, None, None]:
    """`dest` is the executable of that release, root's and mode 0755.

    Args:
        release: the download's name in downloads.toml and image.toml [versions].
        download: its entry of host.data.downloads. Archives are .zip, .tar.gz or .tgz; all else is the executable.
        dest: /usr/local/bin/<release> where not given.
        member: the executable's file name in the archive; that of `dest` where not given.

    Raises:
        OperationError: the release is not locked for this machine's architecture.
    """
    dest = dest or f"/usr/local/bin/{release}"
    arch = host.get_fact(Arch)
    file = download["files"].get(arch)
    if file is None:
        locked = ", ".join(sorted(download["files"])) or "none"
        raise OperationError(
            f"{release} {download['version']} is locked for {locked}, but this machine is {arch}\n"
            f"remedy: give {arch} in `arch` of the step's downloads.toml, then run: bakewell lock {release}"
        )
    if host.get_fact(Installed, release=release, dest=dest) == file["sha256"]:
        host.noop(f"{release} {download['version']} is installed")
        return
    script = SCRIPT.read_text(encoding="utf-8")
    member = member or dest.rpartition("/")[2]
    arguments = (file["url"], file["sha256"], member, dest, f"{MARKERS}/{release}", release)
    yield shlex.join(["sh", "-c", script, "release", *arguments])
