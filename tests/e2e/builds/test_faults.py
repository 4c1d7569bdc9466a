"""The cloud fails in the ways clouds fail: waited for, retried, or ended with a message that names the remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.cloud import CloudView
from tests.e2e.workspace import Workspace, in_memory


@pytest.fixture
def one(tmp_path: Path, cloud_environment: Mapping[str, str], project: str) -> Iterator[Workspace]:
    """A clone whose only image is `base`, without a stack; machines are in memory."""
    with in_memory(tmp_path / "clone", cloud_environment, project, "base") as made:
        yield made


@pytest.fixture
def cloud(one: Workspace) -> CloudView:
    return CloudView.of(one.env)


def leftovers(cloud: CloudView, project: str) -> list[object]:
    """What a failed build left."""
    ready = {s["id"] for s in cloud.ready(project)}
    return [
        *cloud.builders_left(project),
        *cloud.build_keys(),
        *(s for s in cloud.snapshots(project) if s["id"] not in ready),
    ]


def test_a_429_and_a_500_are_waited_out_and_what_goes_on_ends_the_build(
    one: Workspace, cloud: CloudView, project: str
) -> None:
    with (
        cloud.fault("status", method="GET", path="/v2/(images|snapshots)", nth=1, status=429, retry_after=1) as first,
        cloud.fault("status", method="POST", path="/v2/account/keys", nth=1, times=2, status=500) as second,
        cloud.fault("status", method="POST", path="/v2/droplets", nth=1, status=429, retry_after=1) as packers,
        cloud.fault("status", method="GET", path="/v2/droplets/[0-9]+", nth=1, status=500) as packers_too,
    ):
        one.bakewell("build", "base")
        assert [cloud.fired(rule) for rule in (first, second, packers, packers_too)] == [1, 2, 1, 1]
    assert len(cloud.ready(project)) == 1
    with cloud.fault("status", method="POST", path="/v2/account/keys", status=503):
        done = one.bakewell("build", "base", "--force", check=False)
    assert done.returncode == 3
    assert "remedy" in done.stderr and "Traceback" not in done.stderr
    assert leftovers(cloud, project) == []


def test_the_cloud_breaks_under_a_build(one: Workspace, cloud: CloudView, project: str) -> None:
    # Packer's plugin does not look at errored actions, it waits for its limits: short ones here.
    path = one.root / "packer" / "digitalocean.pkr.hcl"
    patient = path.read_text()
    limits = re.compile(r'((?:state|snapshot)_timeout += )"[0-9]+m"')
    assert len(limits.findall(patient)) == 2
    path.write_text(limits.sub(r'\1"7s"', patient))
    # Two calls to shut down come before the one that takes the snapshot.
    for effect, nth in (("engine_down", 1), ("engine_down", 3), ("disk_full", 3), ("action_errored", 3)):
        with cloud.fault(effect, method="POST", path="/v2/droplets/[0-9]+/actions", nth=nth, times=99):
            done = one.bakewell("build", "base", check=False)
            assert done.returncode in (3, 4), done.stderr
            assert "remedy" in done.stderr and "Traceback" not in done.stderr
        one.bakewell("clean")
        assert leftovers(cloud, project) == [], (effect, nth)
    path.write_text(patient)
    one.bakewell("build", "base")
    assert len(cloud.ready(project)) == 1


def test_no_disk_for_the_build(one: Workspace, cloud: CloudView, project: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    # A mount namespace of its own, so that the small disk goes with the process.
    alone = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
    script = 'mount -t tmpfs -o size=16k tmpfs "$0" && exec bakewell build base'
    done = one.run(*alone, "sh", "-c", script, str(small), check=False, env={"BAKEWELL_STATE": str(small)})
    assert done.returncode != 0, done.stderr
    assert "space" in done.stderr and "remedy" in done.stderr and "Traceback" not in done.stderr
    one.bakewell("clean")
    assert leftovers(cloud, project) == []
