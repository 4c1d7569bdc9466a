"""The base image and a service of our own."""

from __future__ import annotations

from pyinfra import host
from steps import consul, python_service

python_service.run(
    service="api",
    description="A small HTTP service",
    source="files/service.py",
    port=host.data.port,
)
consul.register(service=host.data.consul["service"], **host.data.boot["health"])
