"""The stand-in for pulumi-resource-digitalocean 4.65.0: Droplet, SshKey, ReservedIp and ReservedIpAssignment, Tag.

The real plugin is a Terraform provider behind Pulumi's bridge (the package `bridge` beside this one). It speaks to a
local cloud on loopback and to nothing else.
"""

from __future__ import annotations


def main() -> None:
    """Serve it to the engine whose address is the last argument."""
    import sys

    from bakewell_local.sandbox.providers.digitalocean.provider import DigitalOceanProvider
    from bakewell_local.sandbox.providers.server import serve

    serve(DigitalOceanProvider(), sys.argv[1:])
