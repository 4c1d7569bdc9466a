"""Droplets that build images, and the keys that open them."""

from __future__ import annotations

from contextlib import suppress

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.account import AccountKeys
from bakewell.clouds.digitalocean.actions import Actions
from bakewell.clouds.digitalocean.api import Api, NotFound, Refused
from bakewell.clouds.digitalocean.references import gpu_droplets
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, Builder, Key
from bakewell.image import Identity, lease_of

WAIT_SNAPSHOT = 30 * 60.0  # seconds; large disks take minutes


class Builders:
    """The builders of an account."""

    def __init__(self, api: Api, actions: Actions) -> None:
        self._api, self._actions = api, actions

    def of(self, project: str) -> list[Builder]:
        found = []
        for item in [*self._api.pages("/v2/droplets", answers.DROPLETS, tag_name=BUILDER), *gpu_droplets(self._api)]:
            identity = Identity.from_tags(item.tags) if BUILDER in item.tags else None
            if identity is not None and identity.project == project:
                lease = lease_of(item.tags) or int(item.created_at.timestamp()) + LEASE_SECONDS
                found.append(Builder(item.key, item.name, identity, lease))
        return found

    def settle(self, builder_id: str) -> list[str]:
        path = f"/v2/droplets/{builder_id}"
        # What is gone has ended. Whether the builder itself is gone is for the list of its snapshots to say.
        with suppress(NotFound):
            self._actions.wait_all(f"{path}/actions", WAIT_SNAPSHOT)
        try:
            return [item.key for item in self._api.pages(f"{path}/snapshots", answers.SNAPSHOTS)]
        except NotFound:
            return []

    def delete(self, builder_id: str) -> None:
        self._api.delete(f"/v2/droplets/{builder_id}")


class BuildKeys:
    """The keys of builds: those of the account that are called so."""

    def __init__(self, api: Api, account_keys: AccountKeys) -> None:
        self._api, self._account_keys = api, account_keys

    def create(self, name: str, public_key: str) -> str:
        try:
            made = self._api.post("/v2/account/keys", {"name": name, "public_key": public_key}, answers.SSH_KEY)
        except Refused as error:
            # A POST that failed with a 5xx after all may have made the key; its repetition is then refused.
            again = next((key.id for key in self.all() if key.name == name), None) if error.status == 422 else None
            if again is None:
                raise
            return again
        return made.it.key

    def all(self) -> list[Key]:
        return [ours for key in self._account_keys.all() if (ours := Key.named(key.id, key.name))]

    def delete(self, key_id: str) -> None:
        self._api.delete(f"/v2/account/keys/{key_id}")
