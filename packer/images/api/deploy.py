"""The base image and a service of our own."""

from __future__ import annotations

from pyinfra import host
from steps import identity, python_service, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
python_service.run(
    service="api",
    description="A small HTTP service",
    source="files/service.py",
    port=host.data.variables["port"],
)
seal.seal()
