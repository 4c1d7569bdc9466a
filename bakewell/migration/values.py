"""What an expression stands for: literals, variables, locals and plain references. Everything else is `Lost`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bakewell.migration.language.syntax import (
    At,
    Attribute,
    Block,
    Expression,
    Listing,
    Mapping,
    Other,
    Reference,
    Scalar,
    Text,
)
from bakewell.migration.language.template import Template, Variable
from bakewell.migration.remedies import for_other, for_reference

Plain = str | int | float | bool | None
Store = Literal["variables", "versions", "secrets"]
_VERSION = re.compile(r"(?:(.+)_version|version_(.+))\Z")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Const:
    """A value that is written out."""

    value: Plain


@dataclass(frozen=True, slots=True)
class Held:
    """A value that image.toml holds: `[variables] key`, `[versions] key`; or the name of a secret.

    Attributes:
        default: None where there is none yet, and for a secret.
        purpose: the template's own description, or where it comes from.
    """

    store: Store
    key: str
    default: Plain
    purpose: str
    at: At


@dataclass(frozen=True, slots=True)
class Joined:
    """Text with values in it."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An object."""

    items: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """What is not translated."""

    expression: Expression
    remedy: str


Value = Const | Held | Joined | Items | Table | Lost


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value, and the variables and locals that it was taken from."""

    value: Value
    origins: tuple[Variable | Attribute, ...]


def lost(value: Value) -> list[Lost]:
    """What in the value is not translated."""
    return [part for part in walk(value) if isinstance(part, Lost)]


def held(value: Value) -> list[Held]:
    """What of the value image.toml holds."""
    return [part for part in walk(value) if isinstance(part, Held)]


def walk(value: Value) -> Iterator[Value]:
    """The value and all that it is made of."""
    yield value
    if isinstance(value, Joined):
        inner: tuple[Value, ...] = value.parts
    elif isinstance(value, Items):
        inner = value.items
    else:
        inner = tuple(item for _, item in value.items) if isinstance(value, Table) else ()
    for part in inner:
        yield from walk(part)


def plain(value: Value) -> object:
    """The value written out, by variables' defaults; None where it cannot be: lost parts, secrets, no default."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Held):
        return value.default
    if isinstance(value, Joined):
        parts = [plain(part) for part in value.parts]
        return None if any(part is None for part in parts) else "".join(map(word, parts))
    if isinstance(value, Items):
        return [plain(item) for item in value.items]
    return {key: plain(item) for key, item in value.items} if isinstance(value, Table) else None


def prefix(value: Value) -> str:
    """The text up to what only a build knows: `web-` of `web-${local.timestamp}`."""
    if not isinstance(value, Joined):
        found = plain(value)
        return word(found) if isinstance(found, str | int) else ""
    text = ""
    for part in value.parts:
        found = plain(part)
        if found is None:
            return text + (prefix(part) if isinstance(part, Joined) else "")
        text += word(found)
    return text


def suffix(value: Value) -> str:
    """The text after all that only a build knows: `/app.conf` of `/etc/${var.env}/app.conf`."""
    if not isinstance(value, Joined):
        return prefix(value)
    text = ""
    for part in reversed(value.parts):
        found = plain(part)
        if found is None:
            return (suffix(part) if isinstance(part, Joined) else "") + text
        text = word(found) + text
    return text


def word(found: object) -> str:
    """As HCL2 makes text of a value."""
    return str(found).lower() if isinstance(found, bool) else str(found)


