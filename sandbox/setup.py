"""Everything that must be there before a local cloud can start, and what is taken away at the end."""

from __future__ import annotations

import threading
from pathlib import Path

from sandbox.local_cloud import LocalCloud, servers
from sandbox.machines import base_image
from toolchain import engine, folders
from toolchain.build import Builder
from toolchain.processes import find
from toolchain.progress import say


def install() -> bool:
    """Have the Docker Engine, the toolchain and the base machine image; True when this started the engine.

    The toolchain and the image, the two long ones, are made at once.

    Raises:
        BakewellError: one of them can't be had.
    """
    begun_engine = engine.ensure()
    image = _InBackground()
    Builder().ensure()
    image.wait()
    return begun_engine


def tear_down(state: Path) -> None:
    """Remove the local cloud of `state`, those that tests left behind, the base machine image and our engine.

    The image and the engine stay while another local cloud uses them. Caches (tools, the image's file system) stay.
    """
    cloud = LocalCloud(state)
    dormant = engine.problem() is not None
    if dormant and (cloud.address() is not None or _left_by_tests()):
        engine.ensure()
        dormant = False
    if cloud.state.exists():
        say("cloud", f"removing {cloud.state} and what it made")
        cloud.destroy()
    if not dormant:
        remove_leftovers()
        end_engine()
    say("kept", f"{folders.cache()}: the tools and the base machine's file system, for the next time")


def remove_leftovers() -> None:
    """Remove the local clouds of test runs that were killed before they could do it."""
    for folder in _left_by_tests():
        say("cloud", f"removing what a test run left: {folder}")
        LocalCloud(folder).destroy()


def tests_folder(pid: int) -> Path:
    """Where a test run keeps its local cloud: found again by `remove_leftovers` when that process is gone."""
    return folders.state() / "tests" / str(pid)


def end_engine() -> None:
    """Remove the base machine image, and end the engine if we started it; each only if nobody uses it."""
    if servers():
        return
    base_image.remove()
    if engine.started() is None:
        return
    if engine.busy():
        say("engine", "left running: it runs containers of others")
        return
    engine.stop()


def _left_by_tests() -> list[Path]:
    folder = folders.state() / "tests"
    return [path for path in sorted(folder.glob("[0-9]*")) if not _runs_tests(int(path.name))]


def _runs_tests(pid: int) -> bool:
    process = find(pid)
    return process is not None and any("pytest" in word for word in process.cmdline())


class _InBackground:
    """The base machine image in the making.

    In a daemon thread: Ctrl-C ends it with the process, and what it leaves half is removed by the next run.
    """

    def __init__(self) -> None:
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._make, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it is done.

        Raises:
            BakewellError: it can't be made.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _make(self) -> None:
        try:
            base_image.ensure(lambda line: say("machine", line.removeprefix("base machine image: ")))
        except Exception as error:  # raised again by `wait`
            self._error = error
