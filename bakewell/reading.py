"""Reading TOML and checking it against a pydantic model, with errors that name file, key and remedy.

Knows nothing of what the files mean; settings, catalog and bases share it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bakewell.errors import ConfigError, file_error
from bakewell.secret_shapes import secret_setting

M = TypeVar("M", bound=BaseModel)

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


class Model(BaseModel):
    """Base of everything read from a file: unknown keys refused, no silent conversions, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read_text(path: Path, what: str) -> str:
    """The file's text. Raises ConfigError where it is missing, unreadable or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{what} is missing", file=path, remedy="create it") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what} is not UTF-8 text: {error.reason}", file=path, remedy="save it as UTF-8") from None
    except OSError as error:
        remedy = "make it a file that you can read"
        raise file_error(error, f"{what} cannot be read", file=path, remedy=remedy) from error


@contextmanager
def looking(what: str, file: Path) -> Iterator[None]:
    """Around looking whether files exist: one that may not even be looked at is a ConfigError that names it."""
    try:
        yield
    except OSError as error:
        remedy = "make it, and the folders that it lies in, readable"
        raise file_error(error, f"{what} cannot be read", file=error.filename or file, remedy=remedy) from error


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The TOML file as a mapping. Raises ConfigError as `read_text` does, and for a syntax error with its line."""
    try:
        return tomllib.loads(read_text(path, what))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; endless digits or nesting
        raise ConfigError(f"{what} is not TOML: {error}", file=path, remedy="correct the syntax there") from None


def checked(model: type[M], data: Mapping[str, Any], *, file: Path | str, what: str) -> M:
    """`data` as a `model`. Raises one ConfigError that lists every fault with its key and what to do about it."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        faults = [_fault(model, fault) for fault in error.errors(include_url=False)]
        remedies = dict.fromkeys(remedy for _, remedy in faults)
        raise ConfigError(
            f"{what}: {'; '.join(text for text, _ in faults)}", file=file, remedy="; ".join(remedies)
        ) from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean `x`?)`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _fault(model: type[BaseModel], fault: Any) -> tuple[str, str]:
    """One pydantic error as (what is wrong, remedy)."""
    loc = [str(part) for part in fault["loc"] if part != "[key]"]
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
    shown = _shown(fault["input"])
    shown = "a secret" if secret_setting(key, fault["input"]) else shown if len(shown) <= 60 else shown[:57] + "..."
    return f"`{key}` {said}, but is {shown}", f"correct `{key}`"


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:
        return "a number without end"


def _keys(model: type[BaseModel], loc: list[str]) -> list[str]:
    """The keys that the table at `loc` may have."""
    parts = iter(loc)
    for part in parts:
        annotation = model.model_fields[part].annotation
        if get_origin(annotation) is dict:
            next(parts, None)  # the key of one entry
        model = next(a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel))
    return sorted(model.model_fields)
