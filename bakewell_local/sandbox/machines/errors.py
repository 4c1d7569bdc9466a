"""What can go wrong with the local cloud's machines."""

from __future__ import annotations

from bakewell.errors import BakewellError


class MachineError(BakewellError):
    """The container engine, or a machine in it, did not do what was asked."""

    exit_code = 3
