"""Replies: JSON bodies, and lists cut into pages with DigitalOcean's links and totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from bakewell_local.sandbox.digitalocean.errors import unprocessable

T = TypeVar("T")
DEFAULT_PER_PAGE = 20
MAX_PER_PAGE = 200


def reply(body: dict[str, Any], status: int = 200) -> JSONResponse:
    """A JSON answer."""
    return JSONResponse(body, status_code=status)


def no_content() -> Response:
    """An answer without a body."""
    return Response(status_code=204, media_type="application/json")


def page(request: Request, name: str, items: Sequence[T], view: Callable[[T], Any]) -> JSONResponse:
    """The page of `items` that the request asks for, as `{name: [...], links, meta}`.

    A `per_page` above 200 is taken as 200, so a client that asks for all at once still has to follow the links.
    """
    per_page = min(_positive(request, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE)
    number = _positive(request, "page", 1)
    last = max(1, -(-len(items) // per_page))
    shown = items[(number - 1) * per_page : number * per_page]
    links: dict[str, str] = {}
    if number > 1:
        links |= {"first": _link(request, 1, per_page), "prev": _link(request, min(number - 1, last), per_page)}
    if number < last:
        links |= {"next": _link(request, number + 1, per_page), "last": _link(request, last, per_page)}
    return reply(
        {
            name: [view(item) for item in shown],
            "links": {"pages": links} if links else {},
            "meta": {"total": len(items)},
        }
    )


def _link(request: Request, number: int, per_page: int) -> str:
    return str(request.url.include_query_params(page=number, per_page=per_page))


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not text.isdecimal() or int(text) < 1:
        raise unprocessable(f"{name} must be a positive integer")
    return int(text)
