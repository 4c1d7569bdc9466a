"""The arguments of a component as a program gives them. What is misspelt or of the wrong kind is refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.output import Unknown

from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one component, without those that are None.

    Attributes:
        source: the component, for messages: "Images `images`".
    """

    source: str
    _values: Mapping[str, Any]

    @classmethod
    def of(cls, kind: str, name: str, given: object, accepted: type) -> Arguments:
        """What a program in Python gives.

        Args:
            accepted: the TypedDict that has the names.

        Raises:
            ConfigError: it is no dict, or has a name that is no argument.
        """
        source, known = f"{kind} `{name}`", sorted(inspect.get_annotations(accepted))
        if not isinstance(given, Mapping):
            raise ConfigError(
                f"{source}: its arguments are {kind_of(given)}, where a dict is expected",
                remedy=f"give it a dict with: {', '.join(known)}",
            )
        check_names(source, given, known)
        return cls(source, {key: value for key, value in given.items() if value is not None})

    def get(self, name: str) -> Any:
        """The value as it was given; None for none."""
        return self._values.get(name)

    def text(self, name: str, remedy: str) -> str | None:
        """A plain text; None where it is left out. Raises ConfigError for anything else, an empty text included."""
        value = self.get(name)
        if value is None or (isinstance(value, str) and value):
            return value
        found = "empty" if value == "" else kind_of(value)
        raise ConfigError(f"{self.source}: `{name}` is {found}, where plain text is expected", remedy=remedy)

    def plain(self, name: str) -> Any:
        """A value as YAML would give it: Pulumi's numbers are floats, and what is left out may be there as None.

        Raises:
            ConfigError: it is, or holds, an Output.
        """
        return self._plain(name, self.get(name))

    def _plain(self, path: str, value: Any) -> Any:
        if isinstance(value, pulumi.Output | Unknown) or inspect.isawaitable(value):
            raise ConfigError(
                f"{self.source}: `{path}` is {kind_of(value)}, where a plain value is expected: which machines there "
                "are is decided before any resource is made",
                remedy=f"write the value of `{path}` out, or set it in stack config",
            )
        if isinstance(value, Mapping):
            return {key: self._plain(f"{path}.{key}", part) for key, part in value.items() if part is not None}
        if isinstance(value, list):
            return [self._plain(f"{path}[{number}]", part) for number, part in enumerate(value)]
        return int(value) if isinstance(value, float) and value.is_integer() else value


def check_names(source: str, given: Collection[str], known: Collection[str]) -> None:
    """Raises ConfigError for the first name that is no argument."""
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{source}: there is no argument `{name}`{did_you_mean(str(name), known)}",
                remedy=f"remove or correct it; arguments: {', '.join(sorted(known))}",
            )


def kind_of(value: object) -> str:
    """What a value is, in words, without the value: it may be a secret."""
    if value is None:
        return "None"
    if isinstance(value, pulumi.Output | Unknown) or inspect.isawaitable(value):
        return "an Output"
    if isinstance(value, pulumi.Resource):
        return f"a resource ({type(value).__name__})"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "a map"}
    return names.get(type(value), f"of type {type(value).__name__}")
