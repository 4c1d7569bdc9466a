"""Machines that fail on order."""

from __future__ import annotations

from typing import Any, cast

from bakewell_local.sandbox.machines import Machines
from bakewell_local.sandbox.serving.faults import Faults


def faulty(machines: Machines, faults: Faults) -> Machines:
    """The machines, failing while a fault rule says that the engine is down or the disk is full."""
    return cast(Machines, _Faulty(machines, faults))


class _Faulty:
    def __init__(self, machines: Machines, faults: Faults) -> None:
        self._machines = machines
        self._faults = faults

    def __getattr__(self, method: str) -> Any:
        self._faults.check_engine(writes=method in ("create", "commit"))
        return getattr(self._machines, method)
