"""Backups on the machine itself: a timer runs a role's command every night and keeps the newest files.

Does not copy them elsewhere: a machine that is lost takes its backups with it, so have them fetched, or let the
command send them away too.
"""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy
from pyinfra.operations import files, systemd
from pyinfra.operations.util import any_changed

HERE = Path(__file__).parent
PROGRAM = "/usr/local/lib/bakewell/backup"


@deploy("Backup")
def install() -> None:
    """The program, and the folder of backups for root alone; no backup of anything yet."""
    for folder, mode in (("/usr/local/lib/bakewell", "755"), ("/var/backups", "700")):
        files.directory(name=f"Create {folder}", path=folder, user="root", group="root", mode=mode)
    files.put(name="Put the program", src=str(HERE / "files" / "backup.sh"), dest=PROGRAM, mode="755")


@deploy("Backup")
def daily(role: str, command: str, keep: int = 7, suffix: str = "") -> None:
    """Run `command` every night on machines of this image, and keep the newest files. `install` comes before.

    `backup-<role>.service` makes a backup now.

    Args:
        role: the backup's name: files are /var/backups/<role>/<role>-<UTC time><suffix>.
        command: for sh, on one line without quotes, % and backslashes; a script does what needs more. It writes the
            file that $BACKUP names. Where it fails or writes nothing, nothing is kept of it and no older backup goes.
        keep: how many files stay.
        suffix: ".tar.gz", say.
    """
    units = [
        files.template(
            name=f"Put backup-{role}.{kind}",
            src=str(HERE / "templates" / f"backup.{kind}.j2"),
            dest=f"/etc/systemd/system/backup-{role}.{kind}",
            mode="644",
            role=role,
            command=command,
            keep=keep,
            suffix=suffix,
        )
        for kind in ("service", "timer")
    ]
    systemd.daemon_reload(name="Read the units", _if=any_changed(*units))
    # Not started: a builder has nothing to save, and the timer would remember that it ran there.
    systemd.service(name="Run it at night", service=f"backup-{role}.timer", running=None, enabled=True)
