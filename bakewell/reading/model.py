"""Checking values against a pydantic model, with errors that name file, key and remedy."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bakewell.errors import ConfigError
from bakewell.reading.deferred import Deferred
from bakewell.secret_shapes import secret_setting

M = TypeVar("M", bound=BaseModel)

_TOLD = 20  # faults in one message: more of them are one mistake, and Pulumi takes no message of several MB

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
SLUG = r"^[a-z0-9]+([.-][a-z0-9]+)*$"
ABSOLUTE_PATH = r"^(/[A-Za-z0-9@_+-][A-Za-z0-9@._+-]*)+$"
KV_PATH = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"
_WORDS = {
    NAME: "should be lower-case letters, digits and single hyphens, starting with a letter",
    SLUG: "should be lower-case letters, digits, single hyphens and dots",
    ABSOLUTE_PATH: "should be an absolute path of letters, digits and @._+-, no part of which begins with a dot",
    KV_PATH: "should be words of letters, digits and ._- with slashes between them, and none at either end",
}
Name = Annotated[str, Field(pattern=NAME, max_length=40)]
Slug = Annotated[str, Field(pattern=SLUG, max_length=60)]


class Model(Deferred):
    """Base of everything read from a file: unknown keys refused, no silent conversions, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def checked(model: type[M], data: Mapping[str, Any], *, file: Path | str, what: str = "") -> M:
    """`data` as a `model`.

    Args:
        what: what the data is, where `file` does not say it.

    Raises:
        ConfigError: lists the faults, each with its key and what to do about it.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        faults = [_fault(model, fault) for fault in error.errors(include_url=False)[:_TOLD]]
        more = f"; and {error.error_count() - _TOLD} more" if error.error_count() > _TOLD else ""
        remedies = dict.fromkeys(remedy for _, remedy in faults)
        about = f"{what}: " if what else ""
        raise ConfigError(
            f"{about}{'; '.join(text for text, _ in faults)}{more}", file=file, remedy="; ".join(remedies)
        ) from None


def each_once(values: list[str]) -> list[str]:
    """`values`, none of which may be there twice. Raises ValueError."""
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        more = f" and {len(twice) - _TOLD} more" if len(twice) > _TOLD else ""
        raise ValueError(f"{', '.join(twice[:_TOLD])}{more} is listed twice")
    return values


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean `x`?)`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _fault(model: type[BaseModel], fault: Any) -> tuple[str, str]:
    """One pydantic error as (what is wrong, remedy)."""
    loc = [str(part) for part in fault["loc"] if part != "[key]"]
    secret = secret_setting(".".join(loc), fault["input"])
    loc = [_short(part) for part in loc]
    key, kind = ".".join(loc), fault["type"]
    if kind == "extra_forbidden":
        known = _keys(model, loc[:-1])
        where = f"keys of {'.'.join(loc[:-1])}" if loc[:-1] else "keys"
        return f"unknown key `{key}`{did_you_mean(loc[-1], known)}", f"remove it; {where}: {', '.join(known)}"
    if kind == "missing":
        return f"key `{key}` is missing", f"add `{key}`"
    said = fault["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    if kind == "string_pattern_mismatch":
        said = _WORDS.get(fault["ctx"]["pattern"], said)
    if kind in ("value_error", "assertion_error") or not key:
        return (f"`{key}`: {said}" if key else said), f"correct {f'`{key}`' if key else 'it'}"
    shown = "a secret" if secret else _short(_shown(fault["input"]))
    return f"`{key}` {said}, but is {shown}", f"correct `{key}`"


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:
        return "a number without end"
    except RecursionError:
        return "nested without end"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(model: type[BaseModel], loc: list[str]) -> list[str]:
    """The keys that the table at `loc` may have."""
    parts = iter(loc)
    for part in parts:
        annotation = model.model_fields[part].annotation
        if get_origin(annotation) is dict:
            next(parts, None)  # the key of one entry
        model = next(a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel))
    return sorted(field.alias or name for name, field in model.model_fields.items())
