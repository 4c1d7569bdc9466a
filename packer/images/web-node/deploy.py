"""The nodes' nginx as a reverse proxy; consul-template, or user_data, tells it where to."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files, systemd
from steps import consul, consul_template, nginx

files.put(
    name="Have nobody to ask so far",
    src="files/upstream.conf",
    dest="/etc/nginx/conf.d/upstream.conf",
    mode="644",
)
files.put(
    name="Say how to find somebody",
    src="files/upstream.ctmpl",
    dest=f"{consul_template.TEMPLATES}/upstream.ctmpl",
    mode="644",
)
program = files.put(
    name="Put what reads user_data's answer to that",
    src="files/upstream.sh",
    dest="/usr/local/lib/bakewell/upstream.sh",
    mode="755",
)
unit = files.put(
    name="Put its unit", src="files/upstream.service", dest="/etc/systemd/system/upstream.service", mode="644"
)
systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
files.put(name="Put the page for that", src="files/unavailable.html", dest=f"{nginx.ROOT}/unavailable.html", mode="644")
files.file(name="Remove the parent's page", path=f"{nginx.ROOT}/index.html", present=False)
nginx.site(site=nginx.DEFAULT, template="templates/proxy.conf.j2", port=host.data.port, root=nginx.ROOT)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
