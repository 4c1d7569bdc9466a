"""Debian 12 with what every machine of ours has."""

from __future__ import annotations

from pyinfra import host
from steps import core, hardening, identity, seal, updates

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
core.tools()
hardening.harden()
updates.daily()
seal.seal()
