"""The base image, whose agent becomes a server by what user_data tells it."""

from __future__ import annotations

from pyinfra import host
from steps import consul, identity, ready, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
consul.server()
ready.when(boot=host.data.boot, consul=host.data.consul)
seal.seal()
