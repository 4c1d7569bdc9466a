"""Everything that must be there before a local cloud can start, and what is taken away at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bakewell.background import in_background
from bakewell_local.sandbox import docker_projects, mirror, processes
from bakewell_local.sandbox.local_cloud import SECONDS_TO_END, LocalCloud, servers
from bakewell_local.sandbox.machines import base_image, limits
from bakewell_local.toolchain import engine, folders
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.processes import end
from bakewell_local.toolchain.progress import say
from bakewell_local.toolchain.tools import SERVED, needed


def install(*, clouds: Collection[str] = (), runtimes: Collection[str] = (), with_mirror: bool = False) -> bool:
    """Have the Docker Engine, the toolchain and the base machine image; True when this started the engine.

    The toolchain and the image, the two long ones, are made at once.

    Args:
        clouds: those whose images are to be built; Packer's plugins for them, and their clients, are had too.
        runtimes: those of programs besides Python, as Pulumi.yaml names them; their language hosts are had too.
        with_mirror: have what `LocalCloud.start_mirror` needs too; its programs are built beside the others.

    Raises:
        BakewellError: one of them can't be had.
    """
    begun_engine = engine.ensure()
    limits.allow_enough(lambda line: say("kernel", line))
    # Ctrl-C ends it with the process; what it leaves half is removed by the next run.
    image = in_background(
        lambda: base_image.ensure(lambda line: say("machine", line.removeprefix("base machine image: ")))
    )
    Builder().ensure((*needed(clouds, runtimes), *(SERVED if with_mirror else ())))
    image.result()
    if with_mirror:
        mirror.prepare()
    return begun_engine


def tear_down(state: Path) -> None:
    """Remove the local cloud of `state`, those that tests left behind, the base machine image and our engine.

    The image and the engine stay while another local cloud uses them. Caches (tools, the image's file system) stay.
    """
    cloud = LocalCloud(state)
    dormant = not wake(state)
    if cloud.state.exists():
        say("cloud", f"removing {cloud.state} and what it made")
        cloud.destroy()
    if not dormant:
        remove_leftovers()
        end_engine()
    say("kept", f"{folders.cache()}: the tools and the base machine's file system, for the next time")


def wake(state: Path) -> bool:
    """Have the Docker Engine run if there is something in it to remove, of the local cloud of `state` or of tests;
    whether it runs then.

    Raises:
        BakewellError: it has to, and can't be started.
    """
    if engine.problem() is None:
        return True
    if LocalCloud(state).address() is None and not _left_by_tests():
        return False
    engine.ensure()
    return True


def remove_leftovers() -> None:
    """Remove what test runs and benches had that were killed before they could do it: processes, local clouds, and
    containers and images of projects on Docker.
    """
    for folder in _left_by_tests():
        say("cloud", f"removing what a test run left: {folder}")
        end(processes.using(folder), SECONDS_TO_END)
        for cloud in sorted(path.parent for path in folder.glob("*/cloud")):
            LocalCloud(cloud).destroy()
        docker_projects.remove_noted(folder)
        shutil.rmtree(folder, ignore_errors=True)
        _owner(folder).unlink(missing_ok=True)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for the local clouds of this process, each in a folder of its own below it, and for notes of what it has
    beside them.

    While the block runs, the folder is locked; one whose lock nobody holds is what `remove_leftovers` looks for.
    """
    folder = folders.state() / "tests" / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(_owner(folder)):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    _owner(folder).unlink(missing_ok=True)


def end_engine() -> None:
    """Remove the images of mirror and base machine, and end the engine if we started it; each only if unused."""
    if servers():
        return
    mirror.remove()
    base_image.remove()
    if engine.started() is None:
        return
    if engine.busy():
        say("engine", "left running: it runs containers of others")
        return
    engine.stop()


def _left_by_tests() -> list[Path]:
    return [path for path in sorted((folders.state() / "tests").glob("*/")) if not _locked(_owner(path))]


def _owner(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _locked(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
