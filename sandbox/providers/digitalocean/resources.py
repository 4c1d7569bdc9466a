"""`SshKey`, `Tag` and `ReservedIp` of `digitalocean:index`."""

from __future__ import annotations

from typing import ClassVar

from sandbox.providers.digitalocean.api import ApiError, wait_for
from sandbox.providers.digitalocean.resource import DEFAULT_TIMEOUT, ApiResource
from sandbox.providers.digitalocean.schema import Field, Schema
from sandbox.providers.server import Operation, Properties


class SshKey(ApiResource):
    """A public key of the account. White space at its ends does not count."""

    label = "SSH Key"
    schema: ClassVar[Schema] = {
        "name": Field("str", required=True, autonamed=True),
        "publicKey": Field("str", required=True, replaces=True, fold=str.strip),
        "fingerprint": Field("str", output=True),
    }

    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        body = {"name": planned["name"], "public_key": planned["publicKey"]}
        return str(self.api.post("/v2/account/keys", body)["ssh_key"]["id"])

    def look(self, resource_id: str) -> Properties | None:
        key = self.found(f"/v2/account/keys/{resource_id}", "ssh_key")
        if key is None:
            return None
        return {"name": key["name"], "publicKey": key["public_key"], "fingerprint": key["fingerprint"]}

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        self.api.put(f"/v2/account/keys/{resource_id}", {"name": planned["name"]})

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        self.api.delete(f"/v2/account/keys/{resource_id}")


class Tag(ApiResource):
    """A tag, whether or not anything carries it. Its name is its ID."""

    label = "tag"
    schema: ClassVar[Schema] = {
        "name": Field("str", required=True, autonamed=True, replaces=True, tags=True),
        "totalResourceCount": Field("int", output=True),
        "dropletsCount": Field("int", output=True),
        "imagesCount": Field("int", output=True),
        "volumesCount": Field("int", output=True),
        "volumeSnapshotsCount": Field("int", output=True),
        "databasesCount": Field("int", output=True),
    }

    def make(self, op: Operation, inputs: Properties, planned: Properties) -> str:
        return str(self.api.post("/v2/tags", {"name": planned["name"]})["tag"]["name"])

    def look(self, resource_id: str) -> Properties | None:
        tag = self.found(f"/v2/tags/{resource_id}", "tag")
        if tag is None:
            return None
        carried = tag.get("resources", {})
        kinds = {"droplets": "droplets", "images": "images", "volumes": "volumes", "databases": "databases"}
        kinds["volumeSnapshots"] = "volume_snapshots"
        counts = {f"{kind}Count": carried.get(key, {}).get("count", 0) for kind, key in kinds.items()}
        return {"name": tag["name"], "totalResourceCount": carried.get("count", 0), **counts}

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        raise AssertionError("every change of a tag replaces it")

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        self.api.delete(f"/v2/tags/{resource_id}")


class ReservedIp(ApiResource):
    """An address that stays when droplets go. The address is its ID; `dropletId` says who has it."""

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
            self._assign(op, resource_id, int(planned["dropletId"]))

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

    def change(self, op: Operation, resource_id: str, state: Properties, planned: Properties) -> None:
        if state.get("dropletId") == planned.get("dropletId"):
            return
        if planned.get("dropletId"):
            self._assign(op, resource_id, int(planned["dropletId"]))
        else:
            self._act(op, resource_id, {"type": "unassign"})

    def remove(self, op: Operation, resource_id: str, state: Properties) -> None:
        if state.get("dropletId"):
            try:
                self._act(op, resource_id, {"type": "unassign"})
            except ApiError as error:
                # Nobody has it any more: what was wanted.
                if error.status != 422:
                    raise
        self.api.delete(f"/v2/reserved_ips/{resource_id}")

    def _assign(self, op: Operation, address: str, droplet: int) -> None:
        def look() -> tuple[str, None]:
            found = self.api.get(f"/v2/droplets/{droplet}")["droplet"]
            return ("new" if found.get("locked") else found["status"]), None

        wait_for(look, "active", ("new",), op.timeout or DEFAULT_TIMEOUT)
        self._act(op, address, {"type": "assign", "droplet_id": droplet})

    def _act(self, op: Operation, address: str, body: Properties) -> None:
        path = f"/v2/reserved_ips/{address}/actions"
        action = self.api.post(path, body)["action"]

        def look() -> tuple[str, None]:
            return self.api.get(f"{path}/{action['id']}")["action"]["status"], None

        wait_for(look, "completed", ("new", "in-progress"), op.timeout or DEFAULT_TIMEOUT)
