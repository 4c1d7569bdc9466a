"""The nodes' nginx, in front of an application."""

from __future__ import annotations

from pyinfra import host
from steps import consul, nginx, python_service

port, app_port = host.data.port, host.data.variables["app_port"]
python_service.run(service="app", description="The application", source="files/app.py", port=app_port)
nginx.site(site=nginx.DEFAULT, template="templates/app.conf.j2", port=port, app_port=app_port)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
