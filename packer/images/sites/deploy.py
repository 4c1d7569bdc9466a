"""The base image and nginx with several sites: each folder of files/sites is one, named as its host."""

from __future__ import annotations

from pathlib import Path

from pyinfra import host
from pyinfra.operations import files
from steps import consul, nginx

port = host.data.port
nginx.serve(version=host.data.versions["nginx"])
nginx.site(site=nginx.DEFAULT, template="templates/default.conf.j2", port=port)
for folder in sorted(Path("files/sites").iterdir()):
    root = f"/var/www/{folder.name}"
    files.sync(name=f"Put the files of {folder.name}", src=str(folder), dest=root, mode="644", dir_mode="755")
    nginx.site(site=folder.name, template="templates/site.conf.j2", port=port, server_name=folder.name, root=root)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
