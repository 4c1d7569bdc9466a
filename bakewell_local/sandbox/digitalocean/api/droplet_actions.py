"""What is done to a droplet that exists: power, snapshots, names and sizes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.actions import action_of, action_view, actions_of
from bakewell_local.sandbox.digitalocean.api.droplets import checked_name, known_droplet
from bakewell_local.sandbox.digitalocean.api.pages import page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import pending_event, unprocessable
from bakewell_local.sandbox.digitalocean.records import Action, Droplet

_NEEDS = {  # the status that a droplet must have
    "power_on": "off",
    "power_off": "active",
    "shutdown": "active",
    "power_cycle": "active",
    "reboot": "active",
    "resize": "off",
    "snapshot": "off",  # as DigitalOcean once had it; today it also takes them of running ones
}
_REFUSAL = {
    "active": "Droplet is already powered off.",
    "off": "Droplet is currently on. Please power it off to run this event.",
}


class DropletAction(BaseModel):
    """The body of POST /v2/droplets/ID/actions."""

    type: str
    name: str | None = None
    size: offers.Slug | None = None
    disk: bool = False


def begin(cloud: Cloud, droplet: Droplet, body: DropletAction) -> Action:
    """Begins what is asked for and locks the droplet (in a transaction)."""
    params: dict[str, Any] = {}
    if droplet.pending is not None:
        raise pending_event()
    if body.type == "snapshot":
        name = body.name or f"{droplet.name}-{datetime.now(UTC):%Y-%m-%d-%H%M}"
        params = {"name": name, "image_id": cloud.store.next_id(), "min_disk_size": offers.SIZES[droplet.size].disk}
    elif body.type == "rename":
        params = {"name": checked_name(body.name)}
    elif body.type == "resize":
        params = {"size": _larger(droplet, body)}
    elif body.type not in _NEEDS:
        raise unprocessable(f"{body.type!r} is not an action of a droplet on the local cloud")
    if droplet.status != (needed := _NEEDS.get(body.type, droplet.status)):
        raise unprocessable(_REFUSAL[needed])
    action = cloud.begin(body.type, "droplet", droplet.id, droplet.region, params)
    cloud.store.change(droplet, pending=action.id)
    return action


def _larger(droplet: Droplet, body: DropletAction) -> str:
    if body.size not in offers.SIZES:
        raise unprocessable("You specified an invalid size for Droplet resize.")
    if droplet.region not in offers.SIZES[body.size].regions:
        raise unprocessable("This size is not available in this region.")
    if offers.SIZES[body.size].disk < offers.SIZES[droplet.size].disk:
        raise unprocessable("This size is not available because it has a smaller disk.")
    return body.size


def routes(cloud: Cloud) -> APIRouter:
    """The actions under /v2/droplets."""
    router = APIRouter(prefix="/v2/droplets")

    @router.get("/{droplet_id}/actions")
    def actions(request: Request, droplet_id: int) -> Response:
        known_droplet(cloud, droplet_id)
        return page(request, "actions", actions_of(cloud, "droplet", droplet_id), action_view)

    @router.post("/{droplet_id}/actions")
    def act(droplet_id: int, body: DropletAction) -> Response:
        with cloud.store.transaction():
            action = begin(cloud, known_droplet(cloud, droplet_id), body)
        return reply({"action": action_view(action)}, 201)

    @router.get("/{droplet_id}/actions/{action_id}")
    def action(droplet_id: int, action_id: int) -> Response:
        return reply({"action": action_view(action_of(cloud, "droplet", droplet_id, action_id))})

    return router
