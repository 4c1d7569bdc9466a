"""The stock machine images of Debian 12 and 13, each made once a machine and kept in the user's cache.

A minimal root file system comes from the image `debian:12` (or 13) where the engine has it or a registry answers, else
from debootstrap; `recipe/install.sh` turns it into a machine. The finished file system is cached under the digest of
the recipe, so that an image that was removed is back in seconds. Knows nothing of clouds, droplets or snapshots.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import requests
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from bakewell.cleanup import followed_by, undone_by
from bakewell.clouds.docker.api import remove_container
from bakewell_local.sandbox.machines import making
from bakewell_local.sandbox.machines.engine import connect, plain_errors
from bakewell_local.sandbox.machines.errors import MachineError
from bakewell_local.sandbox.machines.making import Progress, present, told
from bakewell_local.sandbox.machines.trust import certificates
from bakewell_local.toolchain import folders

RECIPE = Path(__file__).parent / "recipe"
WHAT = "base machine image"
REPOSITORY = "bakewell/machine"
CHANGES = ['CMD ["/lib/systemd/systemd"]', "LABEL bakewell=machine"]
# A registry that says nothing for so long is taken for none.
PULL_SECONDS = 20
# Everything happens in memory, in namespaces of its own, and ends when this process does: nothing stays behind.
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
DEBOOTSTRAP = """
mount -t tmpfs -o size=2g,mode=755 tmpfs "$1"
debootstrap --variant=minbase "$2" "$1" >&2
tar -C "$1" --numeric-owner -c .
"""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Debian: its number, and the suite that debootstrap knows it by."""

    number: str
    suite: str

    @property
    def stock(self) -> tuple[str, str]:
        """The image of a minimal system of it: repository and tag."""
        return "debian", self.number


DEBIAN_12 = Release("12", "bookworm")
DEBIAN_13 = Release("13", "trixie")


def tag(release: Release = DEBIAN_12) -> str:
    """The image's tag: it changes when the recipe does, or the mirror's authority."""
    digest = hashlib.sha256("\n".join([release.suite, *CHANGES]).encode())
    for name, content in _recipe_files().items():
        digest.update(f"\n{name}\n".encode() + content)
    return f"{REPOSITORY}:debian-{release.number}-{digest.hexdigest()[:12]}"


def ensure(progress: Progress, release: Release = DEBIAN_12) -> str:
    """Makes the image unless the engine has it, and returns its tag.

    Takes about a minute the first time on a machine, seconds when the cache has it, next to nothing otherwise. Safe
    when several processes call it at once: the others wait. What an interrupted call left is removed by the next.

    Args:
        progress: called with one line of text at a time.

    Raises:
        MachineError: Docker unreachable, disk full, or no way to get Debian (not root and no registry, no network).

    """
    cache = _cache_dir()

    def make(client: DockerClient) -> None:
        _remove_leftovers(client, cache)
        _make(client, cache, progress, release)

    return making.ensure(tag(release), WHAT, cache / "machine.lock", progress, make)


