"""Packer's first language, JSON, as the nodes that HCL2 gives: builders are sources, the list of provisioners a build.

Python's own parser of JSON tells no lines, so the values are read here, by its scanner of strings.
"""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

from bakewell.errors import ConfigError
from bakewell.migration.language.gotemplate import split_templates, whole
from bakewell.migration.language.syntax import (
    At,
    Attribute,
    Block,
    Document,
    Expression,
    Listing,
    Mapping,
    Scalar,
    Text,
)

_STRINGS = JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 50
_ROOT = {"variables", "sensitive-variables", "builders", "provisioners", "post-processors"}
BLOCKS = frozenset(
    {
        *("source_ami_filter", "launch_block_device_mappings", "ami_block_device_mappings", "subnet_filter"),
        *("vpc_filter", "security_group_filter", "metadata_options", "assume_role", "aws_polling"),
    }
)
"""Objects that HCL2 has as blocks."""


def parse(text: str, shown: str, path: Path) -> Document:
    """The document that `text` is. Raises ConfigError: no JSON, or no template of Packer's."""
    reader = _Reader(text, shown)
    try:
        root, end = reader.value(0, 0)
        if text[end:].strip():
            raise ValueError(f"something follows the template in line {reader.line(end)}")
    except (ValueError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, JSONDecodeError) else f": {error}"
        raise ConfigError(f"this is not JSON{line}", file=path, remedy="correct the syntax") from None
    if not isinstance(root, Mapping):
        raise ConfigError("this is no template: it is no object", file=path, remedy="name a template of Packer's")
    items = dict(root.items)
    if "builders" in items or "provisioners" in items:
        return Document(_template(root), legacy=True)
    if all(isinstance(value, Scalar | Text | Listing) for value in items.values()) and not _ROOT & set(items):
        attributes = tuple(Attribute(key, value, value.at) for key, value in root.items)
        return Document(Block("", (), attributes, (), root.at), legacy=True, values=True)
    raise ConfigError(
        "this is no template of Packer's: it has neither builders nor provisioners",
        file=path,
        remedy="name one that has",
    )


class _Reader:
    def __init__(self, text: str, shown: str) -> None:
        self.text, self.shown = text, shown
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line(self, position: int) -> int:
        from bisect import bisect_right

        return bisect_right(self.starts, position)

    def at(self, start: int, end: int) -> At:
        return At(self.shown, self.line(start), self.line(max(start, end - 1)))

    def skip(self, position: int) -> int:
        found = _SPACE.match(self.text, position)
        return found.end() if found else position

    def value(self, position: int, depth: int) -> tuple[Expression, int]:
        """The value at `position`, and where it ends. Raises ValueError."""
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        start = self.skip(position)
        first = self.text[start : start + 1]
        if first == '"':
            text, end = _STRINGS.raw_decode(self.text, start)
            text = whole(text)
            return Text(tuple(split_templates(text, self.at(start, start + 1))), self.at(start, end), text), end
        if first == "[":
            return self.listing(start, depth)
        if first == "{":
            return self.mapping(start, depth)
        word = _WORD.match(self.text, start)
        if word is None:
            raise JSONDecodeError("a value is wanted", self.text, start)
        known: Any = _WORDS.get(word[0], ...)
        if known is ...:
            known = float(word[0]) if re.search(r"[.eE]", word[0]) else int(word[0][:300])
        return Scalar(known, self.at(start, word.end()), word[0]), word.end()

    def listing(self, start: int, depth: int) -> tuple[Listing, int]:
        items = []
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "]":
            item, position = self.value(position, depth + 1)
            items.append(item)
            position = self.next(position, "]")
        return Listing(tuple(items), self.at(start, position + 1), self.text[start : position + 1]), position + 1

    def mapping(self, start: int, depth: int) -> tuple[Mapping, int]:
        items: dict[str, Expression] = {}
        position = self.skip(start + 1)
        while self.text[position : position + 1] != "}":
            if self.text[position : position + 1] != '"':
                raise JSONDecodeError("a key is wanted", self.text, position)
            key, position = _STRINGS.raw_decode(self.text, position)
            position = self.skip(position)
            if self.text[position : position + 1] != ":":
                raise JSONDecodeError("a colon is wanted", self.text, position)
            if key in items:
                raise JSONDecodeError(f"key `{key[:60]}` is there twice", self.text, position)
            items[whole(key)], position = self.value(position + 1, depth + 1)
            position = self.next(position, "}")
        source = self.text[start : position + 1]
        return Mapping(tuple(items.items()), self.at(start, position + 1), source), position + 1

    def next(self, position: int, closing: str) -> int:
        """Past a comma, or at the closing bracket."""
        position = self.skip(position)
        if self.text[position : position + 1] == ",":
            position = self.skip(position + 1)
            if self.text[position : position + 1] == closing:
                raise JSONDecodeError("a value is wanted after the comma", self.text, position)
        elif self.text[position : position + 1] != closing:
            raise JSONDecodeError("a comma is wanted", self.text, position)
        return position


