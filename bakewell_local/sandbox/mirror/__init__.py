"""The local cloud's mirror: one container a cloud that answers vendors' names with what we built ourselves.

Machines find it by their /etc/hosts and trust it by the authority in their stock image (`sandbox.machines.trust`), so
that a build downloads from the vendor's own URL, by its own means, whether the vendor can be reached or not. It serves
the release files of the programs in `toolchain`, and a container registry with placeholders of the images that we
can't build; on another port, a registry that wants a login. It forwards nothing: what it has not got is a 404 that says
what there is.
"""

from __future__ import annotations

from bakewell_local.sandbox.mirror.container import prepare, runs, start, stop
from bakewell_local.sandbox.mirror.image import remove

__all__ = ["prepare", "remove", "runs", "start", "stop"]
