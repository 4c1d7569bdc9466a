"""`digitalocean:index/droplet:Droplet`.

Of an existing droplet, name, size and tags can be changed; backups, IPv6, private networking and volumes are accepted
at creation and refused afterwards. `image` is never read back, as slugs move on: what the program said stays.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from sandbox.providers.digitalocean.api import ApiError, wait_for, wait_for_action
from sandbox.providers.digitalocean.resource import DEFAULT_TIMEOUT, ApiResource
from sandbox.providers.digitalocean.schema import Field, Schema, canonical
from sandbox.providers.server import Operation, Properties, ProviderError

_DELETE_TIMEOUT = 60.0
_UNCHANGEABLE = ("backups", "ipv6", "privateNetworking", "volumeIds", "backupPolicy")


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Droplet(ApiResource):
    """A droplet. It is created, and its address known, once its status is `active` and it is not locked."""

    label = "droplet"
    schema: ClassVar[Schema] = {
        "image": Field("str", required=True, replaces=True),
        "name": Field("str", required=True, autonamed=True),
        "region": Field("str", computed=True, replaces=True, kept=str.lower),
        "size": Field("str", required=True, kept=str.lower),
        "gracefulShutdown": Field("bool", default=False),
        "resizeDisk": Field("bool", default=True),
        "backups": Field("bool", default=False),
        "ipv6": Field("bool", default=False),
        "ipv6Address": Field("str", computed=True),
        "privateNetworking": Field("bool", computed=True),
        "publicNetworking": Field("bool", computed=True, replaces=True),
        "sshKeys": Field("set", replaces=True),
        "userData": Field("str", replaces=True, kept=_sha1),
        "volumeIds": Field("set", computed=True),
        "monitoring": Field("bool", default=False, replaces=True),
        "dropletAgent": Field("bool", replaces=True),
        "tags": Field("set", tags=True),
        "vpcUuid": Field("str", computed=True, replaces=True),
        "createdAt": Field("str", output=True),
        "disk": Field("int", output=True),
        "dropletUrn": Field("str", output=True),
        "ipv4Address": Field("str", output=True),
        "ipv4AddressPrivate": Field("str", output=True),
        "locked": Field("bool", output=True),
        "memory": Field("int", output=True),
        "priceHourly": Field("float", output=True),
        "priceMonthly": Field("float", output=True),
        "status": Field("str", output=True),
        "vcpus": Field("int", output=True),
    }

    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        body: Properties = {
            "name": planned["name"],
            "region": planned.get("region", ""),
            "size": planned["size"],
            "image": _number_or_text(planned["image"]),
            "ssh_keys": [_number_or_text(key) for key in planned.get("sshKeys", [])],
            "backups": planned["backups"],
            "ipv6": planned["ipv6"],
            "private_networking": planned.get("privateNetworking", False),
            "monitoring": planned["monitoring"],
            "tags": planned.get("tags", []),
        }
        optional = {
            "user_data": inputs.get("userData"),
            "vpc_uuid": planned.get("vpcUuid"),
            "with_droplet_agent": planned.get("dropletAgent"),
            "volumes": [{"id": volume} for volume in planned.get("volumeIds", [])] or None,
            "public_networking": planned.get("publicNetworking", True) and None,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        return str(self.api.post("/v2/droplets", body)["droplet"]["id"])

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        self._wait(resource_id, "status", "active", ("new",), op.timeout or DEFAULT_TIMEOUT)

    def look(self, resource_id: str) -> Properties | None:
        droplet = self.found(f"/v2/droplets/{resource_id}", "droplet")
        return None if droplet is None else attributes(droplet)

    def look_for_import(self, resource_id: str) -> Properties | None:
        droplet = self.found(f"/v2/droplets/{resource_id}", "droplet")
        if droplet is None:
            return None
        image = droplet["image"].get("slug") or str(droplet["image"]["id"])
        return {**attributes(droplet), "image": image, "resizeDisk": True}

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        changed = {key for key in {*state, *planned} if state.get(key) != planned.get(key)}
        refused = changed.intersection(_UNCHANGEABLE)
        if refused:
            raise ProviderError(
                f"changing {', '.join(sorted(refused))} of an existing droplet is not implemented by the local cloud's "
                "stand-in for the digitalocean plugin: replace the droplet"
            )
        timeout = op.timeout or DEFAULT_TIMEOUT
        if "size" in changed:
            self._resize(resource_id, planned, timeout)
        if "name" in changed:
            self._act(resource_id, {"type": "rename", "name": planned["name"]})
            self._wait(resource_id, "name", planned["name"], ("", state["name"]), timeout)
        if "tags" in changed:
            self._retag(resource_id, set(state.get("tags", [])), set(planned.get("tags", [])))

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        timeout = op.timeout or _DELETE_TIMEOUT
        try:
            self._wait(resource_id, "locked", "false", ("true",), timeout, while_locked=True)
            if state.get("gracefulShutdown"):
                self._act(resource_id, {"type": "shutdown"})
                self._wait(resource_id, "status", "off", ("active",), timeout)
            self.api.delete(f"/v2/droplets/{resource_id}")
        except ApiError as error:
            if error.status == 404:
                return
            raise

        def look() -> tuple[str, None]:
            droplet = self.found(f"/v2/droplets/{resource_id}", "droplet")
            return ("gone" if droplet is None else droplet["status"]), None

        wait_for(look, "gone", ("new", "active", "off", "archive"), timeout)

    def _resize(self, resource_id: str, planned: Properties, timeout: float) -> None:
        try:
            self._act(resource_id, {"type": "power_off"})
        except ApiError as error:
            if "Droplet is already powered off" not in str(error):
                raise
        self._wait(resource_id, "status", "off", ("active",), timeout)
        try:
            action = self._act(
                resource_id, {"type": "resize", "size": planned["size"], "disk": planned.get("resizeDisk", True)}
            )
            wait_for_action(self.api, action, timeout)
        finally:
            # Whether or not the resize worked: a droplet that ran before must run again.
            self._act(resource_id, {"type": "power_on"})
            self._wait(resource_id, "status", "active", ("off",), timeout)

    def _retag(self, resource_id: str, old: set[str], new: set[str]) -> None:
        resources = {"resources": [{"resource_id": resource_id, "resource_type": "droplet"}]}
        for tag in sorted(old - new):
            self.api.delete(f"/v2/tags/{tag}/resources", resources)
        for tag in sorted(new - old):
            self.api.post("/v2/tags", {"name": tag})
            self.api.post(f"/v2/tags/{tag}/resources", resources)

    def _act(self, resource_id: str, body: Properties) -> Any:
        return self.api.post(f"/v2/droplets/{resource_id}/actions", body)["action"]

    def _wait(
        self,
        resource_id: str,
        key: str,
        target: str,
        pending: tuple[str, ...],
        timeout: float,
        *,
        while_locked: bool = False,
    ) -> None:
        def look() -> tuple[str, None]:
            droplet = self.api.get(f"/v2/droplets/{resource_id}")["droplet"]
            if droplet.get("locked") and not while_locked:
                # Nothing it says counts while an action holds it.
                return pending[0], None
            value = droplet.get(key)
            return (str(value).lower() if isinstance(value, bool) else str(value)), None

        wait_for(look, target, pending, timeout)


def attributes(droplet: Any) -> Properties:
    """The outputs that the API's `droplet` object gives, by Pulumi's names."""
    networks = droplet.get("networks", {})
    features = droplet.get("features", [])
    size = droplet.get("size") or {}
    public = address(networks, "v4", "public")
    return {
        "name": droplet["name"],
        "dropletUrn": f"do:droplet:{droplet['id']}",
        "region": droplet["region"]["slug"],
        "size": droplet.get("size_slug") or size.get("slug"),
        "priceHourly": size.get("price_hourly"),
        "priceMonthly": size.get("price_monthly"),
        "disk": droplet.get("disk"),
        "vcpus": droplet.get("vcpus"),
        "memory": droplet.get("memory"),
        "status": droplet["status"],
        "locked": droplet.get("locked", False),
        "createdAt": droplet.get("created_at"),
        "vpcUuid": droplet.get("vpc_uuid", ""),
        "ipv4Address": public,
        "ipv4AddressPrivate": address(networks, "v4", "private"),
        "ipv6Address": address(networks, "v6", "public"),
        "publicNetworking": bool(public),
        "backups": "backups" in features,
        "ipv6": "ipv6" in features,
        "privateNetworking": "private_networking" in features,
        "monitoring": "monitoring" in features,
        "volumeIds": canonical(droplet.get("volume_ids") or []),
        "tags": canonical(droplet.get("tags") or []),
    }


def address(networks: Any, family: str, kind: str) -> str:
    """The first address of a kind ("public", "private"); "" where there is none."""
    found = [net["ip_address"] for net in networks.get(family, []) if net["type"] == kind]
    return str(found[0]).lower() if found else ""


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isdigit() else text
