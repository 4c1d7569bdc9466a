"""The nodes' base image and nginx, with nothing to serve yet."""

from __future__ import annotations

from pyinfra import host
from pyinfra.operations import files
from steps import nginx

nginx.serve(version=host.data.versions["nginx"], port=host.data.port)
files.put(name="Put a page", src="files/index.html", dest=f"{nginx.ROOT}/index.html", mode="644")
