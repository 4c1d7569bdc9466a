"""Machines of the local cloud: containers that boot systemd, run cloud-init and answer over SSH.

`Machines` is one cloud's set of them; `base_image` makes the stock Debian 12 image that they all start from. It does
not know what a droplet, a region or an account is, and keeps no state outside the container engine.
"""

from __future__ import annotations

from bakewell_local.sandbox.machines.errors import MachineError
from bakewell_local.sandbox.machines.machines import Machines

__all__ = ["MachineError", "Machines"]
