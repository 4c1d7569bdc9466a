"""The base image and nginx with one page, which consul-template renders from a key."""

from __future__ import annotations

import json

from pyinfra import host
from pyinfra.operations import files
from steps import consul, consul_template, nginx

nginx.serve(version=host.data.versions["nginx"], port=host.data.port)
default = str(host.data.variables["page_title"])
key = f'{{{{ keyOrDefault "landing/title" {json.dumps(default)} | html }}}}'
# One source for both, so that rendering changes nothing until the key is there.
pages = {f"{nginx.ROOT}/index.html": default, f"{consul_template.TEMPLATES}/landing.ctmpl": key}
for dest, title in pages.items():
    files.template(
        name=f"Put {dest}",
        src="templates/index.html.j2",
        dest=dest,
        mode="644",
        title=title,
        role=host.data.role,
        image=host.data.image,
    )
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
