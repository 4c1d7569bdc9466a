"""How many machines the kernel lets run at once: each systemd needs about four of the user's inotify instances.

Beyond that, systemd ends as soon as it is started. Linux allows 128 by default, which makes thirty machines.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 1024
REMEDY = f"allow more machines at once: sysctl -w fs.inotify.max_user_instances={ENOUGH}"


def allow_enough(progress: Callable[[str], None], limit: Path = INOTIFY) -> None:
    """Raise the limit to ENOUGH until the next boot, where it is lower and this user may; says so.

    Without that right, it stays: a machine that the kernel does not let start then fails with the remedy.
    """
    try:
        before = int(limit.read_text())
        if before < ENOUGH:
            limit.write_text(f"{ENOUGH}\n")
            progress(f"fs.inotify.max_user_instances raised from {before} to {ENOUGH} until the next boot")
    except OSError:
        return  # no Linux here, or not root: see REMEDY
