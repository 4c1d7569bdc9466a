"""nginx from Debian, serving one folder of files on a port."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy
from pyinfra.operations import files, systemd

from steps import apt

ROOT = "/var/www/html"
TEMPLATES = Path(__file__).parent / "templates"


@deploy("nginx")
def serve(version: str, port: int) -> None:
    """nginx serving the files under ROOT; what is in there is the caller's.

    Args:
        version: of Debian's package; may be a pattern.
    """
    apt.install(name=f"Install nginx {version}", wanted={"nginx": version})
    files.file(name="Remove the welcome page", path=f"{ROOT}/index.nginx-debian.html", present=False)
    site = files.template(
        name="Configure the site",
        src=str(TEMPLATES / "site.conf.j2"),
        dest="/etc/nginx/sites-available/default",
        mode="644",
        port=port,
    )
    systemd.service(name="Reload it", service="nginx.service", reloaded=True, _if=site.did_change)
    systemd.service(name="Start nginx, now and at boot", service="nginx.service", running=True, enabled=True)
