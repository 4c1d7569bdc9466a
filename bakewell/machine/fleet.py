"""Waits until AWS has replaced the machines of a fleet.

AWS replaces the machines by itself. This module waits, and reports why a replacement is stuck. It starts and stops
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bakewell.clouds.aws.groups import FAILED, Group
from bakewell.errors import BakewellError
from bakewell.machine.readiness import Waiting

INTERVAL = 2.0  # seconds between two questions: an account's calls are counted


def settled(look: Callable[[], Group], trouble: Callable[[], str], wait: Waiting) -> Group:
    """Wait until all machines of a group have its current launch template and are in service.

    Progress means more new machines, or fewer old ones, than at any time before. Flapping does not count: AWS retries a
    failing launch for hours.

    Args:
        look: returns the current state of the group.
        trouble: returns the reason why AWS's last action on the group failed; empty if it succeeded.
        wait: its limit is the longest time without progress.

    Raises:
        BakewellError: the instance refresh failed or was cancelled, or there was no progress in time.
    """
    most, least, status = -1, math.inf, ""
    while True:
        group = look()
        if group.settled:
            return group
        if group.refresh in FAILED:
            why = group.reason or trouble() or "AWS gives no reason"
            raise BakewellError(
                f"fleet {wait.machine}: the instance refresh of {group.name} is {group.refresh}: {why}; {group.state}",
                remedy="correct what it says, then `pulumi up` with another image, or start it again: "
                f"aws autoscaling start-instance-refresh --auto-scaling-group-name {group.name}",
            )
        others = len(group.members) - group.new
        if group.new > most or others < least or group.refresh != status:
            most, least, status = max(most, group.new), min(least, others), group.refresh
            wait.restart()
        elif wait.over:
            raise BakewellError(
                f"fleet {wait.machine}: it gets nowhere, for {wait.limit:.0f} s now: {group.state}"
                + (f"; last of all: {why}" if (why := trouble()) else ""),
                remedy=f"see what AWS says: aws autoscaling describe-scaling-activities --auto-scaling-group-name "
                f"{group.name}; `bakewell:ready_timeout` says how long to wait",
            )
        wait.on(group.state)
