"""The plugin itself: which resources it has, and how it is configured."""

from __future__ import annotations

from bakewell_local.sandbox.providers import versions
from bakewell_local.sandbox.providers.digitalocean.api import Api
from bakewell_local.sandbox.providers.digitalocean.droplet import Droplet
from bakewell_local.sandbox.providers.digitalocean.reserved_ips import ReservedIp, ReservedIpAssignment
from bakewell_local.sandbox.providers.digitalocean.resource import ApiResource
from bakewell_local.sandbox.providers.digitalocean.resources import SshKey, Tag
from bakewell_local.sandbox.providers.server import Properties, Provider


class DigitalOceanProvider(Provider):
    """A missing token is no fault here; the API says so when it is first called."""

    name = "digitalocean"
    version = versions.DIGITALOCEAN

    def __init__(self) -> None:
        own: dict[str, ApiResource] = {
            "digitalocean:index/droplet:Droplet": Droplet(),
            "digitalocean:index/sshKey:SshKey": SshKey(),
            "digitalocean:index/tag:Tag": Tag(),
            "digitalocean:index/reservedIp:ReservedIp": ReservedIp(),
            "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": ReservedIpAssignment(),
        }
        self._own = own
        self.resources = own

    def configure(self, config: Properties) -> None:
        api = Api(config)
        for resource in self._own.values():
            resource.api = api
