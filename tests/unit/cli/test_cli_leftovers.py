"""What a build of this host left goes with the next command that may change the cloud, and is told by the others."""

from __future__ import annotations

import pytest

from bakewell.build import runs
from tests.unit.build.test_build_orphans import builder, dead_here
from tests.unit.cli.conftest import Bakewell
from tests.waiting import until

RUN = "0123456789ab"


@pytest.mark.parametrize("line", ["build base", "copy base nyc3", "clean"])
def test_every_command_that_changes_a_cloud_removes_what_a_build_of_this_host_left(
    bakewell: Bakewell, line: str
) -> None:
    assert bakewell("build", "base").code == 0
    dead_here(bakewell.site, RUN)
    machine = builder(bakewell.site, RUN, 9_999_999_999)
    looked, planned = bakewell("list"), bakewell("clean", "--dry-run")
    assert "to remove it: bakewell clean" in looked.err and "without --dry-run it is removed" in planned.err
    assert runs.is_known(bakewell.site.state, RUN), "looking changes nothing"
    done = bakewell(*line.split())
    assert done.code == 0 and f"removing builder builder-{RUN} ({machine})" in done.err
    until(lambda: bakewell.site.left(), lambda left: left == {})
