"""The account and its SSH keys; the regions and sizes that it may use."""

from __future__ import annotations

import uuid

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_ssh_public_key, ssh_key_fingerprint
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import not_found, unprocessable
from bakewell_local.sandbox.digitalocean.records import SshKey

DROPLET_LIMIT = 100


class KeyCreate(BaseModel):
    """The body of POST /v2/account/keys."""

    name: str
    public_key: str


class KeyUpdate(BaseModel):
    """The body of PUT /v2/account/keys/ID."""

    name: str


def fingerprint(public_key: str) -> str:
    """The key's MD5 fingerprint, as sixteen hex pairs; refuses what is no public key."""
    try:
        return ssh_key_fingerprint(load_ssh_public_key(public_key.encode()), hashes.MD5()).hex(":")
    except (ValueError, UnsupportedAlgorithm) as error:
        what = "Key invalid, key should be of the format ssh-rsa AAAA or ssh-ed25519 AAAA"
        raise unprocessable(what) from error


def find_key(cloud: Cloud, identifier: str) -> SshKey | None:
    """The key of that ID or fingerprint."""
    found = cloud.store.all(SshKey, lambda k: identifier in (str(k.id), k.fingerprint))
    return found[0] if found else None


def register(cloud: Cloud, name: str, public_key: str) -> None:
    """Has the key in the account under that name, whether it is new, was deleted or was renamed."""
    digest = fingerprint(public_key)
    with cloud.store.transaction():
        if (key := find_key(cloud, digest)) is None:
            key = SshKey(id=cloud.store.next_id(), name=name, public_key=public_key, fingerprint=digest)
        cloud.store.change(key, name=name)


def routes(cloud: Cloud) -> APIRouter:
    """/v2/account, /v2/regions and /v2/sizes."""
    router = APIRouter(prefix="/v2")
    store = cloud.store

    def known(identifier: str) -> SshKey:
        if (key := find_key(cloud, identifier)) is None:
            raise not_found()
        return key

    @router.get("/account")
    def account() -> Response:
        team = str(uuid.uuid5(uuid.NAMESPACE_URL, f"bakewell/{cloud.cloud_id}"))
        return reply(
            {
                "account": {
                    "droplet_limit": DROPLET_LIMIT,
                    "floating_ip_limit": len(cloud.reservable),
                    "reserved_ip_limit": len(cloud.reservable),
                    "volume_limit": 0,
                    "email": "local@cloud.invalid",
                    "name": "Local cloud",
                    "uuid": team,
                    "email_verified": True,
                    "status": "active",
                    "status_message": "",
                    "team": {"uuid": team, "name": f"local cloud {cloud.cloud_id}"},
                }
            }
        )

    @router.get("/account/keys")
    def keys(request: Request) -> Response:
        return page(request, "ssh_keys", store.all(SshKey), SshKey.model_dump)

    @router.post("/account/keys")
    def create_key(body: KeyCreate) -> Response:
        text = body.public_key.strip()
        digest = fingerprint(text)
        if not body.name.strip():
            raise unprocessable("Name can't be blank")
        with store.transaction():
            if find_key(cloud, digest) is not None:
                raise unprocessable("SSH Key is already in use on your account")
            key = store.put(SshKey(id=store.next_id(), name=body.name, public_key=text, fingerprint=digest))
        return reply({"ssh_key": key.model_dump()}, 201)

    @router.get("/account/keys/{identifier}")
    def key(identifier: str) -> Response:
        return reply({"ssh_key": known(identifier).model_dump()})

    @router.put("/account/keys/{identifier}")
    def rename_key(identifier: str, body: KeyUpdate) -> Response:
        with store.transaction():
            changed = store.change(known(identifier), name=body.name)
        return reply({"ssh_key": changed.model_dump()})

    @router.delete("/account/keys/{identifier}")
    def delete_key(identifier: str) -> Response:
        with store.transaction():
            store.drop(known(identifier))
        return no_content()

    @router.get("/regions")
    def regions(request: Request) -> Response:
        return page(request, "regions", list(offers.REGIONS), offers.region_view)

    @router.get("/sizes")
    def sizes(request: Request) -> Response:
        return page(request, "sizes", list(offers.SIZES), offers.size_view)

    return router
