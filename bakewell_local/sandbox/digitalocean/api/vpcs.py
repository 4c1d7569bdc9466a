"""VPCs: bookkeeping only. Every machine is on one container network."""

from __future__ import annotations

import ipaddress
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean import offers
from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud, timestamp
from bakewell_local.sandbox.digitalocean.errors import forbidden, not_found, unprocessable
from bakewell_local.sandbox.digitalocean.records import Droplet, Vpc


class VpcCreate(BaseModel):
    """The body of POST /v2/vpcs."""

    name: str
    region: str
    ip_range: str | None = None
    description: str = ""


class VpcUpdate(BaseModel):
    """The body of PUT and PATCH /v2/vpcs/ID."""

    name: str | None = None
    description: str | None = None
    default: bool | None = None


def default_vpc(cloud: Cloud, region: str) -> Vpc:
    """The region's default VPC, made when first asked for (in a transaction)."""
    found = cloud.store.all(Vpc, lambda v: v.region == region and v.default)
    if found:
        return found[0]
    return cloud.store.put(
        Vpc(
            id=str(uuid.uuid4()),
            name=f"default-{region}",
            description="",
            region=region,
            ip_range=_free_range(cloud),
            default=True,
            created_at=timestamp(),
        )
    )


def vpc_view(vpc: Vpc) -> dict[str, Any]:
    """The VPC as the API shows it."""
    return {**vpc.model_dump(), "urn": f"do:vpc:{vpc.id}"}


def routes(cloud: Cloud) -> APIRouter:
    """/v2/vpcs."""
    router = APIRouter(prefix="/v2/vpcs")
    store = cloud.store

    def known(vpc_id: str) -> Vpc:
        if (vpc := store.get(Vpc, vpc_id)) is None:
            raise not_found()
        return vpc

    def members_of(vpc: Vpc) -> list[Droplet]:
        return store.all(Droplet, lambda d: d.vpc_uuid == vpc.id)

    def named(name: str, but: str = "") -> str:
        if not name.strip():
            raise unprocessable("name is required")
        if store.all(Vpc, lambda v: v.name == name and v.id != but):
            raise unprocessable("the name is already in use")
        return name

    @router.get("")
    def every(request: Request) -> Response:
        return page(request, "vpcs", store.all(Vpc), vpc_view)

    @router.post("")
    def create(body: VpcCreate) -> Response:
        if body.region not in offers.REGIONS:
            raise unprocessable("region is not valid")
        with store.transaction():
            vpc = Vpc(
                id=str(uuid.uuid4()),
                name=named(body.name),
                description=body.description,
                region=body.region,
                ip_range=_checked_range(cloud, body.ip_range) if body.ip_range else _free_range(cloud),
                default=False,
                created_at=timestamp(),
            )
            store.put(vpc)
        return reply({"vpc": vpc_view(vpc)}, 201)

    @router.get("/{vpc_id}")
    def one(vpc_id: str) -> Response:
        return reply({"vpc": vpc_view(known(vpc_id))})

    @router.api_route("/{vpc_id}", methods=["PUT", "PATCH"])
    def update(vpc_id: str, body: VpcUpdate) -> Response:
        with store.transaction():
            vpc = known(vpc_id)
            changes = body.model_dump(exclude_none=True)
            if body.name is not None:
                named(body.name, but=vpc_id)
            if body.default is False and vpc.default:
                raise unprocessable("make another VPC of the region the default one instead")
            if body.default:
                for other in store.all(Vpc, lambda v: v.region == vpc.region and v.default):
                    store.change(other, default=False)
            vpc = store.change(known(vpc_id), **changes)
        return reply({"vpc": vpc_view(vpc)})

    @router.delete("/{vpc_id}")
    def delete(vpc_id: str) -> Response:
        with store.transaction():
            vpc = known(vpc_id)
            if vpc.default:
                raise forbidden("Can not delete default VPCs")
            if members_of(vpc):
                raise forbidden("Can not delete VPC with members")
            store.drop(vpc)
        return no_content()

    @router.get("/{vpc_id}/members")
    def members(request: Request, vpc_id: str, resource_type: str | None = None) -> Response:
        found = members_of(known(vpc_id)) if resource_type in (None, "", "droplet") else []
        return page(
            request,
            "members",
            found,
            lambda d: {"urn": f"do:droplet:{d.id}", "name": d.name, "created_at": d.created_at},
        )

    return router


def _checked_range(cloud: Cloud, text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise unprocessable("ip_range is not a valid CIDR block") from None
    if not network.is_private or not 16 <= network.prefixlen <= 28:
        raise unprocessable("ip_range must be a private network between /16 and /28")
    if any(network.overlaps(ipaddress.ip_network(vpc.ip_range)) for vpc in cloud.store.all(Vpc)):
        raise unprocessable("This range/size overlaps with another VPC network in your account")
    return text


def _free_range(cloud: Cloud) -> str:
    taken = [ipaddress.ip_network(vpc.ip_range) for vpc in cloud.store.all(Vpc)]
    for candidate in ipaddress.ip_network("10.0.0.0/8").subnets(new_prefix=20):
        if not any(candidate.overlaps(other) for other in taken):
            return str(candidate)
    raise unprocessable("no address range is free for another VPC")
