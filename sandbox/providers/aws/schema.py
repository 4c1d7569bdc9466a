"""What Pulumi's Terraform bridge and Terraform's SDK make of inputs and states, as far as our AWS resources need it.

A `Schema` says for each property what the real provider's schema says; blocks are objects, or lists and sets of them.
`check` fills in defaults and names, `plan` computes the state that inputs lead to, `changes` compares two states. No
API is called here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.providers import diff
from sandbox.providers.server import Properties
from sandbox.providers.values import UNKNOWN

# Which inputs came from defaults. The bridge keeps it among the inputs.
DEFAULTS = "__defaults"
Failures = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    Attributes:
        fields: of an object, or of the objects in a list or set; None for plain values.
        computed: the API says what it is where the program does not; with `output` the program never does.
        replaces: a change makes a new resource.
        autonamed: named after the resource, unless the program gives it, or a prefix for it.
        one_of: the only values there are.
    """

    kind: Literal["str", "bool", "int", "map", "object", "list", "set"]
    fields: Schema | None = None
    required: bool = False
    computed: bool = False
    output: bool = False
    replaces: bool = False
    default: Any = None
    autonamed: bool = False
    one_of: tuple[str, ...] = ()


Schema = Mapping[str, Field]
TAGS: Schema = {"tags": Field("map"), "tagsAll": Field("map", output=True)}
REGION: Schema = {"region": Field("str", computed=True, replaces=True)}


def check(schema: Schema, name: str, old: Properties, new: Properties) -> tuple[Properties, Failures]:
    """The inputs with defaults, which are listed in `__defaults`; failures as (property, reason)."""
    given = {key: value for key, value in new.items() if not key.startswith("__")}
    failures: Failures = []
    inputs = _checked(schema, name, "", given, failures)
    # Where it is not known which of the old inputs were defaults, all of them may have been.
    old_defaults = set(old.get(DEFAULTS, old))
    defaults = []
    for key, field in schema.items():
        named = field.autonamed and f"{key}Prefix" not in inputs
        if key in inputs or not (named or field.default not in (None, False)):
            continue
        fresh = f"{name}-{secrets.token_hex(4)[:7]}" if named else field.default
        inputs[key] = old[key] if key in old and key in old_defaults else fresh
        defaults.append(key)
    return {**inputs, DEFAULTS: sorted(defaults)}, failures


def _checked(schema: Schema, name: str, path: str, given: Properties, failures: Failures) -> Properties:
    inputs: Properties = {}
    for key, value in given.items():
        where, field = f"{path}{key}", schema.get(key)
        if field is None:
            told = "is not implemented by the local cloud's stand-in for the aws plugin: leave it out"
            failures.append((where, f"{where} {told}"))
        elif not field.output and value is not None:
            inputs[key] = _shape(field, name, where, value, failures)
    for key, field in schema.items():
        where = f"{path}{key}"
        if field.required and not field.autonamed and inputs.get(key) is None:
            told = f'Missing required argument. The argument "{where}" is required'
            failures.append((where, f"{told}. Examine values at '{name}.{where}'."))
    return inputs


