"""What Pulumi's Terraform bridge and Terraform's SDK make of inputs and states, as far as our resources need it.

A `Schema` says for each property what the real provider's schema says. `check` fills in defaults and names, `plan`
computes the state that inputs lead to, `difference` compares two states. No API is called here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Literal

from sandbox.providers.server import Difference, Properties
from sandbox.providers.values import NULL, UNKNOWN

# Which inputs came from defaults. The bridge keeps it among the inputs.
DEFAULTS = "__defaults"
_TAG = re.compile(r"[a-zA-Z0-9:\-_]{1,255}")


def nonzero(name: str, value: Any) -> str | None:
    """What is wrong with an empty text, or 0."""
    if value in ("", 0) and value is not False:
        return f"{name} must not be {'empty' if value == '' else 'zero'}, got {value}"
    return None


def ipv4(name: str, value: Any) -> str | None:
    """What is wrong with a text that is no IPv4 address."""
    try:
        IPv4Address(value)
    except ValueError:
        return f"expected {name} to contain a valid IPv4 address, got: {value}"
    return None


def tag(name: str, value: Any) -> str | None:
    """What is wrong with a tag."""
    if _TAG.fullmatch(value):
        return None
    return (
        "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255 "
        "characters per tag"
    )


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    Attributes:
        computed: the API says what it is where the program does not; with `output` the program never does.
        replaces: a change makes a new resource.
        kept: how the state shows the input (a hash of it, lower case …).
        fold: what is compared, where the text itself is not.
        valid: given the provider's own name and a value (of a set, each element): what is wrong with it, or None.
        absent: the real provider has it and this one refuses it; its output is null.
    """

    kind: Literal["str", "bool", "int", "float", "set", "object"]
    required: bool = False
    computed: bool = False
    output: bool = False
    replaces: bool = False
    default: Any = None
    autonamed: bool = False
    absent: bool = False
    valid: Callable[[str, Any], str | None] | None = None
    kept: Callable[[str], str] | None = None
    fold: Callable[[str], str] | None = None


Schema = Mapping[str, Field]


def check(schema: Schema, name: str, old: Properties, new: Properties) -> tuple[Properties, list[tuple[str, str]]]:
    """The inputs with defaults, which are listed in `__defaults`; failures as (property, reason). As the bridge has it,
    the property is always "": the reason says which it is. A default that is false, 0 or empty is no input.
    """
    inputs = {key: _shape(schema[key], value) for key, value in new.items() if key in schema}
    inputs = {key: value for key, value in inputs.items() if not schema[key].output}
    # Where it is not known which of the old inputs were defaults, all of them may have been.
    old_defaults = set(old.get(DEFAULTS, old))
    defaults = []
    for key, field in schema.items():
        if key in inputs or not (field.autonamed or field.default):
            continue
        fresh = f"{name}-{secrets.token_hex(4)[:7]}" if field.autonamed else field.default
        inputs[key] = old[key] if key in old and key in old_defaults else fresh
        defaults.append(key)
    absent = [key for key, field in schema.items() if field.absent and key in inputs]
    reasons = [_unsupported(key) for key in new if key not in schema and not key.startswith("__")]
    reasons += [_unsupported(key) for key in absent]
    for key, field in schema.items():
        if (field.required or key in inputs) and not field.absent:
            reasons += [
                f"{fault}. Examine values at '{name}.{path}'." for path, fault in _faults(key, field, inputs.get(key))
            ]
    return {**inputs, DEFAULTS: sorted(defaults)}, [("", reason) for reason in reasons]


def _unsupported(key: str) -> str:
    return f"{key} is not implemented by the local cloud's stand-in for the digitalocean plugin: leave it out"


def _shape(field: Field, value: Any) -> Any:
    """`value` as the schema's type: the bridge lets a number stand for its text, and the reverse."""
    if field.kind == "str" and isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else str(value)
    if field.kind in ("int", "float") and isinstance(value, str):
        return float(value)
    if field.kind == "set" and isinstance(value, list):
        return [_shape(Field("str"), element) for element in value]
    return value


def _faults(key: str, field: Field, value: Any) -> list[tuple[str, str]]:
    """Paths, and what is wrong there."""
    name = re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", key)
    if value is None:
        missing = f'Missing required argument. The argument "{name}" is required, but no definition was found.'
        return [(key, missing)]
    if field.valid is None:
        return []
    values = [(key, name, value)]
    if isinstance(value, list):
        values = [(f"{key}[{index}]", f"{name}.{index}", element) for index, element in enumerate(value)]
    faults = [(path, field.valid(name, element)) for path, name, element in values if element is not UNKNOWN]
    return [(path, fault) for path, fault in faults if fault is not None]


