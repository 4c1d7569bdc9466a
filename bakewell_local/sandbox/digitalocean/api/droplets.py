"""Droplets: create, show, list, destroy. What is done to one that exists is in droplet_actions.py."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.account import DROPLET_LIMIT, find_key
from bakewell_local.sandbox.digitalocean.api.actions import action_link
from bakewell_local.sandbox.digitalocean.api.images import image_view
from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.api.tags import ensure_tags
from bakewell_local.sandbox.digitalocean.api.vpcs import default_vpc
from bakewell_local.sandbox.digitalocean.cloud import Cloud, timestamp
from bakewell_local.sandbox.digitalocean.errors import not_found, pending_event, unprocessable
from bakewell_local.sandbox.digitalocean.records import Action, Droplet, Image, Vpc, carries

_HOSTNAME = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")
LABEL_LIMIT = 63
USER_DATA_LIMIT = 64 * 1024


class DropletCreate(BaseModel):
    """The body of POST /v2/droplets: `name` for one, `names` for several."""

    name: str | None = None
    names: list[str] | None = None
    region: offers.Slug | None = None
    size: offers.Slug
    image: int | str
    ssh_keys: list[int | str] | None = None
    user_data: str | None = None
    tags: list[str] | None = None
    vpc_uuid: str | None = None
    monitoring: bool = False
    backups: bool = False
    volumes: list[Any] | None = None


def checked_name(name: str | None) -> str:
    """The name, if it is one a droplet may have."""
    if not name:
        raise unprocessable("Name can't be blank")
    if len(name) > 255 or not _HOSTNAME.fullmatch(name):
        raise unprocessable("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
    if any(len(label) > LABEL_LIMIT for label in name.split(".")):
        raise unprocessable(f"Name is too long (maximum is {LABEL_LIMIT} characters between dots)")
    return name


def known_droplet(cloud: Cloud, droplet_id: int) -> Droplet:
    """The droplet of that ID, or a 404."""
    if (droplet := cloud.store.get(Droplet, droplet_id)) is None:
        raise not_found()
    return droplet


def droplet_view(cloud: Cloud, droplet: Droplet) -> dict[str, Any]:
    """The droplet as the API shows it."""
    size = offers.SIZES[droplet.size]
    snapshots = cloud.store.all(Image, lambda i: i.droplet_id == droplet.id)
    return {
        "id": droplet.id,
        "name": droplet.name,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "disk_info": [{"type": "local", "size": {"amount": size.disk, "unit": "gib"}}],
        "locked": droplet.pending is not None,
        "status": droplet.status,
        "kernel": None,
        "created_at": droplet.created_at,
        "features": ["private_networking", *(["monitoring"] if droplet.monitoring else [])],
        "backup_ids": [],
        "next_backup_window": None,
        "snapshot_ids": [image.id for image in snapshots],
        "image": droplet.image,
        "volume_ids": [],
        "size": offers.size_view(droplet.size),
        "size_slug": droplet.size,
        "networks": {"v4": _networks(cloud, droplet.address), "v6": []},
        "region": offers.region_view(droplet.region),
        "tags": list(droplet.tags),
        "vpc_uuid": droplet.vpc_uuid,
    }


def destroy(cloud: Cloud, droplet: Droplet) -> None:
    """Begins the droplet's end (in a transaction); refuses while another action is under way."""
    if droplet.pending is not None:
        raise pending_event()
    action = cloud.begin("destroy", "droplet", droplet.id, droplet.region)
    cloud.store.change(droplet, pending=action.id)