def _shape(field: Field, name: str, where: str, value: Any, failures: Failures) -> Any:
    """`value` as the schema's type: the bridge lets a number or boolean stand for its text, and the reverse."""
    if field.one_of and isinstance(value, str) and value not in field.one_of:
        choice = " ".join(f'"{text}"' for text in field.one_of)
        failures.append(
            (where, f"expected {where} to be one of [{choice}], got {value}. Examine values at '{name}.{where}'.")
        )
    if field.fields is not None and isinstance(value, dict):
        return _checked(field.fields, name, f"{where}.", value, failures)
    if field.fields is not None and isinstance(value, list):
        element = Field("object", field.fields)
        return [_shape(element, name, f"{where}[{i}]", one, failures) for i, one in enumerate(value)]
    if field.kind in ("list", "set") and isinstance(value, list):
        return [_scalar("str", one) for one in value]
    if field.kind == "map" and isinstance(value, dict):
        return {key: _scalar("str", one) for key, one in value.items()}
    return _scalar(field.kind, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "str" and isinstance(value, bool):
        return str(value).lower()
    if kind == "str" and isinstance(value, (int, float)):
        return f"{value:.0f}" if float(value).is_integer() else str(value)
    if kind == "int" and isinstance(value, str) and value.lstrip("-").isdigit():
        return float(value)
    if kind == "bool" and value in ("true", "false"):
        return value == "true"
    return value


def plan(schema: Schema, state: Properties | None, inputs: Properties) -> Properties:
    """The state that `inputs` lead to, from `state` (None: a new resource). What only the API can tell is UNKNOWN
    for a new resource and stays as it was for one that exists.
    """
    planned = {}
    for key, field in schema.items():
        old = state.get(key) if state is not None else None
        value = inputs.get(key)
        if value is not None:
            planned[key] = _planned(field, value, old, new=state is None)
        elif field.default is not None:
            planned[key] = field.default
        elif field.computed or field.output:
            planned[key] = old if state is not None else UNKNOWN
    return {key: value for key, value in planned.items() if value is not None}


def _planned(field: Field, value: Any, old: Any, *, new: bool) -> Any:
    if field.kind == "object" and field.fields is not None and isinstance(value, dict):
        before = old if isinstance(old, dict) else None if new else {}
        return plan(field.fields, before, value)
    if field.kind == "list" and field.fields is not None and isinstance(value, list):
        olds = old if isinstance(old, list) else []
        element = Field("object", field.fields)
        return [_planned(element, one, olds[i] if i < len(olds) else None, new=new) for i, one in enumerate(value)]
    if field.kind == "set" and isinstance(value, list):
        return canonical(field, value)
    return value


def canonical(field: Field, elements: list[Any]) -> list[Any]:
    """A set as a state shows it: elements whole, sorted, each once, unknown ones last."""
    if field.fields is not None:
        elements = [plan(field.fields, {}, one) if isinstance(one, dict) else one for one in elements]
    known = {json.dumps(one, sort_keys=True, default=repr): one for one in elements if one is not UNKNOWN}
    return [*(known[text] for text in sorted(known)), *(one for one in elements if one is UNKNOWN)]


def changes(schema: Schema, state: Properties, planned: Properties, inputs: Properties) -> dict[str, str]:
    """The paths at which `planned` differs from `state`, with their kinds as in `diff.Kind`.

    What only the API says is left out: the program cannot have changed it.
    """
    found: dict[str, str] = {}
    for key, field in schema.items():
        if not field.output:
            found |= _changed(key, field, state.get(key), planned.get(key), inputs.get(key))
    return found


def _changed(key: str, field: Field, old: Any, new: Any, given: Any) -> dict[str, str]:
    old, new = (None if value in ([], {}, "") else value for value in (old, new))
    # Computed and not given: an unknown there is the plan's own, and no change.
    if new is UNKNOWN and given is None:
        return {}
    if not old and not new:
        return {}
    if old is None or new is None:
        return {key: "ADD" if old is None else "DELETE"}
    if field.kind == "set" and isinstance(old, list) and isinstance(new, list):
        return _changed_set(key, field, old, new, given)
    before, after = evened(old, new)
    return dict(diff.changes({key: before}, {key: after}))


def evened(old: Any, new: Any) -> tuple[Any, Any]:
    """Both without the properties that are empty in both: to Terraform's SDK "", 0, false and nothing are one."""
    if isinstance(old, dict) and isinstance(new, dict):
        left, right = {}, {}
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) or new.get(key):
                left[key], right[key] = evened(old.get(key), new.get(key))
        return _present(left), _present(right)
    if isinstance(old, list) and isinstance(new, list):
        pairs = [evened(*pair) for pair in zip(old, new, strict=False)]
        shared = len(pairs)
        return [*(one for one, _ in pairs), *old[shared:]], [*(other for _, other in pairs), *new[shared:]]
    return old, new


def _present(properties: Properties) -> Properties:
    return {key: value for key, value in properties.items() if value is not None}


def _changed_set(key: str, field: Field, old: list[Any], new: list[Any], given: Any) -> dict[str, str]:
    if UNKNOWN in new or not isinstance(given, list):
        return {key: "UPDATE"} if new != old else {}
    # An element is named by its place in the old state, or, if new, in the program's own list.
    own = [plan(field.fields, {}, one) if field.fields and isinstance(one, dict) else one for one in given]
    removed = {old.index(element) for element in old if element not in new}
    added = {own.index(element) for element in new if element not in old}
    kinds = {index: "UPDATE" if index in removed & added else "ADD" for index in added}
    return {f"{key}[{i}]": kind for i, kind in sorted((dict.fromkeys(removed, "DELETE") | kinds).items())}


def explicitly_named(schema: Schema, inputs: Properties) -> bool:
    """True when the program gave a name that cannot be had twice: a replacement then deletes first."""
    defaults = inputs.get(DEFAULTS, [])
    return any(field.autonamed and key in inputs and key not in defaults for key, field in schema.items())


def inputs_after_refresh(schema: Schema, old: Properties, state: Properties) -> Properties:
    """The inputs that fit a state just read: each input there was, with its present value."""
    inputs = {key: _refreshed(schema[key], value, state.get(key)) for key, value in old.items() if key in schema}
    inputs = {key: value for key, value in inputs.items() if value is not None}
    defaults = [key for key in old.get(DEFAULTS, []) if inputs.get(key) == old.get(key)]
    return {**inputs, DEFAULTS: defaults} if defaults else inputs


def _refreshed(field: Field, value: Any, now: Any) -> Any:
    if field.kind == "object" and field.fields is not None and isinstance(value, dict) and isinstance(now, dict):
        return {key: _refreshed(field.fields[key], one, now.get(key)) for key, one in value.items()}
    if field.kind == "set" and isinstance(now, list) and canonical(field, value) == now:
        return value
    if field.kind == "list" and field.fields is not None and isinstance(now, list) and len(now) == len(value):
        element = Field("object", field.fields)
        return [_refreshed(element, one, now[index]) for index, one in enumerate(value)]
    return now


def inputs_of_import(schema: Schema, state: Properties) -> Properties:
    """The inputs for a resource that Pulumi did not make."""
    return {
        key: state[key]
        for key, field in schema.items()
        if not field.output and state.get(key) not in (None, "", [], {}, field.default)
    }
