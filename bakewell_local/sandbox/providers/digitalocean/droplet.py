"""`digitalocean:index/droplet:Droplet`.

Of an existing droplet, name, size and tags can be changed; backups, IPv6, private networking and volumes are accepted
at creation and refused afterwards. `image` is never read back, as slugs move on: what the program said stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, nonzero
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait, WaitError
from bakewell_local.sandbox.providers.digitalocean.api import ApiError
from bakewell_local.sandbox.providers.digitalocean.resource import ApiResource, StepError, step
from bakewell_local.sandbox.providers.digitalocean.resources import tag
from bakewell_local.sandbox.providers.server import Properties, ProviderError

_CHECKS = 120
"""How many looks in a row may see no droplet, or a locked one, before it is given up: 20 minutes' worth."""
_GONE = "Not Found"
_UNCHANGEABLE = ("backups", "ipv6", "privateNetworking", "volumeIds")


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Droplet(ApiResource):
    """A droplet. It is created, and its address known, once its status is `active` and it is not locked."""

    label = "droplet"
    limits: ClassVar[Mapping[str, float]] = {"create": 60 * 60.0, "update": 60 * 60.0, "delete": 60.0}
    schema: ClassVar[Schema] = {
        "image": Field("str", required=True, replaces=True, valid=nonzero),
        "name": Field("str", required=True, autonamed=True, valid=nonzero),
        "region": Field("str", computed=True, replaces=True, kept=str.lower, valid=nonzero),
        "size": Field("str", required=True, kept=str.lower, valid=nonzero),
        "resizeDisk": Field("bool", default=True),
        "backups": Field("bool", default=False),
        "ipv6": Field("bool", default=False),
        "ipv6Address": Field("str", computed=True),
        "privateNetworking": Field("bool", computed=True),
        "publicNetworking": Field("bool", default=True, replaces=True),
        "sshKeys": Field("set", replaces=True, valid=nonzero),
        "userData": Field("str", replaces=True, kept=_sha1, valid=nonzero),
        "volumeIds": Field("set", computed=True),
        "monitoring": Field("bool", default=False, replaces=True),
        "dropletAgent": Field("bool", replaces=True),
        "tags": Field("set", valid=tag),
        "vpcUuid": Field("str", computed=True, replaces=True, valid=nonzero),
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

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        body: Properties = {
            "name": planned["name"],
            # As the program says it, and not as the state will show it.
            "region": inputs.get("region", ""),
            "size": inputs["size"],
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
            "public_networking": None if planned["publicNetworking"] else False,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        with step("Error creating droplet"):
            return str(self.api.post("/v2/droplets", body)["droplet"]["id"])

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        with step(f"Error waiting for droplet ({resource_id}) to become ready"):
            self._wait(patience, resource_id, "status", _attribute("active", "new"))

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        droplet = self.found(f"/v2/droplets/{resource_id}", "droplet")
        return None if droplet is None else _attributes(droplet)

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        changed = {key for key in {*state, *planned} if state.get(key) != planned.get(key)}
        refused = changed.intersection(_UNCHANGEABLE)
        if refused:
            raise ProviderError(
                f"changing {', '.join(sorted(refused))} of an existing droplet is not implemented by the local cloud's "
                "stand-in for the digitalocean plugin: replace the droplet"
            )
        droplet = f"droplet ({resource_id})"
        if "size" in changed:
            self._resize(patience, resource_id, planned)
        if "name" in changed:
            with step(f"Error renaming {droplet}"):
                self._act(resource_id, {"type": "rename", "name": planned["name"]})
            with step(f"Error waiting for rename {droplet} to finish"):
                self._wait(
                    patience, resource_id, "name", _attribute(planned["name"], "", state["name"]), _missing_in_update
                )
        if "tags" in changed:
            with step("Error updating tags"):
                self._retag(resource_id, set(state.get("tags", [])), set(planned.get("tags", [])))

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        # A droplet that is gone already says "Not Found" here, and that is neither locked nor unlocked.
        with step(f"Error waiting for droplet to be unlocked for destroy ({resource_id})"):
            self._wait(patience, resource_id, "locked", _attribute("false", "", "true"), _missing_in_delete)
        try:
            self.api.delete(f"/v2/droplets/{resource_id}")
        except ApiError as error:
            if error.status == 404:
                return
            # Any other refusal is only seen in that the droplet does not go.
        with step("Error deleting droplet"):
            wanted = Wait(_GONE, ("active", "off"), timeout=60.0, not_found_checks=20)
            self._wait(patience, resource_id, "status", wanted, _missing_in_delete)

    def _resize(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        droplet = f"droplet ({resource_id})"
        with step(f"Error powering off {droplet}"):
            try:
                self._act(resource_id, {"type": "power_off"})
            except ApiError as error:
                if "Droplet is already powered off" not in str(error):
                    raise
        with step(f"Error waiting for {droplet} to become powered off"):
            self._wait(patience, resource_id, "status", _attribute("off", "active"), _missing_in_update)
        order = {"type": "resize", "size": planned["size"], "disk": planned["resizeDisk"]}
        try:
            with step(f"Error resizing {droplet}"):
                action = self._act(resource_id, order)
            with step(f"Error waiting for resize {droplet} to finish"):
                self._wait_for_action(action)
        except StepError:
            with step(f"Error powering on {droplet} after failed resize"):
                self._power_on(patience, resource_id)
            raise
        with step(f"Error powering on {droplet} after resize"):
            self._power_on(patience, resource_id)

    def _power_on(self, patience: Patience, resource_id: str) -> None:
        self._act(resource_id, {"type": "power_on"})
        self._wait(patience, resource_id, "status", _attribute("active", "off"), _missing_in_update)

    def _retag(self, resource_id: str, old: set[str], new: set[str]) -> None:
        resources = {"resources": [{"resource_id": resource_id, "resource_type": "droplet"}]}
        for name in sorted(old - new):
            self.api.delete(f"/v2/tags/{name}/resources", resources)
        for name in sorted(new - old):
            self.api.post("/v2/tags", {"name": name})
            self.api.post(f"/v2/tags/{name}/resources", resources)

    def _act(self, resource_id: str, body: Properties) -> Any:
        return self.api.post(f"/v2/droplets/{resource_id}/actions", body)["action"]

    def _wait_for_action(self, action: Any) -> None:
        """Wait until `completed_at` is set; "status: completed" alone is not enough for the real provider either.

        Neither the operation's limit nor the end of the engine counts here: an hour does.
        """

        def look() -> str:
            now = self.api.get(f"/v2/actions/{action['id']}")["action"]
            if now["status"] == "errored":
                return "errored"
            return "completed" if now.get("completed_at") else "in-progress"

        Patience().wait_for(look, Wait("completed", ("in-progress",), timeout=60 * 60.0))

    def _wait(
        self,
        patience: Patience,
        resource_id: str,
        key: str,
        wanted: Wait,
        missing: Callable[[str], str | None] = lambda resource_id: None,
    ) -> None:
        """`missing`: what a droplet that is not there says."""

        def look() -> str | None:
            try:
                droplet = self.found(f"/v2/droplets/{resource_id}", "droplet")
            except ApiError as error:
                raise WaitError(f"Error retrieving droplet: {error}") from error
            if droplet is None:
                return missing(resource_id)
            patience.seen = _attributes(droplet)
            if droplet.get("locked"):
                # Nothing it says counts while an action holds it.
                return None
            value = droplet.get(key)
            return str(value).lower() if isinstance(value, bool) else str(value)

        patience.wait_for(look, wanted)


def _attribute(target: str, *pending: str) -> Wait:
    return Wait(target, pending, not_found_checks=_CHECKS)


def _missing_in_update(resource_id: str) -> str | None:
    raise WaitError(f"droplet ({resource_id}) not found during update")


def _missing_in_delete(resource_id: str) -> str | None:
    return _GONE


def _attributes(droplet: Any) -> Properties:
    """The outputs that the API's `droplet` object gives, by Pulumi's names."""
    networks = droplet.get("networks", {})
    features = droplet.get("features", [])
    size = droplet.get("size") or {}
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
        "ipv4Address": _address(networks, "v4", "public"),
        "ipv4AddressPrivate": _address(networks, "v4", "private"),
        "ipv6Address": _address(networks, "v6", "public"),
        "backups": "backups" in features,
        "ipv6": "ipv6" in features,
        "privateNetworking": "private_networking" in features,
        "monitoring": "monitoring" in features,
        "volumeIds": sorted(droplet.get("volume_ids") or []),
        "tags": sorted(droplet.get("tags") or []),
    }


def _address(networks: Any, family: str, kind: str) -> str:
    """The first address of a kind ("public", "private"); "" where there is none."""
    found = [net["ip_address"] for net in networks.get(family, []) if net["type"] == kind]
    return str(found[0]).lower() if found else ""


def _number_or_text(text: str) -> int | str:
    return int(text) if text.isdigit() else text
