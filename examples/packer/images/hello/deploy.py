"""Debian 12, nginx and one page."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import identity, nginx, ready, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
nginx.serve(version=host.data.versions["nginx"], port=host.data.boot["health"]["port"])
files.put(name="Put the page", src="files/index.html", dest=f"{nginx.ROOT}/index.html", mode="644")
ready.when(boot=host.data.boot, consul=host.data.consul)
seal.seal()
