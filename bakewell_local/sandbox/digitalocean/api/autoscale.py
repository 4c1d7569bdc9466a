"""Autoscale pools: records that name an image, so that retention has to notice them. They start no machines."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean.api.droplets import checked_image
from bakewell_local.sandbox.digitalocean.api.pages import page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud, timestamp
from bakewell_local.sandbox.digitalocean.errors import not_found
from bakewell_local.sandbox.digitalocean.records import Pool


class PoolBody(BaseModel):
    """The body of POST."""

    name: str
    config: dict[str, Any]
    droplet_template: dict[str, Any]


def pool_view(pool: Pool) -> dict[str, Any]:
    """The pool as the API shows it."""
    return {**pool.model_dump(), "status": "active", "active_resources_count": 0}


def routes(cloud: Cloud) -> APIRouter:
    """/v2/droplets/autoscale: made, shown, listed and deleted; no updates, no members, no history."""
    router = APIRouter(prefix="/v2/droplets/autoscale")
    store = cloud.store

    def known(pool_id: str) -> Pool:
        if (pool := store.get(Pool, pool_id)) is None:
            raise not_found()
        return pool

    @router.get("")
    def every(request: Request, name: str | None = None) -> Response:
        found = store.all(Pool, lambda p: name in (None, "", p.name))
        return page(request, "autoscale_pools", found, pool_view)

    @router.post("")
    def create(body: PoolBody) -> Response:
        template, now = body.droplet_template, timestamp()
        checked_image(cloud, *(str(template.get(key, "")) for key in ("region", "size", "image")))
        own = body.model_dump() | {"droplet_template": {"ssh_keys": [], **template, "image": str(template["image"])}}
        pool = store.put(Pool(id=str(uuid.uuid4()), created_at=now, updated_at=now, **own))
        return reply({"autoscale_pool": pool_view(pool)}, 202)

    @router.get("/{pool_id}")
    def one(pool_id: str) -> Response:
        return reply({"autoscale_pool": pool_view(known(pool_id))})

    @router.delete("/{pool_id}")
    @router.delete("/{pool_id}/dangerous")
    def delete(pool_id: str) -> Response:
        with store.transaction():
            store.drop(known(pool_id))
        return Response(status_code=202, media_type="application/json")

    return router
