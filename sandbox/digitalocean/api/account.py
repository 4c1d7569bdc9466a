"""The account and its SSH keys; the regions and sizes that it may use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from sandbox.digitalocean import offers
from sandbox.digitalocean.api.pages import no_content, page, reply
from sandbox.digitalocean.cloud import Cloud
from sandbox.digitalocean.errors import not_found, unprocessable
from sandbox.digitalocean.records import SshKey

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
    parts = public_key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True) if len(parts) > 1 else b""
    except binascii.Error:
        blob = b""
    kind = parts[0].encode() if parts else b""
    if not blob or blob[4 : 4 + len(kind)] != kind:
        raise unprocessable("Key invalid, key should be of the format ssh-rsa AAAA or ssh-ed25519 AAAA")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


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


def key_view(key: SshKey) -> dict[str, Any]:
    """The key as the API shows it."""
    return {"id": key.id, "name": key.name, "fingerprint": key.fingerprint, "public_key": key.public_key}


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
        return page(request, "ssh_keys", store.all(SshKey), key_view)

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
        return reply({"ssh_key": key_view(key)}, 201)

    @router.get("/account/keys/{identifier}")
    def key(identifier: str) -> Response:
        return reply({"ssh_key": key_view(known(identifier))})

    @router.put("/account/keys/{identifier}")
    def rename_key(identifier: str, body: KeyUpdate) -> Response:
        with store.transaction():
            changed = store.change(known(identifier), name=body.name)
        return reply({"ssh_key": key_view(changed)})

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
