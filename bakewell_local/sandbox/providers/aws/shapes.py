"""Properties as AWS's API words them, and back. A name there is ours with a capital letter, unless a field says."""

from __future__ import annotations

from typing import Any

from bakewell_local.sandbox.providers.aws.resource import tag_list, tag_map
from bakewell_local.sandbox.providers.bridge.schema import Field, Schema, canonical
from bakewell_local.sandbox.providers.server import Properties


def request(fields: Schema, properties: Properties) -> Properties:
    """What a request says for the properties; zeros and blanks are left out."""
    wanted = {key: properties.get(key) for key in fields}
    given = {key: value for key, value in wanted.items() if value is False or value not in (None, "", 0, [], {})}
    return {_name(key, fields[key]): _out(fields[key], value) for key, value in given.items()}


def _out(field: Field, value: Any) -> Any:
    if isinstance(value, list):
        return [_out(field.element, one) for one in value]
    if field.fields is not None:
        return request(field.fields, value)
    if field.kind == "map":
        return tag_list(value)
    if field.kind == "flag":
        return value == "true"
    return int(value) if field.kind == "int" else value


def seen(fields: Schema, answer: Any) -> Properties:
    """The properties that an answer has; zeros stay, blanks are left out."""
    found = {key: answer.get(_name(key, field)) for key, field in fields.items()}
    return {key: _in(fields[key], value) for key, value in found.items() if value not in (None, "", [], {})}


def _in(field: Field, value: Any) -> Any:
    if field.kind == "set":
        return canonical(field, [_in(field.element, one) for one in value])
    if field.kind == "map":
        return tag_map(value)
    if isinstance(value, list):
        return [_in(field.element, one) for one in value]
    if field.fields is not None:
        return seen(field.fields, value)
    return str(value).lower() if field.kind == "flag" else value


def _name(key: str, field: Field) -> str:
    return field.api or f"{key[0].upper()}{key[1:]}"
