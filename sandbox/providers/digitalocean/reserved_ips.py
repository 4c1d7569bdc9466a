"""`ReservedIp` and `ReservedIpAssignment` of `digitalocean:index`.

Neither waits for its droplet here: it is active once Pulumi has made it, and while an action holds it the API refuses.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.providers.digitalocean.api import Api, ApiError
from sandbox.providers.digitalocean.resource import ApiResource, StepError, step
from sandbox.providers.digitalocean.schema import Field, Schema, ipv4, nonzero
from sandbox.providers.digitalocean.waiting import Patience, Wait
from sandbox.providers.server import Properties, ProviderError


class ReservedIp(ApiResource):
    """An address that stays when droplets go. The address is its ID.

    `dropletId` says who has it, but only where the program says so too: a resource without one neither shows nor takes
    back what a `ReservedIpAssignment` did.
    """

    label = "reserved IP"
    schema: ClassVar[Schema] = {
        "region": Field("str", required=True, replaces=True, kept=str.lower),
        "dropletId": Field("int"),
        "ipAddress": Field("str", computed=True),
        "reservedIpUrn": Field("str", output=True),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        # The region as the program says it, and not as the state will show it.
        with step("Error creating reserved IP"):
            return str(self.api.post("/v2/reserved_ips", {"region": inputs["region"]})["reserved_ip"]["ip"])

    def settle(self, patience: Patience, resource_id: str, planned: Properties) -> None:
        if planned.get("dropletId"):
            self._assign(patience, resource_id, planned)

    def look(self, resource_id: str) -> Properties | None:
        found = self.found(f"/v2/reserved_ips/{resource_id}", "reserved_ip")
        if found is None:
            return None
        droplet = found.get("droplet")
        seen = {
            "region": (droplet or found)["region"]["slug"],
            "ipAddress": found["ip"],
            "reservedIpUrn": f"do:reservedip:{found['ip']}",
        }
        return {**seen, "dropletId": float(droplet["id"])} if droplet else seen

    def merge(self, state: Properties, seen: Properties) -> Properties:
        told = seen if state.get("dropletId") else {key: value for key, value in seen.items() if key != "dropletId"}
        return state | told

    def change(
        self, patience: Patience, resource_id: str, state: Properties, inputs: Properties, planned: Properties
    ) -> None:
        if state.get("dropletId") == planned.get("dropletId"):
            return
        if planned.get("dropletId"):
            self._assign(patience, resource_id, planned)
        else:
            self._unassign(patience, resource_id)

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        if state.get("dropletId"):
            try:
                self._unassign(patience, resource_id)
            except StepError as error:
                # Nobody has it any more: what was wanted.
                if not isinstance(error.__cause__, ApiError) or error.__cause__.status != 422:
                    raise
        with step("Error deleting reserved IP"):
            self.api.delete(f"/v2/reserved_ips/{resource_id}")

    def _assign(self, patience: Patience, address: str, planned: Properties) -> None:
        with step(f"Error Assigning reserved IP ({address}) to the Droplet"):
            action = _order(self.api, address, {"type": "assign", "droplet_id": int(planned["dropletId"])})
        with step(f"Error waiting for reserved IP ({address}) to be assigned"):
            _wait(self.api, patience, address, action)

    def _unassign(self, patience: Patience, address: str) -> None:
        with step(f"Error unassigning reserved IP ({address})"):
            action = _order(self.api, address, {"type": "unassign"})
        with step(f"Error waiting for reserved IP ({address}) to be Unassigned"):
            _wait(self.api, patience, address, action)


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
            action = _order(self.api, ip, {"type": "assign", "droplet_id": droplet})
        with step(f"Error waiting for reserved IP ({ip}) to be Assigned"):
            _wait(self.api, patience, ip, action)
        return f"{droplet}-{ip}-{datetime.now(UTC):%Y%m%d%H%M%S}{secrets.token_hex(6)}"

    def look(self, resource_id: str) -> Properties | None:
        droplet, ip, _ = resource_id.split("-")
        # An address that is gone is an error, not an assignment that is gone: so it is with the real provider.
        if self._holder(ip) != int(droplet):
            return None
        return {"ipAddress": ip, "dropletId": float(droplet)}

    def look_for_import(self, resource_id: str) -> Properties | None:
        raise ProviderError(
            "importing an assignment of a reserved IP is not implemented by the local cloud's stand-in for the "
            "digitalocean plugin: let the program make it, which changes nothing where it is there"
        )

    def change(
        self, patience: Patience, resource_id: str, state: Properties, inputs: Properties, planned: Properties
    ) -> None:
        raise AssertionError("every change of an assignment replaces it")

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
            action = _order(self.api, ip, {"type": "unassign"})
        with step(f"Error waiting for reserved IP ({ip}) to be unassigned"):
            _wait(self.api, patience, ip, action)

    def _holder(self, ip: str) -> int | None:
        """The droplet that has the address."""
        droplet = self.api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"].get("droplet")
        return int(droplet["id"]) if droplet else None


def _order(api: Api, address: str, body: Properties) -> Any:
    return api.post(f"/v2/reserved_ips/{address}/actions", body)["action"]


def _wait(api: Api, patience: Patience, address: str, action: Any) -> None:
    def look() -> str:
        return str(api.get(f"/v2/reserved_ips/{address}/actions/{action['id']}")["action"]["status"])

    patience.wait_for(look, Wait("completed", ("new", "in-progress"), timeout=60 * 60.0))
