"""Prometheus' node exporter from Debian: the machine's own figures on port 9100, for whoever collects them."""

from __future__ import annotations

from pyinfra.api import deploy
from pyinfra.operations import systemd

from steps import packages

PACKAGE = "prometheus-node-exporter"


@deploy("Monitoring")
def node_exporter(version: str) -> None:
    """The exporter, now and at boot.

    Args:
        version: of Debian's package; may be a pattern.
    """
    packages.install(f"Install {PACKAGE} {version}", {PACKAGE: version})
    systemd.service(name="Start it, now and at boot", service=f"{PACKAGE}.service", running=True, enabled=True)
