"""Whether a fleet on AWS is through with replacing its machines.

AWS goes on with that by itself. This module waits, and says why it is stuck; it starts and ends nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bakewell.clouds.aws.groups import FAILED, Group
from bakewell.errors import BakewellError
from bakewell.machine.readiness import Waiting

INTERVAL = 2.0  # seconds between two questions: an account's calls are counted


def settled(look: Callable[[], Group], trouble: Callable[[], str], wait: Waiting) -> Group:
    """Wait until all machines of a group are of its present launch template and in service; as long as it gets on.

    That more machines than ever are new, or fewer than ever old, is getting on. That one comes and goes again is not:
    AWS tries anew for hours what can't be launched.

    Args:
        look: gives the group as it is.
        trouble: why it could not do the last thing it tried; empty where it could.
        wait: its limit is for how long it may get nowhere.

    Raises:
        BakewellError: its instance refresh failed or was cancelled, or it got nowhere in time.
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
