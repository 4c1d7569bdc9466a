"""TOML, YAML and JSON as plain values, where each key stands once and a value means one thing to every parser.

Pulumi reads its files with another YAML library than ours. Where two versions of YAML differ on a value (`on`, `010`,
`1:30`, `1e3`), or a parser lets the last of two equal keys win, its preview and our commands would act on different
settings: such a file is refused instead of understood.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from bakewell.errors import ConfigError
from bakewell.reading.files import read_text

CONFIG_LIMIT = 256_000
"""Bytes of TOML or YAML: a hundred times what a large project has, and seconds to parse."""

_LONGEST_NUMBER = 100  # characters
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER_OR_MOMENT = re.compile(
    r"""[-+]?(?:\.?[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)(?:[eE][-+]?[0-9]+)?
      | [-+]?0[xobXOB][0-9a-fA-F_]+
      | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?""",
    re.VERBOSE | re.DOTALL,
)
"""What some version of YAML takes for a number, or for a moment."""

_OTHER_WORDS = re.compile(r"yes|no|on|off|true|false|y|n|[-+]?\.inf|\.nan|<<|=", re.IGNORECASE)
_NULL = ("", "~", "null", "Null", "NULL")


_PART = r"""(?:[A-Za-z0-9_-]{1,200}|"(?:[^"\\\n]|\\.){0,200}"|'[^'\n]{0,200}')"""
_DEEP_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART}){{100}}")
"""A dotted key of TOML: the parser's memory grows with the square of its parts."""


class DuplicateKey(ValueError):
    """A key that stands twice in one mapping."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key `{key[:60]}` is there twice")


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The TOML file as a mapping. Raises ConfigError as `read_text` does, and for a syntax error with its line."""
    text = read_text(path, what, limit=CONFIG_LIMIT)
    if (deep := _DEEP_KEY.search(text)) is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise ConfigError(f"{what}: line {line} nests too deep", file=path, remedy="correct the key there")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; endless digits or nesting
        raise ConfigError(f"{what} is not TOML: {error}", file=path, remedy="correct the syntax there") from None


def read_yaml(path: Path, what: str) -> Any:
    """The value of a YAML file that Pulumi reads too. Raises ConfigError as `read_text` and `from_yaml` do."""
    return from_yaml(read_text(path, what, limit=CONFIG_LIMIT), path, what, shared=True)


def from_yaml(text: str, path: Path, what: str, *, shared: bool = False) -> Any:
    """The value of a YAML text.

    Args:
        shared: another YAML library reads it too, so that a value of which versions of YAML think differently, or a
            tag, is refused.

    Raises:
        ConfigError: no YAML, an anchor or an alias (some hundred bytes of them can stand for gigabytes), a merge key,
            or a key that stands twice in a mapping.
    """
    try:
        return yaml.load(text, Loader=_Unambiguous if shared else _Once)  # both are SafeLoaders
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        # All but the first: values that look like dates, numbers or tagged values and are none; nesting without end.
        problem = " ".join(str(error).split())
        raise ConfigError(f"{what} is not YAML: {problem}", file=path, remedy="correct the syntax") from None


def from_json(text: str) -> Any:
    """The value of a JSON text. Raises ValueError (DuplicateKey for a key that stands twice), RecursionError."""
    return json.loads(text, object_pairs_hook=_mapping, parse_constant=_no_number)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKey(key)
        found[key] = value
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


class _Once(yaml.SafeLoader):
    """Without anchors, aliases and merge keys; each key of a mapping stands once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:  # an AliasEvent has one too
            raise ComposerError(None, None, "anchors and aliases are not taken: write the value out", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: dict[str, yaml.Node]) -> yaml.ScalarNode:
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        if node.tag.endswith((":int", ":float")) and len(node.value) > _LONGEST_NUMBER:  # `1:1:1…` takes its square
            raise ComposerError(None, None, f"a number of {len(node.value)} characters", node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise ConstructorError(None, None, "a mapping is wanted here", node.start_mark)
        found: dict[Hashable, Any] = {}
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, "`<<` is not taken: write the keys out", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
            if not isinstance(key, Hashable):
                raise ConstructorError(None, None, "a key is a mapping or a list", key_node.start_mark)
            if key in found or str(key) in seen:
                raise ConstructorError(None, None, str(DuplicateKey(str(key))), key_node.start_mark)
            seen.add(str(key))
            found[key] = self.construct_object(value_node, deep=deep)  # type: ignore[no-untyped-call]
        return found


class _Unambiguous(_Once):
    """Besides: without tags, and without plain values that another parser reads as something else."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise ComposerError(None, None, f"the tag {event.tag} is not taken: leave it out", event.start_mark)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: dict[str, yaml.Node]) -> yaml.ScalarNode:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        if event.implicit[0]:
            node.tag = f"tag:yaml.org,2002:{_type(node)}"
        return node


def _type(node: yaml.ScalarNode) -> str:
    """What a plain value is."""
    text = node.value
    if text in ("true", "false"):
        return "bool"
    if text in _NULL:
        return "null"
    if _WHOLE.fullmatch(text):
        return "int"
    if _NUMBER_OR_MOMENT.fullmatch(text) or _OTHER_WORDS.fullmatch(text):
        problem = f"`{text[:60]}` is one thing to one parser and another to the next"
        meant = "put it in quotes, or write a whole number in decimal digits, true or false"
        raise ComposerError(None, None, f"{problem}: {meant}", node.start_mark)
    return "str"
