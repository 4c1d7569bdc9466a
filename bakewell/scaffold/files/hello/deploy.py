"""Debian 12, nginx and one page."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import nginx

nginx.serve(version=host.data.versions["nginx"], port=host.data.port)
files.put(name="Put the page", src="files/index.html", dest=f"{nginx.ROOT}/index.html", mode="644")
