"""What an image of ROLE has that BELOW has not."""

from __future__ import annotations

from pyinfra import host
from steps import identity, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
# Between these two: operations of PyInfra and of steps. Every step that is imported is listed in image.toml.
seal.seal()