def _template(root: Mapping) -> Block:
    """The blocks that HCL2 has for it. Attributes at the top (description, min_packer_version) stay what they are."""
    attributes, blocks = [], []
    sources: list[Expression] = []
    build: list[Block] = []
    at = root.at
    for key, value in root.items:
        if key == "variables" and isinstance(value, Mapping):
            blocks += [_variable(name, default) for name, default in value.items]
        elif key == "sensitive-variables" and isinstance(value, Listing):
            attributes.append(Attribute(key, value, value.at))
        elif key == "builders" and isinstance(value, Listing):
            at = value.at
            for item in value.items:
                block = _typed("source", item)
                blocks.append(block)
                name = ".".join(block.labels)
                sources.append(Text((name,), item.at, name))
        elif key in ("provisioners", "post-processors") and isinstance(value, Listing):
            build += [_typed(key.removesuffix("s"), item) for item in _flat(value)]
        else:
            attributes.append(Attribute(key, value, value.at))
    listed = Attribute("sources", Listing(tuple(sources), at, ""), at)
    blocks.append(Block("build", (), (listed,), tuple(build), root.at))
    return Block("", (), tuple(attributes), tuple(blocks), root.at)


def _flat(value: Listing) -> list[Expression]:
    """Post-processors may be lists of lists."""
    return [inner for item in value.items for inner in (_flat(item) if isinstance(item, Listing) else [item])]


def _variable(name: str, default: Expression) -> Block:
    """A variable whose default is null has to be given."""
    if isinstance(default, Scalar) and default.value is None:
        return Block("variable", (name,), (), (), default.at)
    return Block("variable", (name,), (Attribute("default", default, default.at),), (), default.at)


def _typed(kind: str, item: Expression) -> Block:
    """One builder, provisioner or post-processor: an object with a type, or the type alone."""
    if isinstance(item, Text):
        return Block(kind, (_literal(item),), (), (), item.at)
    if not isinstance(item, Mapping):
        return Block(kind, ("?",), (Attribute("value", item, item.at),), (), item.at)
    items = dict(item.items)
    name = _literal(items.pop("type", None)) or "?"
    labels = [name]
    if kind == "source":
        labels.append(_literal(items.pop("name", None)) or name)
    return _block(kind, tuple(labels), Mapping(tuple(items.items()), item.at, item.source))


def _block(kind: str, labels: tuple[str, ...], item: Mapping) -> Block:
    attributes, blocks = [], []
    for key, value in item.items:
        objects = value.items if isinstance(value, Listing) else (value,)
        if key in BLOCKS and all(isinstance(each, Mapping) for each in objects):
            blocks += [_block(key, (), each) for each in objects if isinstance(each, Mapping)]
        else:
            attributes.append(Attribute(key, value, value.at))
    return Block(kind, labels, tuple(attributes), tuple(blocks), item.at)


def _literal(value: Expression | None) -> str:
    if not isinstance(value, Text):
        return ""
    return "".join(part for part in value.parts if isinstance(part, str))
