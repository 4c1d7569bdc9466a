"""Does doctl run, and is there no token in the image?"""

from __future__ import annotations

from testinfra.host import Host

CONFIG = "/root/.config/doctl"


def test_doctl_runs(host: Host) -> None:
    assert host.check_output("doctl version").startswith("doctl version ")


def test_its_folder_is_for_root_alone_and_empty(host: Host) -> None:
    folder = host.file(CONFIG)
    assert (folder.is_directory, folder.user, folder.mode) == (True, "root", 0o700)
    assert host.check_output(f"ls -A {CONFIG}") == ""
