"""`SshKey` and `Tag` of `digitalocean:index`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, nonzero
from bakewell_local.sandbox.providers.bridge.waiting import Patience
from bakewell_local.sandbox.providers.digitalocean.resource import ApiResource, step
from bakewell_local.sandbox.providers.server import Properties

# What can have a tag: in the names of its outputs, and as the API has it.
_CARRIED = {
    "droplets": "droplets",
    "images": "images",
    "volumes": "volumes",
    "volumeSnapshots": "volume_snapshots",
    "databases": "databases",
}


def tag(name: str, value: Any) -> str | None:
    """What is wrong with a tag."""
    if re.fullmatch(r"[a-zA-Z0-9:\-_]{1,255}", value):
        return None
    return (
        "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 "
        "characters per tag"
    )


class SshKey(ApiResource):
    """A public key of the account. White space at its ends does not count."""

    label = "SSH key"
    limits: ClassVar[Mapping[str, float]] = {"create": 2 * 60.0}
    schema: ClassVar[Schema] = {
        "name": Field("str", required=True, autonamed=True, valid=nonzero),
        "publicKey": Field("str", required=True, replaces=True, fold=str.strip, valid=nonzero),
        "fingerprint": Field("str", output=True),
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        body = {"name": planned["name"], "public_key": planned["publicKey"]}
        with step("Error creating SSH Key"):
            return str(self.api.post("/v2/account/keys", body)["ssh_key"]["id"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        key = self.found(f"/v2/account/keys/{resource_id}", "ssh_key")
        if key is None:
            return None
        return {"name": key["name"], "publicKey": key["public_key"], "fingerprint": key["fingerprint"]}

    def change(self, patience: Patience, resource_id: str, state: Properties, planned: Properties) -> None:
        with step("Failed to update SSH key"):
            self.api.put(f"/v2/account/keys/{resource_id}", {"name": planned["name"]})

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        with step("Error deleting SSH key"):
            self.api.delete(f"/v2/account/keys/{resource_id}")


class Tag(ApiResource):
    """A tag, whether or not anything carries it. Its name is its ID."""

    label = "tag"
    schema: ClassVar[Schema] = {
        "name": Field("str", required=True, autonamed=True, replaces=True, valid=tag),
        **{f"{kind}Count": Field("int", output=True) for kind in ("totalResource", *_CARRIED)},
    }

    def make(self, patience: Patience, inputs: Properties, planned: Properties) -> str:
        with step("Error creating tag"):
            return str(self.api.post("/v2/tags", {"name": planned["name"]})["tag"]["name"])

    def look(self, resource_id: str, state: Properties) -> Properties | None:
        found = self.found(f"/v2/tags/{resource_id}", "tag")
        if found is None:
            return None
        carried = found.get("resources", {})
        counts = {f"{kind}Count": carried.get(key, {}).get("count", 0) for kind, key in _CARRIED.items()}
        return {"name": found["name"], "totalResourceCount": carried.get("count", 0), **counts}

    def remove(self, patience: Patience, resource_id: str, state: Properties) -> None:
        with step("Error deleting tag"):
            self.api.delete(f"/v2/tags/{resource_id}")
