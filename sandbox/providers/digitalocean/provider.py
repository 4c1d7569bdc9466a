"""The plugin itself: which resources and functions it has, and how it is configured."""

from __future__ import annotations

from typing import Any

from sandbox.providers import values, versions
from sandbox.providers.digitalocean.api import Api, ApiError, Settings
from sandbox.providers.digitalocean.droplet import Droplet, address, attributes
from sandbox.providers.digitalocean.reserved_ips import ReservedIp, ReservedIpAssignment
from sandbox.providers.digitalocean.resource import ApiResource
from sandbox.providers.digitalocean.resources import SshKey, Tag
from sandbox.providers.digitalocean.schema import canonical
from sandbox.providers.server import Operation, Properties, Provider, ProviderError


class DigitalOceanProvider(Provider):
    """An interrupt changes nothing for it: what it began, it finishes, so that Pulumi can record it. A missing token is
    no fault here either; the API says so when it is first called.
    """

    name = "digitalocean"
    version = versions.DIGITALOCEAN
    accepts_secrets = False

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
        self.functions = {
            "digitalocean:index/getImage:getImage": self._get_image,
            "digitalocean:index/getDroplet:getDroplet": self._get_droplet,
        }
        self.configure({})

    def configure(self, config: Properties) -> None:
        self._api = Api(Settings.read(config))
        for resource in self._own.values():
            resource.api = self._api

    def cancel(self) -> None:
        """What was begun is finished: see the class."""

    def _get_image(self, op: Operation, arguments: Properties) -> Properties:
        given = values.plain(arguments)
        by = _one_of("getImage", given, ("id", "slug", "name"))
        if by == "name":
            query = {"user": "?private=true", "distributions": "?type=distribution", "all": ""}
            source = str(given.get("source", "user")).lower()
            if source not in query:
                raise ProviderError(f"getImage: source must be one of {', '.join(query)}, not {source}")
            found = [i for i in self._list(f"/v2/images{query[source]}", "images") if i["name"] == given["name"]]
            image = _single("image", f"name {given['name']}", found)
        else:
            key = f"{given[by]:.0f}" if by == "id" else given[by]
            missing = f"image ID {key} not found" if by == "id" else "image not found"
            image = self._found(f"/v2/images/{key}", "image", missing)
        return {
            **given,
            "id": image["id"],
            "name": image["name"],
            "type": image.get("type", ""),
            "distribution": image.get("distribution", ""),
            "slug": image.get("slug") or "",
            "image": str(image["id"]),
            "private": not image.get("public", False),
            "minDiskSize": image.get("min_disk_size", 0),
            "sizeGigabytes": float(image.get("size_gigabytes", 0)),
            "created": image.get("created_at", ""),
            "regions": canonical(image.get("regions") or []),
            "tags": canonical(image.get("tags") or []),
            "status": image.get("status", ""),
            "errorMessage": image.get("error_message") or "",
            "description": image.get("description") or "",
        }

    def _get_droplet(self, op: Operation, arguments: Properties) -> Properties:
        given = values.plain(arguments)
        by = _one_of("getDroplet", given, ("id", "tag", "name"))
        if by == "id":
            droplet = self._found(f"/v2/droplets/{given['id']:.0f}", "droplet", "droplet not found")
        else:
            every = self._list("/v2/droplets", "droplets")
            has = [d for d in every if given[by] == d["name"] or (by == "tag" and given[by] in d["tags"])]
            droplet = _single("droplet", f"{by} {given[by]}", has)
        seen = attributes(droplet)
        return {
            **given,
            **{key: value for key, value in seen.items() if key not in ("dropletUrn", "publicNetworking")},
            "id": droplet["id"],
            "urn": seen["dropletUrn"],
            "image": droplet["image"].get("slug") or str(droplet["image"]["id"]),
            "ipv6AddressPrivate": address(droplet.get("networks", {}), "v6", "private"),
        }

    def _list(self, path: str, key: str) -> list[Any]:
        try:
            return list(self._api.every(path, key))
        except ApiError as error:
            raise ProviderError(f"Error retrieving {key}: {error}") from error

    def _found(self, path: str, key: str, missing: str) -> Any:
        try:
            return self._api.get(path)[key]
        except ApiError as error:
            told = missing if error.status == 404 else f"Error retrieving {key}"
            raise ProviderError(f"{told}: {error}") from error


def _one_of(function: str, given: Properties, keys: tuple[str, ...]) -> str:
    found = [key for key in keys if given.get(key)]
    if len(found) != 1:
        raise ProviderError(f"{function}: exactly one of {', '.join(keys)} must be given")
    return found[0]


def _single(kind: str, by: str, found: list[Any]) -> Any:
    if not found:
        raise ProviderError(f"no {kind} found with {by}")
    if len(found) > 1:
        raise ProviderError(f"too many {kind}s found with {by} (found {len(found)}, expected 1)")
    return found[0]
