"""Vendors' release files, packed from the programs that the toolchain builds: same URLs, same shapes, other bytes.

The bytes are always the same for the same program, for images are keyed on their digests. Packed files are kept in the
user's cache.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bakewell.errors import BakewellError
from bakewell_local.toolchain import folders
from bakewell_local.toolchain.build import Toolchain
from bakewell_local.toolchain.tools import COMPOSE, CONSUL, CONSUL_TEMPLATE, DOCTL, Tool, target

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # Go's name of an architecture → the kernel's
_FAST = 1  # compression: it is unpacked on the same computer


@dataclass(frozen=True)
class Release:
    """Where a vendor publishes a program; `{version}`, `{go}` and `{machine}` (architectures) are filled in.

    Attributes:
        tool: the program; its name is also the download's.
        folder: host and path, without a scheme.
        file: the file's name in the folder; its ending says how it is packed.
        sums: names of the files beside it that hold its SHA-256.
        mark: what sets the name apart in those files.
    """

    tool: Tool
    folder: str
    file: str
    sums: tuple[str, ...]
    mark: str = "  "


@dataclass(frozen=True)
class Packed:
    """A release ready to be served.

    Attributes:
        name: the download's.
        version: without `v`.
        machine: its architecture, as the kernel names it.
        url: host and path, without a scheme.
        file: where it is on this computer.
        sha256: of its content, in hexadecimal.
        sums: checksum files, by host and path.
    """

    name: str
    version: str
    machine: str
    url: str
    file: Path
    sha256: str
    sums: dict[str, bytes]


def _hashicorp(tool: Tool) -> Release:
    folder = f"releases.hashicorp.com/{tool.name}/{{version}}"
    return Release(tool, folder, f"{tool.name}_{{version}}_linux_{{go}}.zip", (f"{tool.name}_{{version}}_SHA256SUMS",))


RELEASES = (
    _hashicorp(CONSUL),
    _hashicorp(CONSUL_TEMPLATE),
    Release(
        COMPOSE,
        "github.com/docker/compose/releases/download/v{version}",
        "docker-compose-linux-{machine}",
        ("docker-compose-linux-{machine}.sha256", "checksums.txt"),
        " *",
    ),
    Release(
        DOCTL,
        "github.com/digitalocean/doctl/releases/download/v{version}",
        "doctl-{version}-linux-{go}.tar.gz",
        ("doctl-{version}-checksums.sha256",),
    ),
)


def pack(toolchain: Toolchain) -> list[Packed]:
    """Every release, packed now or earlier; the toolchain has the programs that it was asked to build.

    Raises:
        BakewellError: this computer's programs don't run on the machines, or the disk is full.
    """
    system, arch = target()
    if system != "linux" or arch not in _MACHINES:
        raise BakewellError(
            f"the mirror serves what is built here to Linux machines, and this is {system} on {arch}",
            remedy="use a Linux computer with amd64 or arm64",
        )
    return [_pack(release, toolchain.programs[release.tool.name], arch) for release in RELEASES]


def downloads(packed: Iterable[Packed]) -> str:
    """What BAKEWELL_DOWNLOADS names: TOML, a table for each program and version, a SHA-256 for each architecture."""
    return "\n".join(f'[{one.name}."{one.version}"]\n{one.machine} = "{one.sha256}"\n' for one in packed)


def _pack(release: Release, program: Path, arch: str) -> Packed:
    words = {"version": release.tool.version, "go": arch, "machine": _MACHINES[arch]}
    folder, name = release.folder.format(**words), release.file.format(**words)
    # The home's name changes with all that decides what is built.
    file = folders.cache() / "mirror" / "releases" / f"{release.tool.name}-{release.tool.home.name}" / name
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"new-{os.getpid()}")
        try:
            _write(program, release.tool.name, new, name)
            new.replace(file)
        except OSError as error:
            raise BakewellError(f"packing {name}: {error}", file=file, remedy="see that the disk has room") from error
        finally:
            new.unlink(missing_ok=True)
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    line = f"{digest}{release.mark}{name}\n".encode()
    return Packed(
        release.tool.name,
        release.tool.version,
        words["machine"],
        f"{folder}/{name}",
        file,
        digest,
        {f"{folder}/{one.format(**words)}": line for one in release.sums},
    )


def _write(program: Path, inside: str, target: Path, name: str) -> None:
    """Pack a program as the release's name asks for, without anything that differs from one time to the next."""
    if name.endswith(".zip"):
        entry = zipfile.ZipInfo(inside)  # of the first of January 1980
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.file_size = program.stat().st_size
        with (
            zipfile.ZipFile(target, "w", compresslevel=_FAST) as archive,
            program.open("rb") as source,
            archive.open(entry, "w") as packed,
        ):
            shutil.copyfileobj(source, packed, 1 << 20)
    elif name.endswith(".tar.gz"):
        member = tarfile.TarInfo(inside)
        member.size, member.mode = program.stat().st_size, 0o755
        with (
            target.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=_FAST, fileobj=raw, mtime=0) as squeezed,
            tarfile.open(fileobj=squeezed, mode="w") as tar,
            program.open("rb") as source,
        ):
            tar.addfile(member, source)
    else:
        shutil.copyfile(program, target)
