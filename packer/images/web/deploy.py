"""The base image and nginx with one page."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import consul, nginx

nginx.serve(version=host.data.versions["nginx"], port=host.data.port)
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
