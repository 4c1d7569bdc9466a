"""The stand-in for pulumi-resource-digitalocean 4.65.0: Droplet, SshKey, ReservedIp and ReservedIpAssignment, Tag;
getImage and getDroplet.

The real plugin is a Terraform provider behind Pulumi's bridge; `schema` is what the bridge and Terraform's SDK do with
inputs and states, the other modules are the provider itself. It speaks to a local cloud on loopback and to nothing
else.
"""

from __future__ import annotations


def main() -> None:
    """Serve it to the engine whose address is the last argument."""
    import sys

    from sandbox.providers.digitalocean.provider import DigitalOceanProvider
    from sandbox.providers.server import serve

    serve(DigitalOceanProvider(), sys.argv[1:])
