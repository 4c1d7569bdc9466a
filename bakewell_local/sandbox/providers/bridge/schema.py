"""What Pulumi's Terraform bridge and Terraform's SDK make of inputs and states, as far as our resources need it.

A `Schema` says for each property what the real provider's schema says; blocks are objects, or lists and sets of them.
`inputs` fills in defaults and names, `faults` says what is wrong with them, `plan` computes the state that inputs lead
to, `changes` compares two states.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from bakewell_local.sandbox.providers import diff
from bakewell_local.sandbox.providers.server import Properties
from bakewell_local.sandbox.providers.values import NULL, UNKNOWN

# Which inputs came from defaults. The bridge keeps it among the inputs.
DEFAULTS = "__defaults"


def nonzero(name: str, value: Any) -> str | None:
    """What is wrong with an empty text, or 0."""
    if value in ("", 0) and value is not False:
        return f"{name} must not be {'empty' if value == '' else 'zero'}, got {value}"
    return None


def one_of(*choice: str) -> Callable[[str, Any], str | None]:
    """What is wrong with a text that is none of these."""
    listed = " ".join(f'"{text}"' for text in choice)
    return lambda name, value: None if value in choice else f"expected {name} to be one of [{listed}], got {value}"


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    Attributes:
        kind: of these, a `flag` is a boolean that may be unset: text to Terraform, a boolean to the API.
        fields: of an object, or of the objects in a list or set; None for plain values.
        computed: the API says what it is where the program does not; with `output` the program never does.
        replaces: a change makes a new resource.
        autonamed: named after the resource, unless the program gives it.
        valid: given the provider's own name and a value (of a list or set, each element): what is wrong, or None.
        kept: how the state shows the input (a hash of it, lower case …).
        fold: what is compared, where the text itself is not.
        api: the API's name, where that is not ours with a capital letter.
    """

    kind: Literal["str", "flag", "bool", "int", "float", "map", "object", "list", "set"]
    fields: Schema | None = None
    required: bool = False
    computed: bool = False
    output: bool = False
    replaces: bool = False
    default: Any = None
    autonamed: bool = False
    valid: Callable[[str, Any], str | None] | None = None
    kept: Callable[[str], str] | None = None
    fold: Callable[[str], str] | None = None
    api: str = ""

    @property
    def element(self) -> Field:
        """An element of this list or set."""
        return replace(self, kind="object" if self.fields is not None else "str")


Schema = Mapping[str, Field]


def inputs(schema: Schema, name: str, old: Properties, new: Properties) -> Properties:
    """The inputs of the resource `name` with defaults, which are listed in `__defaults`. As the bridge has it, a
    default that is false, 0 or empty is no input.
    """
    given = _shaped_all(schema, {key: value for key, value in new.items() if not key.startswith("__")})
    # Where it is not known which of the old inputs were defaults, all of them may have been.
    old_defaults = set(old.get(DEFAULTS, old))
    defaults = []
    for key, field in schema.items():
        if key in given or not (field.autonamed or field.default):
            continue
        fresh = f"{name}-{secrets.token_hex(4)[:7]}" if field.autonamed else field.default
        given[key] = old[key] if key in old and key in old_defaults else fresh
        defaults.append(key)
    return {**given, DEFAULTS: sorted(defaults)}


def _shaped_all(schema: Schema, given: Properties) -> Properties:
    known = {key: value for key, value in given.items() if value is not None}
    return {key: _shaped(schema[key], value) if key in schema else value for key, value in known.items()}


def _shaped(field: Field, value: Any) -> Any:
    """`value` as the schema's type: the bridge lets a number or boolean stand for its text, and the reverse."""
    match value:
        case list():
            return [_shaped(field.element, element) for element in value]
        case dict() if field.fields is not None:
            return _shaped_all(field.fields, value)
        case dict():
            return {key: _shaped(Field("str"), element) for key, element in value.items()}
        case bool():
            return str(value).lower() if field.kind in ("str", "flag") else value
        case int() | float() if field.kind in ("str", "flag"):
            return f"{value:.0f}" if float(value).is_integer() else str(value)
        case str() if field.kind in ("int", "float") and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
        case "true" | "false" if field.kind == "bool":
            return value == "true"
    return value


def faults(schema: Schema, given: Properties, plugin: str, where: str = "") -> Iterator[tuple[str, str]]:
    """Paths among the inputs, and what is wrong there. `plugin` is the one that lacks what is not in the schema."""
    for key, field in schema.items():
        if field.required and given.get(key) is None:
            name = _terraform_name(where + key)
            told = f'Missing required argument. The argument "{name}" is required, but no definition was found.'
            yield where + key, told
    for key, value in given.items():
        if key == DEFAULTS:
            continue
        if key in schema and not schema[key].output:
            yield from _faults(schema[key], value, plugin, where + key)
        else:
            told = f"is not implemented by the local cloud's stand-in for the {plugin} plugin: leave it out"
            yield where + key, f"{where}{key} {told}"


