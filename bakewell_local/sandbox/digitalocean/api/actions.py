"""Actions as the API shows them, and /v2/actions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.pages import page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import not_found
from bakewell_local.sandbox.digitalocean.records import Action


def action_view(action: Action) -> dict[str, Any]:
    """The action as the API shows it."""
    own = action.model_dump(exclude={"params"})
    return {**own, "region": offers.region_view(action.region), "region_slug": action.region}


def action_link(request: Request, action: Action) -> dict[str, Any]:
    """The action as an entry of `links.actions`."""
    return {"id": action.id, "rel": action.type, "href": str(request.base_url.replace(path=f"/v2/actions/{action.id}"))}


def actions_of(cloud: Cloud, resource_type: str, resource_id: int) -> list[Action]:
    """The actions of one thing, newest first."""
    return cloud.store.all(Action, lambda a: (a.resource_type, a.resource_id) == (resource_type, resource_id))[::-1]


def action_of(cloud: Cloud, resource_type: str, resource_id: int, action_id: int) -> Action:
    """That action of that thing; any other is not found."""
    action = cloud.store.get(Action, action_id)
    if action is None or (action.resource_type, action.resource_id) != (resource_type, resource_id):
        raise not_found()
    return action


def routes(cloud: Cloud) -> APIRouter:
    """/v2/actions."""
    router = APIRouter(prefix="/v2/actions")

    @router.get("")
    def every(request: Request) -> Response:
        return page(request, "actions", cloud.store.all(Action)[::-1], action_view)

    @router.get("/{action_id}")
    def one(action_id: int) -> Response:
        action = cloud.store.get(Action, action_id)
        if action is None:
            raise not_found()
        return reply({"action": action_view(action)})

    return router
