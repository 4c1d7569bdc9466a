"""Is each release in its place, and nothing of its download?"""

from __future__ import annotations

import pytest
from testinfra.host import Host

MARKERS = "/var/lib/bakewell/releases"


@pytest.fixture
def executables(host: Host) -> list[str]:
    """What the releases on this machine are, its parents' included."""
    lines = host.check_output(f"cat {MARKERS}/*").splitlines()
    return [line.split("  ", 1)[1] for line in lines]


def test_each_is_executable_and_only_root_can_change_it(host: Host, executables: list[str]) -> None:
    assert executables
    for path in executables:
        file = host.file(path)
        assert (file.is_file, file.user, file.group, file.mode) == (True, "root", "root", 0o755), path


def test_no_download_is_left(host: Host) -> None:
    assert host.check_output(f"find {MARKERS} -mindepth 1 -type d") == ""
