"""Autoscale pools: records that name an image, so that retention has to notice them. They start no machines."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from sandbox.digitalocean import offers
from sandbox.digitalocean.api.pages import page, reply
from sandbox.digitalocean.cloud import Cloud, timestamp
from sandbox.digitalocean.errors import not_found, unprocessable
from sandbox.digitalocean.records import Image, Pool


class PoolBody(BaseModel):
    """The body of POST and PUT."""

    name: str
    config: dict[str, Any]
    droplet_template: dict[str, Any]


def pool_view(pool: Pool) -> dict[str, Any]:
    """The pool as the API shows it."""
    return {
        "id": pool.id,
        "name": pool.name,
        "config": pool.config,
        "droplet_template": pool.droplet_template,
        "created_at": pool.created_at,
        "updated_at": pool.updated_at,
        "status": "active",
        "active_resources_count": 0,
    }


def routes(cloud: Cloud) -> APIRouter:
    """/v2/droplets/autoscale."""
    router = APIRouter(prefix="/v2/droplets/autoscale")
    store = cloud.store

    def known(pool_id: str) -> Pool:
        if (pool := store.get(Pool, pool_id)) is None:
            raise not_found()
        return pool

    def checked(body: PoolBody) -> PoolBody:
        template = body.droplet_template
        image = str(template.get("image", ""))
        if offers.stock_image(image) is None and store.get(Image, image) is None:
            raise unprocessable("You specified an invalid image for Droplet creation.")
        if template.get("region") not in offers.REGIONS:
            raise unprocessable("You specified an invalid region for Droplet creation.")
        if (size := offers.SIZES.get(str(template.get("size")))) is None:
            raise unprocessable("You specified an invalid size for Droplet creation.")
        if template["region"] not in size.regions:
            raise unprocessable("Size is not available in this region.")
        if not {"target_number_instances", "min_instances"} & body.config.keys():
            raise unprocessable("config needs target_number_instances, or min_instances and max_instances")
        return body.model_copy(update={"droplet_template": {"ssh_keys": [], **template, "image": image}})

    @router.get("")
    def every(request: Request, name: str | None = None) -> Response:
        found = store.all(Pool, lambda p: name in (None, "", p.name))
        return page(request, "autoscale_pools", found, pool_view)

    @router.post("")
    def create(body: PoolBody) -> Response:
        now = timestamp()
        pool = Pool(id=str(uuid.uuid4()), created_at=now, updated_at=now, **checked(body).model_dump())
        store.put(pool)
        return reply({"autoscale_pool": pool_view(pool)}, 202)

    @router.get("/{pool_id}")
    def one(pool_id: str) -> Response:
        return reply({"autoscale_pool": pool_view(known(pool_id))})

    @router.put("/{pool_id}")
    def update(pool_id: str, body: PoolBody) -> Response:
        with store.transaction():
            pool = store.change(known(pool_id), updated_at=timestamp(), **checked(body).model_dump())
        return reply({"autoscale_pool": pool_view(pool)})

    @router.delete("/{pool_id}")
    @router.delete("/{pool_id}/dangerous")
    def delete(pool_id: str) -> Response:
        with store.transaction():
            store.drop(known(pool_id))
        return Response(status_code=202, media_type="application/json")

    @router.get("/{pool_id}/members")
    def members(request: Request, pool_id: str) -> Response:
        known(pool_id)
        return page(request, "droplets", [], str)

    @router.get("/{pool_id}/history")
    def history(request: Request, pool_id: str) -> Response:
        known(pool_id)
        return page(request, "history", [], str)

    return router
