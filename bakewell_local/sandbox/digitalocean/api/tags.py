"""Tags: names that droplets and images carry. Names that differ in case only are one tag, written as at first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bakewell_local.sandbox.digitalocean.api.pages import no_content, page, reply
from bakewell_local.sandbox.digitalocean.cloud import Cloud
from bakewell_local.sandbox.digitalocean.errors import not_found, unprocessable
from bakewell_local.sandbox.digitalocean.records import Droplet, Image, Tag

_NAME = re.compile(r"[A-Za-z0-9_:-]{1,255}")
_KINDS: dict[str, type[Droplet] | type[Image]] = {"droplet": Droplet, "image": Image}
_RULE = "tag names hold letters, numbers, colons, dashes and underscores, 255 at most"


class TagCreate(BaseModel):
    """The body of POST /v2/tags."""

    name: str


class TagResource(BaseModel):
    """One thing to tag or untag."""

    resource_id: str | int
    resource_type: str


class TagResources(BaseModel):
    """The body of POST and DELETE /v2/tags/NAME/resources."""

    resources: list[TagResource]


def ensure_tags(cloud: Cloud, names: Iterable[str]) -> list[str]:
    """The tags of those names as they are written, made where missing (in a transaction); refuses a bad name."""
    written: list[str] = []
    for name in names:
        if not _NAME.fullmatch(name):
            raise unprocessable(f"invalid tag {name!r}: {_RULE}")
        tag = cloud.store.get(Tag, name.lower()) or cloud.store.put(Tag(name=name))
        if tag.name not in written:
            written.append(tag.name)
    return written


def routes(cloud: Cloud) -> APIRouter:
    """/v2/tags."""
    router = APIRouter(prefix="/v2/tags")
    store = cloud.store

    def known(name: str) -> Tag:
        if (tag := store.get(Tag, name.lower())) is None:
            raise not_found(f"Tag {name} not found.")
        return tag

    def view(tag: Tag) -> dict[str, Any]:
        counts = dict.fromkeys(("volumes", "volume_snapshots", "databases"), 0)
        for kind in _KINDS.values():
            counts[f"{kind.__name__.lower()}s"] = len([r for r in store.all(kind) if tag.name in r.tags])
        resources = {kind: {"count": count} for kind, count in counts.items()}
        return {"name": tag.name, "resources": {"count": sum(counts.values()), **resources}}

    def carriers_of(body: TagResources) -> list[Droplet | Image]:
        found: list[Droplet | Image] = []
        for resource in body.resources:
            if resource.resource_type not in _KINDS:
                raise unprocessable(f"{resource.resource_type!r} is not a type of resource that can be tagged here")
            carrier = store.get(_KINDS[resource.resource_type], resource.resource_id)
            if carrier is None:
                raise not_found()
            found.append(carrier)
        return found

    @router.get("")
    def every(request: Request) -> Response:
        return page(request, "tags", sorted(store.all(Tag), key=lambda tag: tag.key), view)

    @router.post("")
    def create(body: TagCreate) -> Response:
        if not _NAME.fullmatch(body.name):
            return JSONResponse({"error": "invalid_argument", "messages": [_RULE], "root_causes": []}, status_code=400)
        with store.transaction():
            ensure_tags(cloud, [body.name])
            tag = known(body.name)
        return reply({"tag": view(tag)}, 201)

    @router.get("/{name}")
    def one(name: str) -> Response:
        return reply({"tag": view(known(name))})

    @router.delete("/{name}")
    def delete(name: str) -> Response:
        with store.transaction():
            tag = known(name)
            for kind in _KINDS.values():
                for carrier in store.all(kind):
                    _untag(cloud, carrier, tag)
            store.drop(tag)
        return no_content()

    @router.post("/{name}/resources")
    def add(name: str, body: TagResources) -> Response:
        with store.transaction():
            tag = known(name)
            for carrier in carriers_of(body):
                if tag.name not in carrier.tags:
                    store.change(carrier, tags=[*carrier.tags, tag.name])
        return no_content()

    @router.delete("/{name}/resources")
    def take_off(name: str, body: TagResources) -> Response:
        with store.transaction():
            tag = known(name)
            for carrier in carriers_of(body):
                _untag(cloud, carrier, tag)
        return no_content()

    return router


def _untag(cloud: Cloud, carrier: Droplet | Image, tag: Tag) -> None:
    if tag.name in carrier.tags:
        cloud.store.change(carrier, tags=[name for name in carrier.tags if name != tag.name])
