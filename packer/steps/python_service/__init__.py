"""A small network service in Python: one file, its own user, its own systemd unit. The standard library only."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

TEMPLATES = Path(__file__).parent / "templates"


@deploy("Python service")
def run(service: str, description: str, source: str, port: int) -> None:
    """Run `source` as the service `<service>.service`, from now on and at boot.

    Args:
        service: the name of the unit, of its user, and of its folder under /opt.
        source: a Python file in the context. It finds its port in $PORT and ends on SIGTERM.
    """
    folder = f"/opt/{service}"
    server.user(name="Create its user", user=service, system=True, shell="/usr/sbin/nologin", ensure_home=False)
    files.directory(name="Create its folder", path=folder, user="root", group="root", mode="755")
    program = files.put(name="Put the program", src=source, dest=f"{folder}/service.py", mode="644")
    unit = files.template(
        name="Put its unit",
        src=str(TEMPLATES / "service.j2"),
        dest=f"/etc/systemd/system/{service}.service",
        mode="644",
        service=service,
        description=description,
        program=f"{folder}/service.py",
        port=port,
    )
    systemd.daemon_reload(name="Read the unit", _if=unit.did_change)
    name = f"{service}.service"
    systemd.service(name="Restart it", service=name, restarted=True, _if=any_changed(program, unit))
    systemd.service(name="Start it, now and at boot", service=name, running=True, enabled=True)
