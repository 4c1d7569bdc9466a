"""Images and snapshots: two views of the same records. A droplet's snapshot has its image's ID."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.actions import action_of, action_view, actions_of
from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import ApiError, forbidden, not_found, unprocessable
from bakewell_local.sandbox.digitalocean.records import Image, carries


class ImageUpdate(BaseModel):
    """The body of PUT /v2/images/ID."""

    name: str | None = None
    description: str | None = None
    distribution: str | None = None


class ImageAction(BaseModel):
    """The body of POST /v2/images/ID/actions."""

    type: str
    region: str | None = None


def image_view(image: Image) -> dict[str, Any]:
    """The snapshot as /v2/images shows it."""
    own = image.model_dump(exclude={"docker_image", "droplet_id"})
    return {**own, "slug": None, "public": False, "type": "snapshot", "status": "available"}


def snapshot_view(image: Image) -> dict[str, Any]:
    """The image as /v2/snapshots shows it: its ID, and its droplet's, are text there."""
    own = image.model_dump(include={"name", "created_at", "regions", "min_disk_size", "size_gigabytes", "tags"})
    return {**own, "id": str(image.id), "resource_id": str(image.droplet_id), "resource_type": "droplet"}


def delete_image(cloud: Cloud, image: Image) -> None:
    """Takes the image out of the account; its Docker image goes once no droplet was made from it (in a transaction)."""
    cloud.store.drop(image)
    cloud.sweep_soon()


def routes(cloud: Cloud) -> APIRouter:
    """/v2/images and /v2/snapshots."""
    router = APIRouter(prefix="/v2")
    store = cloud.store

    def own(identifier: str) -> Image:
        image = store.get(Image, identifier)
        if image is None:
            raise forbidden() if offers.stock_image(identifier) else not_found()
        return image

    @router.get("/images")
    def images(
        request: Request, type: str | None = None, private: str | None = None, tag_name: str | None = None
    ) -> Response:
        if type not in (None, "", "distribution", "application"):
            raise unprocessable("type must be distribution or application")
        views = [] if private == "true" or type == "application" else list(offers.STOCK_IMAGES)
        views += [] if type else [image_view(image) for image in store.all(Image)]
        if tag_name is not None:
            views = [view for view in views if carries(view["tags"], tag_name)]
        return page(request, "images", views, lambda view: view)

    @router.get("/images/{identifier}")
    def image(identifier: str) -> Response:
        if (stock := offers.stock_image(identifier)) is not None:
            return reply({"image": stock})
        return reply({"image": image_view(own(identifier))})

    @router.put("/images/{identifier}")
    def update_image(identifier: str, body: ImageUpdate) -> Response:
        if body.name is not None and not body.name.strip():
            raise unprocessable("Name can't be blank")
        with store.transaction():
            changed = store.change(own(identifier), **body.model_dump(exclude_none=True))
        return reply({"image": image_view(changed)})

    @router.delete("/images/{identifier}")
    def remove_image(identifier: str) -> Response:
        with store.transaction():
            delete_image(cloud, own(identifier))
        return no_content()

    @router.get("/images/{image_id}/actions")
    def image_actions(request: Request, image_id: int) -> Response:
        own(str(image_id))
        return page(request, "actions", actions_of(cloud, "image", image_id), action_view)

    @router.post("/images/{image_id}/actions")
    def act_on_image(image_id: int, body: ImageAction) -> Response:
        with store.transaction():
            image = own(str(image_id))
            if body.type != "transfer":
                raise unprocessable(f"{body.type!r} is not an action of an image")
            if body.region not in offers.REGIONS:
                raise unprocessable("You specified an invalid region for the image transfer.")
            if body.region in image.regions:
                raise unprocessable(f"The image is already available in {body.region}.")
            action = cloud.begin("transfer", "image", image_id, body.region, {"region": body.region})
        return reply({"action": action_view(action)}, 201)

    @router.get("/images/{image_id}/actions/{action_id}")
    def image_action(image_id: int, action_id: int) -> Response:
        return reply({"action": action_view(action_of(cloud, "image", image_id, action_id))})

    @router.get("/snapshots")
    def snapshots(request: Request, resource_type: str | None = None) -> Response:
        if resource_type not in (None, "", "droplet", "volume"):
            raise unprocessable("resource_type must be droplet or volume")
        found = [] if resource_type == "volume" else store.all(Image)
        return page(request, "snapshots", found, snapshot_view)

    def snapshot_of(identifier: str) -> Image:
        image = store.get(Image, identifier)
        if image is None:
            if offers.stock_image(identifier) is not None:
                raise ApiError(400, "the resource is not a snapshot")
            raise not_found()
        return image

    @router.get("/snapshots/{identifier}")
    def snapshot(identifier: str) -> Response:
        return reply({"snapshot": snapshot_view(snapshot_of(identifier))})

    @router.delete("/snapshots/{identifier}")
    def remove_snapshot(identifier: str) -> Response:
        with store.transaction():
            delete_image(cloud, snapshot_of(identifier))
        return no_content()

    return router
