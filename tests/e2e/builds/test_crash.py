"""Builds that are ended between any two of their API calls: nothing paid for outlives the next command.

The local cloud holds a build's nth call while the test signals the build, then lets the call go on as if nothing had
happened: the worst moment there is. Every point that differs gets its turn, spread over several local clouds at a time,
for a build mostly waits.

What counts here is the account, not what a machine holds: machines are in memory. tests/e2e/docker interrupts builds
whose machines are containers.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace, in_memory, signal_group
from tests.waiting import LONGEST, none_left, until

CLOUDS = 5
PROJECT = "tcrash"
CHANGING = {"POST", "PUT", "DELETE"}


@dataclass
class Site:
    """A local cloud of its own with a clone that builds on it."""

    workspace: Workspace
    cloud: CloudView

    def held(self, rule: int, process: subprocess.Popen[str]) -> bool:
        """True when the rule holds a call of `process`; False when that ended before."""

        def seen() -> bool | None:
            if self.cloud.holds(rule, timeout=0.5):
                return True
            return None if process.poll() is None else False

        return until(seen, lambda held: held is not None, "neither held nor ended") is True

    def settle(self) -> None:
        """Wait for the processes of a build that was told to stop."""
        _, alive = psutil.wait_procs(self.workspace.processes(), timeout=LONGEST)
        assert not alive, f"still there after {LONGEST:g} s: {alive}"

    def paid_for(self) -> dict[str, list[str]]:
        """What a dead build left in the account: machines, keys, snapshots that are not finished."""
        ready = {s["id"] for s in self.cloud.ready(PROJECT)}
        found = {
            "builders": [d["name"] for d in self.cloud.get("/v2/droplets", "droplets")],
            "keys": [k["name"] for k in self.cloud.build_keys()],
            "snapshots": [s["name"] for s in self.cloud.snapshots(PROJECT) if s["id"] not in ready],
        }
        return {what: names for what, names in found.items() if names}

    def left(self) -> dict[str, list[str]]:
        """`paid_for`, once the deletions that the cloud has accepted had time to happen."""
        return none_left(self.paid_for)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory, cloud_environment: Mapping[str, str]) -> Iterator[list[Site]]:
    """CLOUDS local clouds, each with a clone whose only image is `base`."""
    folder = tmp_path_factory.mktemp("crash")
    with ExitStack() as stack:
        clones = [in_memory(folder / str(number), cloud_environment, PROJECT, "base") for number in range(CLOUDS)]
        yield [Site(made, CloudView.of(made.env)) for made in map(stack.enter_context, clones)]


def crash(site: Site, nth: int, effect: str, how: str) -> tuple[str, bool]:
    """End a build at its nth call: its output, and whether it came so far. One that polls less makes fewer calls."""
    with site.cloud.fault(effect, nth=nth, path="/v2/.*") as rule:
        build = site.workspace.start("bakewell", "build", "base", "--force")
        try:
            reached = site.held(rule, build)
            if reached:
                if how == "INT":
                    build.send_signal(signal.SIGINT)
                elif how == "KILL":
                    build.send_signal(signal.SIGKILL)
                    build.wait(timeout=LONGEST)
                else:
                    site.workspace.kill_builds()
        finally:
            site.cloud.release(rule)
        output, _ = build.communicate(timeout=LONGEST)
        site.settle()
    return output, reached


def _points(calls: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str, str]]:
    """Where to end a build, and how: the number of a call, whether before or after it, a signal.

    Before a call that changes something is after the one in front of it: reading changes nothing. Asking the same again
    is the same place; and of tags that are put on one after the other, each is one place more for one way to end.
    Before Packer makes a machine, and once it has deleted it, a host takes nothing but the command down with it.
    """
    ways = ("INT", "KILL", "DOWN")
    machines = [n for n, call in enumerate(calls, 1) if call["method"] in CHANGING and "/droplets" in call["path"]]
    before: tuple[str, str] | None = None
    for number, call in enumerate(calls, start=1):
        tagging = call["path"].startswith("/v2/tags/")
        this = (call["method"], "a tag" if tagging else call["path"])
        again, before = this == before, this
        if call["method"] not in CHANGING:
            if not again:
                yield number, "hold_before", ("KILL", "INT")[number % 2]
        elif again and tagging:
            yield number, "hold_after", ways[number % 3]
        else:
            for how in ways if machines[0] <= number <= machines[-1] else ways[:2]:
                yield number, "hold_after", how


def test_nothing_paid_for_outlives_the_next_command(sites: list[Site]) -> None:
    site = sites[0]
    site.cloud.forget_calls()
    site.workspace.bakewell("build", "base")
    calls = site.cloud.calls()
    assert len(calls) > 15, "a whole build makes more calls than that"
    points = deque(_points(calls))
    total = len(points)
    problems: list[str] = []

    def work(site: Site) -> int:
        count = 0
        while True:
            try:
                nth, effect, how = points.popleft()
            except IndexError:
                return count
            call = calls[nth - 1]
            try:
                output, reached = crash(site, nth, effect, how)
                if site.paid_for():  # a build that could has tidied up itself
                    site.workspace.bakewell("clean", "--keep", "50")
                left = site.left()
            except Exception as error:  # one point's trouble must not hide the others'
                problems.append(f"{how} at call {nth} ({call['method']} {call['path']}, {effect}): {error!r}")
                continue
            count += reached
            if left:
                problems.append(
                    f"{how} at call {nth} ({call['method']} {call['path']}, {effect}) left {left}\n{output[-2000:]}"
                )

    with ThreadPoolExecutor(CLOUDS) as pool:
        done = sum(pool.map(work, sites))
    assert not problems, "\n".join(problems)
    # The last calls of the first build may be polls more than others needed; all else was really ended there.
    assert done >= 0.9 * total, f"only {done} of {total} points were reached"

    # The survivors are whole: a build after all that adopts.
    result = site.workspace.bakewell("build", "base")
    assert "adopted" in result.stdout + result.stderr


def clock(folder: Path, minutes: int) -> dict[str, str]:
    """What sets the clock of a Python program that runs with it, and of no other."""
    folder.mkdir()
    shift = f"import time\nright = time.time\ntime.time = lambda: right() + {minutes * 60}\n"
    (folder / "sitecustomize.py").write_text(shift)
    return {"PYTHONPATH": str(folder)}


def test_a_build_that_lives_elsewhere_is_left_alone_and_a_machine_that_packer_leaves_is_not(
    sites: list[Site], tmp_path: Path
) -> None:
    """The build's host is two hours behind, and the colleague's two hours ahead; Packer may delete no machine."""
    site = sites[0]
    with (
        site.cloud.fault("hold_before", method="POST", path="/v2/droplets/[0-9]+/actions") as rule,
        site.cloud.fault("status", method="DELETE", path="/v2/droplets/[0-9]+", status=401) as refusal,
    ):
        behind = replace(site.workspace, env=site.workspace.env | clock(tmp_path / "behind", -125))
        build = behind.start("bakewell", "build", "base", "--force")
        assert site.held(rule, build)
        names = [process.name() for process in site.workspace.processes()]
        assert any(name.startswith("packer") for name in names), "the others wait for these"
        before = site.paid_for()
        assert len(before["builders"]) == len(before["keys"]) == 1
        # The next command of the same host, and one of a colleague's, who knows it only by its lease.
        site.workspace.bakewell("clean")
        colleague = {"BAKEWELL_STATE": str(tmp_path / "colleague"), **clock(tmp_path / "ahead", 125)}
        told = site.workspace.bakewell("clean", env=colleague).stderr
        assert "clock is 125 minutes ahead of digitalocean's" in told
        assert site.paid_for() == before
        site.cloud.release(rule)
        output, _ = build.communicate(timeout=LONGEST)
        assert build.returncode == 0, output
        assert "clock is 125 minutes behind digitalocean's" in output
        assert "Error destroying droplet" in output and "tidying up is left to the next command" in output
        assert site.cloud.fired(refusal) >= 2, "Packer's request, and ours"
        assert site.paid_for() == {"builders": before["builders"]}
    images = {image["id"] for image in site.cloud.ready(PROJECT)}
    assert f"removing builder {before['builders'][0]}" in site.workspace.bakewell("clean", "--keep", "50").stderr
    assert site.left() == {}
    assert {image["id"] for image in site.cloud.ready(PROJECT)} == images


@pytest.mark.parametrize("how", ["INT", "KILL"])
def test_pulumi_itself_is_ended(how: str, sites: list[Site]) -> None:
    site = sites[1]
    workspace = site.workspace
    stack = f"dev{how.lower()}"
    shutil.copy(workspace.root / "Pulumi.dev.yaml", workspace.root / f"Pulumi.{stack}.yaml")
    env = {"PULUMI_STACK": stack}
    workspace.run("pulumi", "stack", "init", stack, "--non-interactive", env=env)
    workspace.write("packer/images/base/files/stamp.txt", f"base ended by {how}\n")
    with site.cloud.fault("hold_after", method="POST", path="/v2/droplets") as rule:
        up = workspace.start("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack)
        if not site.held(rule, up):
            pytest.fail(up.communicate(timeout=LONGEST)[0])
        up.send_signal(signal.SIGINT if how == "INT" else signal.SIGKILL)
        site.cloud.release(rule)
        up.communicate(timeout=LONGEST)
        assert up.returncode != 0
        site.settle()
        signal_group(up, signal.SIGKILL)
    if how == "KILL":
        workspace.run("pulumi", "cancel", "--yes", "--stack", stack, env=env)
    done = workspace.up("--stack", stack, env=env)
    assert "built" in done.stdout
    assert site.left() == {}


def test_two_ups_at_once_build_once(sites: list[Site]) -> None:
    site = sites[2]
    workspace = site.workspace
    workspace.write("packer/images/base/files/stamp.txt", "base for two\n")
    before = {image["id"] for image in site.cloud.ready(PROJECT)}
    both = []
    for stack in ("one", "two"):
        shutil.copy(workspace.root / "Pulumi.dev.yaml", workspace.root / f"Pulumi.{stack}.yaml")
        workspace.run("pulumi", "stack", "init", stack, "--non-interactive", env={"PULUMI_STACK": stack})
    for stack in ("one", "two"):
        both.append(workspace.start("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", stack))
    outputs = [process.communicate(timeout=LONGEST)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    # By ID, not by number: each `up` ends with retention, which may take older ones away.
    assert len({image["id"] for image in site.cloud.ready(PROJECT)} - before) == 1
    assert sorted("adopted" in output for output in outputs) == [False, True]
    assert site.left() == {}
