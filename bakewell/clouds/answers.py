"""What a cloud answers, read strictly: a typed model of the fields that are used, or a `CloudError`.

Retention deletes what no answer mentions, and a preview builds what no answer shows. So a key that is missing is never
taken for "none": it must be there, its value whole and of its type. Where an API documents a value that may be null,
the model says so; a key that it documents as left out where it is empty has a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ConfigDict, ValidationError

from bakewell.errors import CloudError
from bakewell.reading.deferred import Deferred

A = TypeVar("A", bound="Answer")
_REST = "; nothing was changed because of this answer"


class Answer(Deferred):
    """Base of what is read from an API: no silent conversions; fields that are not declared are skipped."""

    model_config = ConfigDict(strict=True, extra="ignore")


def parse_json(model: type[A], body: bytes, call: str, remedy: str) -> A:
    """The body of an answer as a `model`.

    Args:
        call: what was asked, for messages.
        remedy: what to do where something else answered.

    Raises:
        CloudError: it names the call and the first field at fault.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _unreadable(error, body, call, remedy) from None


def parse(model: type[A], answer: object, call: str, remedy: str) -> A:
    """As `parse_json`, of an answer that a client library has decoded."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise _unreadable(error, answer, call, remedy) from None


def _unreadable(error: ValidationError, answer: object, call: str, remedy: str) -> CloudError:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    path, kind = faults[0]["loc"], faults[0]["type"]
    if answer == b"":
        what = "the answer is empty"
    elif kind == "json_invalid":
        what = "the answer is no JSON"
    elif not path:
        what = "the answer is no JSON object"
    else:
        said = "is missing" if kind == "missing" else faults[0]["msg"].removeprefix("Input ")
        what = f"the answer cannot be relied on: `{'.'.join(map(str, path))}` {said}{_item(answer, path)}"
    if len(faults) > 1:
        what += f", and {len(faults) - 1} more such faults"
    return CloudError(f"{call}: {what}", remedy=f"{remedy}{_REST}")


def _item(answer: object, path: tuple[int | str, ...]) -> str:
    """Which item of a list is at fault, by its ID or name where it has one."""
    at: Any = json.loads(answer) if isinstance(answer, bytes) else answer
    for part in path:
        at = (
            at.get(part)
            if isinstance(at, Mapping)
            else at[part]
            if isinstance(part, int) and isinstance(at, list)
            else None
        )
        if isinstance(part, int):
            break
    else:
        return ""
    if not isinstance(at, Mapping):
        return ""
    named = next((f"{key} {at[key]}" for key in ("id", "Id", "name") if isinstance(at.get(key), str | int)), "")
    return f" ({named})" if named else ""
