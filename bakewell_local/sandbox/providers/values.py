"""Pulumi property values as Python ones.

null, booleans, numbers, strings, lists and dicts are themselves; numbers are floats, as on the wire. A value that is
not known yet (in a preview) is `UNKNOWN`, a secret is `Secret(value)`. Assets and archives stay the signed dicts they
are on the wire: nothing here looks into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf import struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The engine has one sentinel for each type a value will have; which one it was makes no difference here.
_UNKNOWNS = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Marker(Enum):
    """Values that stand for what Python has no value for."""

    UNKNOWN = "not known yet"
    NULL = "there, and without a value, where `None` would leave the property out"


UNKNOWN: Final = Marker.UNKNOWN
NULL: Final = Marker.NULL


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is encrypted in state and masked in output."""

    value: Any


def read(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a request. Nulls at the top are left out, as the real providers do."""
    found = {key: _read(value) for key, value in struct.fields.items()}
    return {key: value for key, value in found.items() if value is not None}


def _read(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            return value.number_value
        case "string_value":
            text = value.string_value
            return UNKNOWN if text in _UNKNOWNS else text
        case "list_value":
            return [_read(element) for element in value.list_value.values]
        case "struct_value":
            fields = {key: _read(element) for key, element in value.struct_value.fields.items()}
            if fields.get(_SIGNATURE) == _SECRET:
                return Secret(fields.get("value"))
            return fields
        case _:
            return None


def write(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The properties of a response; `None` is left out at the top.

    Raises:
        ValueError: a string that is not valid UTF-8 (a surrogate in it), which the protocol cannot carry.
    """
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        if value is not None:
            _write(value, struct.fields[key])
    return struct


def _write(value: Any, into: struct_pb2.Value) -> None:
    match value:
        case None | Marker.NULL:
            into.null_value = struct_pb2.NULL_VALUE
        case bool():
            into.bool_value = value
        case int() | float():
            into.number_value = value
        case str():
            into.string_value = value
        case Marker.UNKNOWN:
            into.string_value = _UNKNOWN_STRING
        case Secret():
            _write({_SIGNATURE: _SECRET, "value": value.value}, into)
        case list() | tuple():
            into.list_value.SetInParent()
            for element in value:
                _write(element, into.list_value.values.add())
        case dict():
            into.struct_value.SetInParent()
            for key, element in value.items():
                _write(element, into.struct_value.fields[key])
        case _:
            raise TypeError(f"a {type(value).__name__} is no Pulumi property value")


def plain(value: Any) -> Any:
    """`value` with secrets laid open: what a command or an API request gets."""
    match value:
        case Secret():
            return plain(value.value)
        case list():
            return [plain(element) for element in value]
        case dict():
            return {key: plain(element) for key, element in value.items()}
        case _:
            return value


def is_unknown(value: Any) -> bool:
    """True when `value` itself, secret or not, is not known yet; an unknown inside a list or dict does not count."""
    return plain(value) is UNKNOWN if isinstance(value, Secret) else value is UNKNOWN