class Scope:
    """Resolves expressions of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._origins: list[Variable | Attribute] = []
        self._busy: list[str] = []

    def resolve(self, expression: Expression) -> Resolved:
        """What it stands for."""
        self._origins = []
        value = self._value(expression)
        return Resolved(value, tuple(dict.fromkeys(self._origins)))

    def _value(self, expression: Expression) -> Value:
        if isinstance(expression, Scalar):
            return Const(expression.value)
        if isinstance(expression, Text):
            parts = [Const(part) if isinstance(part, str) else self._value(part) for part in expression.parts]
            if len(parts) == 1:
                return parts[0]
            return Joined(tuple(_flat(parts))) if parts else Const("")
        if isinstance(expression, Listing):
            return Items(tuple(self._value(item) for item in expression.items))
        if isinstance(expression, Mapping):
            return Table(tuple((key, self._value(item)) for key, item in expression.items))
        if isinstance(expression, Other):
            self._mentioned(expression.source)
            return Lost(expression, for_other(expression))
        return self._reference(expression)

    def _mentioned(self, source: str) -> None:
        """Variables in an expression that is left to people: they will want them in image.toml."""
        for name in re.findall(r"\bvar\.([\w-]+)", source):
            if name in self.template.variables:
                self._origins.append(self.template.variables[name])
        for name in re.findall(r"\blocal\.([\w-]+)", source):
            if name in self.template.locals:
                self._origins.append(self.template.locals[name][0])

    def mentioned(self, source: str) -> list[Held]:
        """What image.toml can hold of the variables in a text."""
        found = []
        for name in dict.fromkeys(re.findall(r"\bvar\.([\w-]+)", source)):
            value = self._reference(Reference(("var", name), At("", 0, 0), name))
            if isinstance(value, Held):
                found.append(value)
        return found

    def _reference(self, reference: Reference) -> Value:
        kind, *names = reference.path
        if kind == "var" and names:
            value = self._variable(names[0], reference)
        elif kind == "local" and names:
            value = self._local(names[0], reference)
        elif kind == "path" and names in (["root"], ["cwd"]):
            return Const(".")
        else:
            return Lost(reference, for_reference(reference, self.template))
        for name in names[1:]:
            value = _member(value, name) or Lost(reference, for_reference(reference, self.template))
        return value

    def _variable(self, name: str, reference: Reference) -> Value:
        variable = self.template.variables.get(name)
        if variable is None:
            return Lost(
                reference, f"no file that was named declares the variable {name}: name the file that does as well"
            )
        self._origins.append(variable)
        purpose = _description(variable.block) or f"the variable {name}"
        at = variable.block.at
        if variable.secret:
            return Held("secrets", secret_name(variable.environment or name), None, purpose, at)
        if variable.default is None:
            return Held("variables", variable_name(name), None, purpose, at)
        key = f"var.{name}"
        if key in self._busy:
            return Lost(reference, "it leads back to itself: write its value out")
        self._busy.append(key)
        value = self._value(variable.default)
        self._busy.pop()
        if isinstance(value, Const) and value.value is not None:
            version = _VERSION.match(variable_name(name))
            if version and isinstance(value.value, str) and value.value:
                return Held("versions", (version[1] or version[2]).replace("_", "-"), value.value, purpose, at)
            return Held("variables", variable_name(name), _whole(value.value), purpose, at)
        return value

    def _local(self, name: str, reference: Reference) -> Value:
        if name not in self.template.locals:
            return Lost(reference, f"no file that was named has the local {name}: name the file that has it as well")
        attribute, secret = self.template.locals[name]
        self._origins.append(attribute)
        if secret:
            return Held("secrets", secret_name(name), None, f"the local {name}", attribute.at)
        key = f"local.{name}"
        if key in self._busy or len(self._busy) > _DEEPEST:
            return Lost(reference, "it leads back to itself: write its value out")
        self._busy.append(key)
        value = self._value(attribute.value)
        self._busy.pop()
        if isinstance(value, Const) and value.value is not None and not isinstance(value.value, str | bool | int):
            return Const(str(value.value))
        return value


def _member(value: Value, name: str) -> Value | None:
    if isinstance(value, Table):
        return dict(value.items).get(name)
    if isinstance(value, Items) and name.isdigit() and int(name) < len(value.items):
        return value.items[int(name)]
    return None


def _flat(parts: list[Value]) -> Iterator[Value]:
    for part in parts:
        if isinstance(part, Joined):
            yield from part.parts
        else:
            yield part


def _whole(value: Plain) -> Plain:
    """[variables] takes no fractions."""
    return str(value) if isinstance(value, float) else value


def _description(block: Block) -> str:
    found = block.get("description")
    if found is None or not isinstance(found.value, Text):
        return ""
    return "".join(part for part in found.value.parts if isinstance(part, str))


def variable_name(name: str) -> str:
    """As `[variables]` takes it."""
    found = re.sub(r"[^a-z0-9_]", "_", name.lower()).lstrip("_0123456789")
    return found or "value"


def secret_name(name: str) -> str:
    """As the environment takes it."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper()).lstrip("0123456789") or "SECRET"
