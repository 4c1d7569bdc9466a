"""Sealing: nothing that belongs to one machine, or to its build, stays in the image. Always the last step.

Host keys, the machine's ID and cloud-init's memory are made anew at each machine's first boot. After this step nobody
can log in any more: connections that are open stay open (Packer's own, and the one that runs the checks).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from pyinfra import host
from pyinfra.api import FactBase, deploy, operation
from pyinfra.operations import files, systemd

FILES = Path(__file__).parent / "files"

QUIET = (
    # What a machine does about updates by itself, which may have begun at any time: not in the middle of a package.
    "systemctl stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service dnf-makecache.timer"
    " dnf-automatic.timer dnf-automatic-install.timer 2> /dev/null || true",
    "timeout 900 sh -c 'while systemctl show --property ActiveState --value apt-daily-upgrade.service"
    " | grep -q activating; do sleep 1; done'",
    # Logs go to memory from here on, also those of the shutdown.
    "journalctl --relinquish-var",
    # It saves a seed when it stops; all machines would start from the same one.
    "systemctl stop systemd-random-seed.service",
    "if command -v cloud-init > /dev/null; then cloud-init clean --logs; fi",
    # Without apt's own command, which ends where another apt holds its lock.
    "for cache in /var/cache/apt /var/cache/dnf; do [ ! -d $cache ] || find $cache -type f ! -name lock -delete; done",
)
"""Commands that stop what writes, and clean by the owner's own means; each is run again without harm."""

GONE = (
    "/etc/ssh/ssh_host_*",
    "/root/.ssh/*",
    "/home/*/.ssh/authorized_keys*",
    "/root/.*_history",
    "/root/.cache",
    "/root/.lesshst",
    "/root/.wget-hsts",
    "/home/*/.*_history",
    "/var/lib/cloud/instance*",
    "/var/lib/dbus/machine-id",
    "/var/lib/dhcp/*.leases",
    "/var/lib/NetworkManager/*.lease",
    "/var/lib/NetworkManager/secret_key",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/credential.secret",
    # When timers last ran here: a machine from an old image would think that all of them are overdue, as it boots.
    "/var/lib/systemd/timers/stamp-*",
    "/var/log/journal/*",
    "/var/cache/apt/*.bin",
    "/run/apt-lists-fresh",
)
"""Globs of what is removed, folders with all they hold."""

HOLLOW = ("/var/log", "/var/lib/apt/lists", "/tmp", "/var/tmp")
"""Folders that keep their folders and lose their files (but not those of services that are running in /tmp)."""

EMPTY = ("/etc/machine-id",)
"""Files that must exist and be empty: systemd then makes an ID at boot without taking it for an installation."""

_FILES = f"find $(ls -d {' '.join(HOLLOW)} 2> /dev/null) ! -type d ! -name lock ! -path '*/systemd-private-*'"


class Leftovers(FactBase[list[str]]):
    """Paths on the machine that its image must not have."""

    def command(self) -> str:
        globs = f'for path in {" ".join(GONE)}; do if [ -e "$path" ]; then echo "$path"; fi; done'
        full = f'for path in {" ".join(EMPTY)}; do if [ -s "$path" ]; then echo "$path"; fi; done'
        return f"{globs}; {full}; {_FILES}"

    def process(self, output: Iterable[str]) -> list[str]:
        return sorted(output)


@operation()
def remove_leftovers() -> Generator[str, None, None]:
    """Nothing in GONE, no file in HOLLOW, only empty files in EMPTY."""
    if not host.get_fact(Leftovers):
        host.noop("the image is sealed")
        return
    yield from QUIET
    yield f"rm -rf {' '.join(GONE)}"
    yield f"{_FILES} -delete"
    yield f"truncate -s 0 {' '.join(EMPTY)}"


@deploy("Seal")
def seal() -> None:
    """The machine fit to be copied, and closed to new connections."""
    # cloud-init makes host keys too; this is for a machine without it, or one whose cloud-init failed.
    unit = files.put(
        name="Host keys are made at boot",
        src=str(FILES / "ssh-host-keys.service"),
        dest="/etc/systemd/system/ssh-host-keys.service",
        mode="644",
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    systemd.service(name="Enable it", service="ssh-host-keys.service", running=None, enabled=True)
    remove_leftovers(name="Remove what belongs to this machine and this build")