def routes(cloud: Cloud) -> APIRouter:
    """/v2/droplets, but for actions and autoscale pools."""
    router = APIRouter(prefix="/v2/droplets")
    store = cloud.store

    @router.get("")
    def every(
        request: Request,
        tag_name: str | None = None,
        name: str | None = None,
        kind: Annotated[str | None, Query(alias="type")] = None,
    ) -> Response:
        if tag_name and (name or kind):
            raise unprocessable("tag_name can not be combined with name or type.")
        if kind not in (None, "", "droplets", "gpus"):
            raise unprocessable("type must be one of: droplets, gpus")
        found = store.all(Droplet, lambda d: offers.has_gpu(d.size) == (kind == "gpus"))
        if tag_name:
            found = [d for d in found if carries(d.tags, tag_name)]
        if name:
            found = [d for d in found if d.name.lower() == name.lower()]
        return page(request, "droplets", found, lambda d: droplet_view(cloud, d))

    @router.post("")
    def create(request: Request, body: DropletCreate) -> Response:
        names = [checked_name(n) for n in body.names] if body.names is not None else [checked_name(body.name)]
        with store.transaction():
            if len(store.all(Droplet)) + len(names) > DROPLET_LIMIT:
                raise unprocessable("creating this/these droplet(s) will exceed your droplet limit")
            plan = _plan(cloud, body)
            made = [_make(cloud, name, plan) for name in names]
        links = {"actions": [action_link(request, action) for _, action in made]}
        views = [droplet_view(cloud, droplet) for droplet, _ in made]
        if body.names is not None:
            return reply({"droplets": views, "links": links}, 202)
        return reply({"droplet": views[0], "links": links}, 202)

    @router.delete("")
    def delete_tagged(tag_name: str = "") -> Response:
        if not tag_name:
            raise unprocessable("tag_name is required")
        with store.transaction():
            for droplet in store.all(Droplet, lambda d: carries(d.tags, tag_name)):
                destroy(cloud, droplet)
        return no_content()

    @router.get("/{droplet_id}", name="droplet")
    def one(droplet_id: int) -> Response:
        return reply({"droplet": droplet_view(cloud, known_droplet(cloud, droplet_id))})

    @router.delete("/{droplet_id}")
    def delete(droplet_id: int) -> Response:
        with store.transaction():
            destroy(cloud, known_droplet(cloud, droplet_id))
        return no_content()

    @router.get("/{droplet_id}/snapshots")
    def snapshots(request: Request, droplet_id: int) -> Response:
        known_droplet(cloud, droplet_id)
        return page(request, "snapshots", store.all(Image, lambda i: i.droplet_id == droplet_id), image_view)

    return router


def checked_image(cloud: Cloud, region: str, size: str, image: object) -> dict[str, Any]:
    """The image as the API shows it, if droplets of it can be of that size in that region."""
    if region not in offers.REGIONS:
        raise unprocessable("You specified an invalid region for Droplet creation.")
    if size not in offers.SIZES:
        raise unprocessable("You specified an invalid size for Droplet creation.")
    if region not in offers.SIZES[size].regions:
        raise unprocessable("Size is not available in this region.")
    own = cloud.store.get(Image, image)
    view = image_view(own) if own is not None else offers.stock_image(str(image))
    if view is None or view["status"] != "available":
        raise unprocessable("You specified an invalid image for Droplet creation.")
    if region not in view["regions"]:
        raise unprocessable("The image you specified is not available in the selected region for Droplet creation.")
    if view["min_disk_size"] > offers.SIZES[size].disk:
        raise unprocessable("The image you specified needs a larger disk than the selected size has.")
    return view


def _plan(cloud: Cloud, body: DropletCreate) -> dict[str, Any]:
    """What the droplets of one request have in common; refuses what can't be."""
    region = body.region or "nyc3"
    view, image = checked_image(cloud, region, body.size, body.image), cloud.store.get(Image, body.image)
    if len((body.user_data or "").encode()) > USER_DATA_LIMIT:
        raise unprocessable("User data is too long (maximum is 64 KiB)")
    if body.volumes or body.backups:
        raise unprocessable("The local cloud has no volumes and no backups.")
    keys = [(str(wanted), find_key(cloud, str(wanted))) for wanted in body.ssh_keys or []]
    if unknown := [wanted for wanted, key in keys if key is None]:
        raise unprocessable(f"{', '.join(unknown)} are invalid key identifiers for Droplet creation.")
    vpc = cloud.store.get(Vpc, body.vpc_uuid) if body.vpc_uuid else default_vpc(cloud, region)
    if vpc is None or vpc.region != region:
        raise unprocessable("You specified an invalid VPC for Droplet creation.")
    return {
        "region": region,
        "size": body.size,
        "image": view,
        "docker_image": image.docker_image if image is not None else None,
        "user_data": body.user_data or None,
        "public_keys": [key.public_key for _, key in keys if key is not None],
        "tags": ensure_tags(cloud, body.tags or []),
        "vpc_uuid": vpc.id,
        "monitoring": body.monitoring,
    }


def _make(cloud: Cloud, name: str, plan: dict[str, Any]) -> tuple[Droplet, Action]:
    droplet_id = cloud.store.next_id()
    action = cloud.begin("create", "droplet", droplet_id, plan["region"])
    droplet = Droplet(
        id=droplet_id,
        name=name,
        hostname=name if len(name) <= LABEL_LIMIT else name.strip(".").partition(".")[0],  # the kernel takes 64
        created_at=timestamp(),
        status="new",
        pending=action.id,
        **plan,
    )
    return cloud.store.put(droplet), action


def _networks(cloud: Cloud, address: str) -> list[dict[str, Any]]:
    """The machine's one address, which serves as its public and its private one."""
    if not address:
        return []
    return [
        {"ip_address": address, "netmask": "255.255.252.0", "gateway": cloud.gateway, "type": kind}
        for kind in ("public", "private")
    ]