def _faults(field: Field, value: Any, plugin: str, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, element in enumerate(value):
            yield from _faults(field.element, element, plugin, f"{path}[{index}]")
    elif field.fields is not None and isinstance(value, dict):
        yield from faults(field.fields, value, plugin, f"{path}.")
    elif field.valid is not None and value is not UNKNOWN:
        fault = field.valid(_terraform_name(path), value)
        if fault is not None:
            yield path, fault


def _terraform_name(path: str) -> str:
    indexed = re.sub(r"\[(\d+)\]", r".\1", path)
    return re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", indexed)


def present(properties: Properties) -> Properties:
    """Without what has no value."""
    return {key: value for key, value in properties.items() if value is not None}


def whole(schema: Schema, state: Properties) -> Properties:
    """The outputs of a state: what it does not have is null."""
    return {**dict.fromkeys(schema, NULL), **present(state)}


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
    return present(planned)


def _planned(field: Field, value: Any, old: Any, *, new: bool) -> Any:
    if field.kind == "set" and isinstance(value, list):
        return canonical(field, value)
    if field.fields is not None and isinstance(value, list):
        olds = dict(enumerate(old)) if isinstance(old, list) else {}
        return [_planned(field.element, one, olds.get(index), new=new) for index, one in enumerate(value)]
    if field.fields is not None and isinstance(value, dict):
        return plan(field.fields, old if isinstance(old, dict) else None if new else {}, value)
    if isinstance(value, str):
        kept = field.kept(value) if field.kept else value
        same = field.fold is not None and isinstance(old, str) and field.fold(old) == field.fold(kept)
        return old if same else kept
    return value


def canonical(field: Field, elements: list[Any]) -> list[Any]:
    """A set as a state shows it: elements whole, sorted, each once, unknown ones last."""
    known = {_order(one): one for one in _whole_elements(field, elements) if one is not UNKNOWN}
    return [*(known[text] for text in sorted(known)), *(one for one in elements if one is UNKNOWN)]


def _order(element: Any) -> str:
    return element if isinstance(element, str) else json.dumps(element, sort_keys=True, default=repr)


def _whole_elements(field: Field, elements: list[Any]) -> list[Any]:
    if field.fields is None:
        return elements
    return [plan(field.fields, {}, one) if isinstance(one, dict) else one for one in elements]


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
    if not old and not new:
        return {}
    if old is None or new is None:
        return {key: "ADD" if old is None else "DELETE"}
    if field.kind == "set" and isinstance(old, list) and isinstance(new, list):
        return _changed_set(key, field, old, new, given)
    # To Terraform's SDK "", 0, false and nothing are one.
    return dict(diff.changes({key: old}, {key: new}, blanks=False))


def _changed_set(key: str, field: Field, old: list[Any], new: list[Any], given: Any) -> dict[str, str]:
    if UNKNOWN in new or not isinstance(given, list):
        return {key: "UPDATE"} if new != old else {}
    # An element is named by its place in the old state, or, if new, in the program's own list.
    own = _whole_elements(field, given)
    removed = {old.index(element) for element in old if element not in new}
    added = {own.index(element) for element in new if element not in old}
    kinds = {index: "UPDATE" if index in removed & added else "ADD" for index in added}
    return {f"{key}[{i}]": kind for i, kind in sorted((dict.fromkeys(removed, "DELETE") | kinds).items())}


def replaces(schema: Schema, path: str) -> bool:
    """True when a change at the path makes a new resource."""
    for part in re.sub(r"\[\d+\]", "", path).split("."):
        if part not in schema or schema[part].replaces:
            return part in schema
        schema = schema[part].fields or {}
    return False


def explicitly_named(schema: Schema, inputs: Properties) -> bool:
    """True when the program gave a name that cannot be had twice: a replacement then deletes first."""
    defaults = inputs.get(DEFAULTS, [])
    return any(field.autonamed and key in inputs and key not in defaults for key, field in schema.items())


def inputs_after_refresh(schema: Schema, old: Properties, state: Properties) -> Properties:
    """The inputs that fit a state just read: each input there was, with its present value. An input that the state
    shows in another form (a hash) stays; an element that was added to a set outside Pulumi is not taken over.
    """
    known = {key: value for key, value in old.items() if key in schema}
    inputs = present({key: _refreshed(schema[key], value, state.get(key)) for key, value in known.items()})
    defaults = [key for key in old.get(DEFAULTS, []) if inputs.get(key) == old.get(key)]
    return {**inputs, DEFAULTS: defaults} if defaults else inputs


def _refreshed(field: Field, value: Any, now: Any) -> Any:
    if now is None or field.kept is not None:
        return None if now is None else value
    if field.kind == "set" and isinstance(value, list):
        return [one for one, seen in zip(value, _whole_elements(field, value), strict=True) if seen in now]
    if field.fields is not None and isinstance(value, dict):
        return {key: _refreshed(field.fields[key], one, now.get(key)) for key, one in value.items()}
    if field.fields is not None and isinstance(value, list) and len(now) == len(value):
        return [_refreshed(field.element, one, seen) for one, seen in zip(value, now, strict=True)]
    return now
