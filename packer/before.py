"""Before every deploy.py: the image says which it is. A packer/before.py of the project takes this file's place."""

from __future__ import annotations

from pyinfra import host
from steps import identity

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
