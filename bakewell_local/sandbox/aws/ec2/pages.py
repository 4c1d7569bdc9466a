"""Pages of a list, for calls of which moto answers everything at once."""

from __future__ import annotations

from typing import Any


def page(request: Any, key: str, things: list[Any]) -> dict[str, Any]:
    """The answer of a Describe call: at most MaxResults things from NextToken on, and the token of the next page."""
    size, start = request._get_param("MaxResults"), int(request._get_param("NextToken") or 0)
    end = start + int(size) if size else len(things)
    return {key: things[start:end], "NextToken": str(end) if end < len(things) else None}
