"""The base image and nginx with one page."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import consul, identity, nginx, ready, seal

identity.record(role=host.data.role, image=host.data.image, parent=host.data.parent)
nginx.serve(version=host.data.versions["nginx"], port=host.data.variables["port"])
files.template(
    name="Put the page",
    src="templates/index.html.j2",
    dest=f"{nginx.ROOT}/index.html",
    mode="644",
    title=host.data.variables["page_title"],
    role=host.data.role,
    image=host.data.image,
)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
ready.when(boot=host.data.boot, consul=host.data.consul)
seal.seal()