def whole(schema: Schema, state: Properties) -> Properties:
    """The outputs of a state: what it does not have is null."""
    return {**dict.fromkeys(schema, NULL), **{key: value for key, value in state.items() if value is not None}}


def plan(schema: Schema, state: Properties | None, inputs: Properties) -> Properties:
    """The state that `inputs` lead to, from `state` (None: a new resource). What only the API can tell is UNKNOWN
    for a new resource and stays as it was for one that exists.
    """
    planned = {}
    for key, field in schema.items():
        old = state.get(key) if state is not None else None
        value = inputs.get(key)
        if value is not None:
            planned[key] = _as_kept(field, value, old)
        elif field.default is not None:
            planned[key] = field.default
        elif field.computed or field.output:
            planned[key] = old if state is not None else UNKNOWN
    return {key: value for key, value in planned.items() if value is not None}


def _as_kept(field: Field, value: Any, old: Any) -> Any:
    if field.kind == "set" and isinstance(value, list):
        return canonical(value)
    if isinstance(value, str):
        kept = field.kept(value) if field.kept else value
        if field.fold and isinstance(old, str) and field.fold(old) == field.fold(kept):
            return old
        return kept
    return value


def canonical(elements: list[Any]) -> list[Any]:
    """A set as a state shows it: sorted, each element once, unknown ones last."""
    return [*sorted({e for e in elements if e is not UNKNOWN}), *(e for e in elements if e is UNKNOWN)]


def difference(schema: Schema, state: Properties, inputs: Properties) -> Difference:
    """What changes when a resource in `state` gets `inputs`.

    An explicit name cannot be had twice, so such a resource is deleted before its replacement is created.
    """
    planned = plan(schema, state, inputs)
    paths: dict[str, str] = {}
    for key, field in schema.items():
        suffix = "_REPLACE" if field.replaces else ""
        for path, kind in _changes(key, state.get(key), planned.get(key), inputs.get(key)).items():
            paths[path] = kind + suffix
    replaced = any(kind.endswith("_REPLACE") for kind in paths.values())
    named = any(f.autonamed and k in inputs and k not in inputs.get(DEFAULTS, []) for k, f in schema.items())
    return Difference(paths, delete_first=replaced and named)


def _changes(key: str, old: Any, new: Any, given: Any) -> dict[str, str]:
    old, new = (None if value in ([], "") else value for value in (old, new))
    if old == new and UNKNOWN not in (new if isinstance(new, list) else [new]):
        return {}
    if old is None or new is None:
        return {key: "ADD" if old is None else "DELETE"}
    if not isinstance(old, list) or not isinstance(new, list):
        return {key: "UPDATE"}
    if UNKNOWN in new or not isinstance(given, list):
        return {key: "UPDATE"}
    # An element is named by its place in the old state, or, if new, in the program's own list.
    removed = {old.index(element) for element in old if element not in new}
    added = {given.index(element) for element in new if element not in old}
    kinds = {index: "UPDATE" if index in removed & added else "ADD" for index in added}
    return {f"{key}[{i}]": kind for i, kind in sorted((dict.fromkeys(removed, "DELETE") | kinds).items())}


def inputs_after_refresh(schema: Schema, old: Properties, state: Properties) -> Properties:
    """The inputs that fit a state just read: each input there was, with its present value. An input that the state
    shows in another form (a hash) stays; an element that was added to a set outside Pulumi is not taken over.
    """
    inputs: Properties = {}
    for key, value in old.items():
        if key not in schema or key not in state:
            continue
        if isinstance(value, list):
            inputs[key] = [element for element in value if element in state[key]]
        else:
            inputs[key] = value if schema[key].kept else state[key]
    defaults = [key for key in old.get(DEFAULTS, []) if inputs.get(key) == old.get(key)]
    return {**inputs, DEFAULTS: defaults} if defaults else inputs


def inputs_of_import(schema: Schema, state: Properties) -> Properties:
    """The inputs for a resource that Pulumi did not make."""
    return {
        key: state[key]
        for key, field in schema.items()
        if not field.output and state.get(key) not in (None, "", [], field.default)
    }
