"""nginx from Debian: serving one folder of files on a port, or sites of the image's own."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra.api import deploy
from pyinfra.operations import files, systemd
from pyinfra.operations.util import any_changed

from steps import packages

FILES = Path(__file__).parent / "files"
TEMPLATES = Path(__file__).parent / "templates"
ROOT = "/var/www/html"
DEFAULT = "default"
"""The site that answers for every name that no other site has."""


@deploy("nginx")
def serve(version: str, port: int | None = None) -> None:
    """nginx serving the files under ROOT; what is in there is the caller's.

    Args:
        version: of Debian's package; may be a pattern.
        port: None where the caller configures the DEFAULT site itself.
    """
    packages.install(f"Install nginx {version}", {"nginx": version})
    files.file(name="Remove the welcome page", path=f"{ROOT}/index.nginx-debian.html", present=False)
    unit = files.put(
        name="Put its unit", src=str(FILES / "nginx.service"), dest="/etc/systemd/system/nginx.service", mode="644"
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    systemd.service(name="Restart it by its unit", service="nginx.service", restarted=True, _if=unit.did_change)
    modest = files.put(
        name="Keep the version from strangers",
        src=StringIO("server_tokens off;\n"),
        dest="/etc/nginx/conf.d/modest.conf",
        mode="644",
    )
    systemd.service(name="Reload it", service="nginx.service", reloaded=True, _if=modest.did_change)
    systemd.service(name="Start nginx, now and at boot", service="nginx.service", running=True, enabled=True)
    if port is not None:
        site(site=DEFAULT, template=str(TEMPLATES / "site.conf.j2"), port=port)


@deploy("nginx site")
def site(site: str, template: str, **values: Any) -> None:
    """A site as `template` has it, in place of the one of that name.

    Args:
        template: an nginx configuration, by Jinja: `values` are its variables.
    """
    there = f"/etc/nginx/sites-available/{site}"
    content = files.template(name=f"Configure {site}", src=template, dest=there, mode="644", **values)
    link = files.link(name=f"Enable {site}", path=f"/etc/nginx/sites-enabled/{site}", target=there)
    systemd.service(name="Reload nginx", service="nginx.service", reloaded=True, _if=any_changed(content, link))
