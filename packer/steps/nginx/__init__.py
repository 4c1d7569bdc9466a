"""nginx from Debian: serving one folder of files on a port, or sites of the image's own."""

from __future__ import annotations

from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FileUploadCommand, deploy, operation
from pyinfra.facts.files import FindInFile
from pyinfra.operations import files, systemd
from pyinfra.operations.util import any_changed

from steps import packages

FILES = Path(__file__).parent / "files"
TEMPLATES = Path(__file__).parent / "templates"
ROOT = "/var/www/html"
CONFIG = "/etc/nginx/nginx.conf"
MODEST = "/etc/nginx/conf.d/modest.conf"
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
    modest = hide_version(name="Keep the version from strangers")
    systemd.service(name="Reload it", service="nginx.service", reloaded=True, _if=modest.did_change)
    systemd.service(name="Start nginx, now and at boot", service="nginx.service", running=True, enabled=True)
    if port is not None:
        site(site=DEFAULT, template=str(TEMPLATES / "site.conf.j2"), port=port)


@operation()
def hide_version() -> Generator[str | FileUploadCommand, None, None]:
    """nginx tells nobody its version. From Debian 13 on its own configuration says otherwise, and may say so once."""
    said = host.get_fact(FindInFile, path=CONFIG, pattern=r"^\s*server_tokens ")
    if not said:
        yield from files.put._inner(src=StringIO("server_tokens off;\n"), dest=MODEST, mode="644")
    elif any(not line.split()[1].startswith("off") for line in said):
        yield f"sed -i -E 's/^(\\s*server_tokens) .*/\\1 off;/' {CONFIG}"
    else:
        host.noop("its version is kept from strangers")


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
