"""Would backups be made, kept and not lost? Tried with a backup of this check's own, in memory."""

from __future__ import annotations

import pytest
from testinfra.host import Host

TRY = """unshare --mount sh -c '
    mount -t tmpfs none /var/backups && mkdir /var/backups/try && cd /var/backups/try
    touch try-20010101T000000Z.txt try-20020101T000000Z.txt
    COMMAND="{command}" KEEP=2 SUFFIX=.txt /usr/local/lib/bakewell/backup try
    echo $?
    ls -A'"""
"""Its status, then what is kept, where there were two backups before."""


def test_the_newest_are_kept(host: Host) -> None:
    status, before, now = host.check_output(TRY.format(command="date > \\$BACKUP")).split()
    assert (status, before) == ("0", "try-20020101T000000Z.txt")
    assert now > before


@pytest.mark.parametrize("command", ["echo half > \\$BACKUP; false", "true"])
def test_one_that_fails_leaves_nothing_and_removes_nothing(host: Host, command: str) -> None:
    said = host.run(TRY.format(command=command))
    assert said.stdout.split() == ["1", "try-20010101T000000Z.txt", "try-20020101T000000Z.txt"]
    assert "remedy: " in said.stderr


def test_what_is_to_be_saved_is_saved_every_night(host: Host) -> None:
    timers = host.check_output("cd /etc/systemd/system && find . -maxdepth 1 -name 'backup-*.timer' -printf '%f\\n'")
    for timer in timers.split():
        assert host.service(timer).is_enabled
        said = host.run(f"systemd-analyze verify /etc/systemd/system/{timer.removesuffix('.timer')}.service")
        assert (said.rc, said.stderr) == (0, "")


def test_backups_are_for_root_alone_and_there_are_none_yet(host: Host) -> None:
    folder = host.file("/var/backups")
    assert (folder.user, folder.mode) == ("root", 0o700)
    assert host.check_output("find /var/backups -mindepth 2 -type f") == ""
