"""`ReservedIp` and `ReservedIpAssignment` of `digitalocean:index`.

Neither waits for its droplet here: it is active once Pulumi has made it, and while an action holds it the API refuses.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import ClassVar

from sandbox.providers.digitalocean.api import Api, ApiError, wait_for
from sandbox.providers.digitalocean.resource import DEFAULT_TIMEOUT, ApiResource
from sandbox.providers.digitalocean.schema import Field, Schema
from sandbox.providers.server import Operation, Properties, ProviderError


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

    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        return str(self.api.post("/v2/reserved_ips", {"region": planned["region"]})["reserved_ip"]["ip"])

    def settle(self, op: Operation, resource_id: str, planned: Properties) -> None:
        if planned.get("dropletId"):
            _act(self.api, op, resource_id, {"type": "assign", "droplet_id": int(planned["dropletId"])})

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

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        if state.get("dropletId") == planned.get("dropletId"):
            return
        if planned.get("dropletId"):
            _act(self.api, op, resource_id, {"type": "assign", "droplet_id": int(planned["dropletId"])})
        else:
            _act(self.api, op, resource_id, {"type": "unassign"})

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        if state.get("dropletId"):
            try:
                _act(self.api, op, resource_id, {"type": "unassign"})
            except ApiError as error:
                # Nobody has it any more: what was wanted.
                if error.status != 422:
                    raise
        self.api.delete(f"/v2/reserved_ips/{resource_id}")


class ReservedIpAssignment(ApiResource):
    """That a droplet has an address. Its ID is made up; droplet and address are in it.

    Once another droplet has the address, it is gone, and deleting it changes nothing.
    """

    label = "reserved IP assignment"
    schema: ClassVar[Schema] = {
        "ipAddress": Field("str", required=True, replaces=True),
        "dropletId": Field("int", required=True, replaces=True),
    }

    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        droplet, ip = int(planned["dropletId"]), planned["ipAddress"]
        _act(self.api, op, ip, {"type": "assign", "droplet_id": droplet})
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

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        raise AssertionError("every change of an assignment replaces it")

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        ip = state["ipAddress"]
        holder = self._holder(ip)
        if holder is None:
            # The real provider takes the droplet for granted, and its plugin crashes here (a nil pointer).
            raise ProviderError(
                f"deleting {op.urn}: no droplet has {ip} any more, and the real plugin crashes at that: "
                "run `pulumi refresh`, which drops the assignment"
            )
        if holder == int(state["dropletId"]):
            _act(self.api, op, ip, {"type": "unassign"})

    def _holder(self, ip: str) -> int | None:
        """The droplet that has the address."""
        droplet = self.api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"].get("droplet")
        return int(droplet["id"]) if droplet else None


def _act(api: Api, op: Operation, address: str, body: Properties) -> None:
    path = f"/v2/reserved_ips/{address}/actions"
    action = api.post(path, body)["action"]

    def look() -> tuple[str, None]:
        return api.get(f"{path}/{action['id']}")["action"]["status"], None

    wait_for(look, "completed", ("new", "in-progress"), op.timeout or DEFAULT_TIMEOUT)
