"""The base image and nginx with one page."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import identity, nginx, seal

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
seal.seal()
