"""`ReservedIp` and `ReservedIpAssignment` of `digitalocean:index`.

Neither waits for its droplet here: it is active once Pulumi has made it, and while an action holds it the API refuses.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, nonzero
from bakewell_local.sandbox.providers.bridge.waiting import Patience, Wait
from bakewell_local.sandbox.providers.digitalocean.resource import ApiResource, step
from bakewell_local.sandbox.providers.server import Properties, ProviderError


def ipv4(name: str, value: Any) -> str | None:
    """What is wrong with a text that is no IPv4 address."""
    try:
        IPv4Address(value)
    except ValueError:
        return f"expected {name} to contain a valid IPv4 address, got: {value}"
    return None


class ReservedIp(ApiResource):
    """An address that stays when droplets go. The address is its ID. Which droplet has it is for a
    `ReservedIpAssignment` to say: `dropletId` is not implemented.
    """

    label = "reserved IP"
    schema: ClassVar[Schema] = {
        "region": Field("str", required=True, replaces=True, kept=str.lower),
        "ipAddress": Field("str", computed=True),
        "reservedIpUrn": Field("str", output=True),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        # The region as the program says it, and not as the state will show it.
        with step("Error creating reserved IP"):
            return str(self.api.post("/v2/reserved_ips", {"region": inputs["region"]})["reserved_ip"]["ip"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        found = self.found(f"/v2/reserved_ips/{resource_id}", "reserved_ip")
        if found is None:
            return None
        region = (found.get("droplet") or found)["region"]["slug"]
        return {"region": region, "ipAddress": found["ip"], "reservedIpUrn": f"do:reservedip:{found['ip']}"}

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        with step("Error deleting reserved IP"):
            self.api.delete(f"/v2/reserved_ips/{resource_id}")


class ReservedIpAssignment(ApiResource):
    """That a droplet has an address. Its ID is made up; droplet and address are in it.

    Once another droplet has the address, it is gone, and deleting it changes nothing.
    """

    label = "reserved IP"
    schema: ClassVar[Schema] = {
        "ipAddress": Field("str", required=True, replaces=True, valid=ipv4),
        "dropletId": Field("int", required=True, replaces=True, valid=nonzero),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        droplet, ip = int(planned["dropletId"]), planned["ipAddress"]
        with step(f"Error Assigning reserved IP ({ip}) to the droplet"):
            action = self._order(ip, {"type": "assign", "droplet_id": droplet})
        with step(f"Error waiting for reserved IP ({ip}) to be Assigned"):
            self._wait(patience, ip, action)
        return f"{droplet}-{ip}-{datetime.now(UTC):%Y%m%d%H%M%S}{secrets.token_hex(6)}"

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        droplet, ip, _ = resource_id.split("-")
        # An address that is gone is an error, not an assignment that is gone: so it is with the real provider.
        if self._holder(ip) != int(droplet):
            return None
        return {"ipAddress": ip, "dropletId": float(droplet)}

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        ip = state["ipAddress"]
        with step("Error retrieving reserved IP"):
            holder = self._holder(ip)
        if holder is None:
            # The real provider takes the droplet for granted, and its plugin crashes here (a nil pointer).
            raise ProviderError(
                f"no droplet has {ip} any more, and the real plugin crashes at that: run `pulumi refresh`, which drops "
                "the assignment"
            )
        if holder != int(state["dropletId"]):
            return
        with step(f"Error unassigning reserved IP ({ip}) from the droplet"):
            action = self._order(ip, {"type": "unassign"})
        with step(f"Error waiting for reserved IP ({ip}) to be unassigned"):
            self._wait(patience, ip, action)

    def _holder(self, ip: str) -> int | None:
        """The droplet that has the address."""
        droplet = self.api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"].get("droplet")
        return int(droplet["id"]) if droplet else None

    def _order(self, ip: str, body: Properties) -> Any:
        return self.api.post(f"/v2/reserved_ips/{ip}/actions", body)["action"]

    def _wait(self, patience: Patience, ip: str, action: Any) -> None:
        def look() -> str:
            return str(self.api.get(f"/v2/reserved_ips/{ip}/actions/{action['id']}")["action"]["status"])

        patience.wait_for(look, Wait("completed", ("new", "in-progress"), timeout=60 * 60.0))