def lend(name: str) -> bool:
    """Have the engine know the image, which must be there, by another name too; False where something has that name.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    with plain_errors(f"naming the {WHAT} {name}"), closing(connect()) as client:
        if present(client, name):
            return False
        repository, _, version = name.rpartition(":")
        return bool(client.images.get(tag()).tag(repository, version))


def remove() -> None:
    """Removes the image from the engine, and leftovers of it, unless a local cloud may need it; the cached file system
    stays.

    Raises:
        MachineError: Docker is unreachable or refused.

    """
    cache = _cache_dir()
    making.remove_unused(REPOSITORY, WHAT, cache / "machine.lock", lambda client: _remove_leftovers(client, cache))


def _make(client: DockerClient, cache: Path, progress: Progress, release: Release) -> None:
    tarball = cache / f"{tag(release).rpartition(':')[2]}.tar"
    if not tarball.exists():
        started = time.monotonic()
        with _root_file_system(client, cache, progress, release) as root:
            _install(client, root, tarball, progress)
        progress(f"base machine image: built in {time.monotonic() - started:.0f} s")
        # The last two recipes stay, for whoever goes back and forth between branches.
        for old in sorted(cache.glob(f"debian-{release.number}-*.tar"), key=lambda one: one.stat().st_mtime)[:-2]:
            old.unlink()
    progress("base machine image: loading it into Docker")
    _import(client, tarball, tag(release), CHANGES)


@contextmanager
def _root_file_system(client: DockerClient, cache: Path, progress: Progress, release: Release) -> Iterator[str]:
    """Gives the name of an image with a minimal Debian; what was fetched for it goes at the end."""
    stock = ":".join(release.stock)
    if present(client, stock):
        yield stock
        return
    progress(f"base machine image: asking Docker for {stock}")
    name = stock
    try:
        with closing(docker.from_env(timeout=PULL_SECONDS)) as impatient:
            impatient.images.pull(*release.stock)
    except (DockerException, requests.RequestException) as error:
        progress(f"base machine image: no {stock} to be had ({str(error)[:200]}); using debootstrap")
        name = _root_image(cache)
        bare = cache / "building-root.tar"
        with followed_by(lambda: bare.unlink(missing_ok=True)):
            _debootstrap(bare, cache / "building-root", progress, release)
            _import(client, bare, name, ["LABEL bakewell=machine"])
    with followed_by(lambda: client.images.remove(name, force=True)):
        yield name


def _debootstrap(target: Path, mount_point: Path, progress: Progress, release: Release) -> None:
    if os.geteuid() != 0:
        raise MachineError(
            "making the base machine image: no Docker registry answers, and debootstrap needs root",
            remedy=f"run this once as root, or load an image debian:{release.number} into Docker",
        )
    if shutil.which("debootstrap") is None:
        progress("base machine image: installing debootstrap")
        _run(["apt-get", "update"], progress)
        _run(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap", "debian-archive-keyring"], progress)
    mount_point.mkdir()
    with followed_by(mount_point.rmdir), target.open("wb") as archive:
        inside = ["sh", "-euc", DEBOOTSTRAP, "debootstrap", str(mount_point), release.suite]
        _run([*ALONE, *inside], progress, stdout=archive)


def _run(command: list[str], progress: Progress, stdout: io.BufferedWriter | None = None) -> None:
    """Runs a tool to its end with its messages as progress; a failure shows the last of them."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE if stdout else subprocess.STDOUT,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise MachineError(f"making the base machine image: there is no {command[0]} here") from error
    messages = process.stderr if stdout else process.stdout
    assert messages is not None
    with process, undone_by(process.kill):
        last = told(messages, WHAT, progress)
    if process.returncode:
        what = f"making the base machine image: {command[0]} failed ({process.returncode}):"
        raise MachineError("\n".join([what, *last]))


def _install(client: DockerClient, image: str, tarball: Path, progress: Progress) -> None:
    """Runs the recipe in a container of `image` and writes its file system to `tarball`, whole or not at all."""
    partial = tarball.with_name("building-machine.tar")
    with (
        making.built(client, image, _container(tarball.parent), _recipe_files(), WHAT, progress) as container,
        followed_by(lambda: partial.unlink(missing_ok=True)),
    ):
        progress("base machine image: writing it to the cache")
        try:
            with partial.open("wb") as file:
                for chunk in client.api.export(str(container.id), chunk_size=1 << 20):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(tarball)
        except requests.RequestException:
            raise
        except OSError as error:
            raise MachineError(f"making the base machine image: {error}", file=partial) from error


def _import(client: DockerClient, tarball: Path, name: str, changes: list[str]) -> None:
    repository, _, version = name.rpartition(":")
    answer = client.api.import_image_from_file(str(tarball), repository=repository, tag=version, changes=changes)
    # A failure comes as a line of a successful answer.
    for line in str(answer).splitlines():
        event = json.loads(line) if line.strip() else {}
        if "error" in event:
            raise MachineError(f"loading an image: {event['error']}", file=tarball, remedy="remove the file, try again")


def _remove_leftovers(client: DockerClient, cache: Path) -> None:
    """Only what was made with this cache: its lock is held, so that whoever made it is dead."""
    remove_container(client, _container(cache))
    with suppress(ImageNotFound):
        client.api.remove_image(_root_image(cache), force=True)
    for path in cache.glob("building-*"):
        path.rmdir() if path.is_dir() else path.unlink()


def _container(cache: Path) -> str:
    return f"bakewell-machine-{_key(cache)}"


def _root_image(cache: Path) -> str:
    return f"{REPOSITORY}:root-{_key(cache)}"


def _key(cache: Path) -> str:
    return hashlib.sha256(str(cache).encode()).hexdigest()[:8]


def _cache_dir() -> Path:
    path = folders.cache()
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def _recipe_files() -> dict[str, bytes]:
    """The recipe's files, and whom its machines trust beside the usual authorities."""
    return {**making.files(RECIPE), "authority.crt": certificates().authority.read_bytes()}
