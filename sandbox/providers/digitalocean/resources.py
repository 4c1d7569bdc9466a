"""`SshKey` and `Tag` of `digitalocean:index`."""

from __future__ import annotations

from typing import ClassVar

from sandbox.providers.digitalocean.resource import ApiResource
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
