"""Reserved IPs: addresses of the machines' own network that move between droplets and outlive them.

A droplet answers on those assigned to it, besides its own address, as soon as the action is completed.
"""

from __future__ import annotations

import ipaddress
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.actions import action_link, action_of, action_view, actions_of
from bakewell_local.sandbox.digitalocean.api.droplets import droplet_view, known_droplet
from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import ApiError, not_found, pending_event, unprocessable
from bakewell_local.sandbox.digitalocean.records import Action, Droplet, ReservedIp
from bakewell_local.sandbox.machines import MachineError


class ReservedIpCreate(BaseModel):
    """The body of POST /v2/reserved_ips."""

    region: offers.Slug | None = None
    droplet_id: int | None = None


class ReservedIpAction(BaseModel):
    """The body of POST /v2/reserved_ips/IP/actions."""

    type: str
    droplet_id: int | None = None


def routes(cloud: Cloud) -> APIRouter:
    """/v2/reserved_ips."""
    router = APIRouter(prefix="/v2/reserved_ips")
    store = cloud.store

    def known(ip: str) -> ReservedIp:
        if (address := store.get(ReservedIp, ip)) is None:
            raise not_found()
        return address

    def view(address: ReservedIp) -> dict[str, Any]:
        droplet = store.get(Droplet, address.droplet_id) if address.droplet_id is not None else None
        return {
            "ip": address.ip,
            "droplet": droplet_view(cloud, droplet) if droplet is not None else None,
            "region": offers.region_view(address.region),
            "locked": address.pending is not None,
            "project_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"bakewell/{cloud.cloud_id}/project")),
        }

    def check_idle(address: ReservedIp) -> None:
        if address.pending is not None:
            raise unprocessable("The reserved IP already has a pending event.")

    def idle_droplet(droplet_id: int) -> Droplet:
        if (droplet := known_droplet(cloud, droplet_id)).pending is not None:
            raise pending_event()
        return droplet

    def begin(address: ReservedIp, type: str, droplet_id: int | None) -> Action:
        check_idle(address)
        params = {"ip": address.ip, "droplet_id": droplet_id}
        action = cloud.begin(type, "reserved_ip", _number(address), address.region, params)
        store.change(address, pending=action.id)
        return action

    @router.get("")
    def every(request: Request) -> Response:
        return page(request, "reserved_ips", store.all(ReservedIp), view)

    @router.post("")
    def create(request: Request, body: ReservedIpCreate) -> Response:
        with store.transaction():
            if body.droplet_id is None and body.region not in offers.REGIONS:
                raise unprocessable("a reserved IP needs a valid region or droplet_id")
            region = idle_droplet(body.droplet_id).region if body.droplet_id is not None else str(body.region)
            if (ip := next((ip for ip in cloud.reservable if store.get(ReservedIp, ip) is None), None)) is None:
                raise unprocessable("The reserved IP limit of this account is reached.")
            address = store.put(ReservedIp(ip=ip, region=region))
            links: dict[str, Any] = {}
            if body.droplet_id is not None:
                links["actions"] = [action_link(request, begin(address, "assign_ip", body.droplet_id))]
                href = str(request.url_for("droplet", droplet_id=body.droplet_id))
                links["droplets"] = [{"id": body.droplet_id, "rel": "droplet", "href": href}]
        return reply({"reserved_ip": view(known(ip)), "links": links}, 202)

    @router.get("/{ip}")
    def one(ip: str) -> Response:
        return reply({"reserved_ip": view(known(ip))})

    @router.delete("/{ip}")
    def delete(ip: str) -> Response:
        check_idle(address := known(ip))
        try:
            if address.droplet_id is not None:
                cloud.machines.detach(cloud.machine_name(address.droplet_id), ip)
        except MachineError as error:
            raise ApiError(500, f"the reserved IP is still assigned: {error.what}") from error
        with store.transaction():
            check_idle(address := known(ip))  # an assignment may have begun meanwhile: it has its way
            store.drop(address)
        return no_content()

    @router.get("/{ip}/actions")
    def actions(request: Request, ip: str) -> Response:
        return page(request, "actions", actions_of(cloud, "reserved_ip", _number(known(ip))), action_view)

    @router.post("/{ip}/actions")
    def act(ip: str, body: ReservedIpAction) -> Response:
        with store.transaction():
            address = known(ip)
            if body.type == "assign":
                if body.droplet_id is None:
                    raise unprocessable("droplet_id is required to assign a reserved IP")
                if idle_droplet(body.droplet_id).region != address.region:
                    raise unprocessable("The droplet and the reserved IP are in different regions.")
            elif body.type != "unassign":
                raise unprocessable(f"{body.type!r} is not an action of a reserved IP")
            elif address.droplet_id is None:
                raise unprocessable("The reserved IP is not assigned to a droplet.")
            action = begin(address, f"{body.type}_ip", body.droplet_id)
        return reply({"action": action_view(action)}, 201)

    @router.get("/{ip}/actions/{action_id}")
    def action(ip: str, action_id: int) -> Response:
        return reply({"action": action_view(action_of(cloud, "reserved_ip", _number(known(ip)), action_id))})

    return router


def _number(address: ReservedIp) -> int:
    """An address as a number: what its actions name as their resource."""
    return int(ipaddress.IPv4Address(address.ip))
