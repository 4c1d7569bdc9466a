"""The nodes of a template, in whichever language: blocks, attributes, expressions, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class At:
    """A place in a file. `file`: the path as messages show it. Lines count from 1; `end` is the last one."""

    file: str
    line: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, eq=False, slots=True)
class Scalar:
    """A number, true, false or null."""

    value: bool | int | float | None
    at: At
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class Text:
    """A string. `parts`: literal text, and expressions between `${` and `}`, in order."""

    parts: tuple[str | Expression, ...]
    at: At
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class Reference:
    """A plain reference: ("var", "name"), ("data", "amazon-ami", "debian", "id")."""

    path: tuple[str, ...]
    at: At
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class Listing:
    """A list."""

    items: tuple[Expression, ...]
    at: At
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class Mapping:
    """An object, by its keys."""

    items: tuple[tuple[str, Expression], ...]
    at: At
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class Other:
    """Whatever is none of these. `kind`: what it is, in words: "a call of templatefile"."""

    kind: str
    at: At
    source: str
    function: str = ""


Expression = Scalar | Text | Reference | Listing | Mapping | Other


@dataclass(frozen=True, eq=False, slots=True)
class Attribute:
    """`name = value`."""

    name: str
    value: Expression
    at: At


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """`kind "label" { … }`."""

    kind: str
    labels: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    blocks: tuple[Block, ...]
    at: At

    @property
    def title(self) -> str:
        """As its first line has it: `provisioner "shell"`."""
        return " ".join([self.kind, *(f'"{label}"' for label in self.labels)])

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name, or None."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def all(self, kind: str) -> list[Block]:
        """The blocks of that kind, in order."""
        return [block for block in self.blocks if block.kind == kind]

    def walk(self) -> Iterator[Attribute | Block]:
        """All attributes and blocks below, not the block itself."""
        yield from self.attributes
        for block in self.blocks:
            yield block
            yield from block.walk()


@dataclass(frozen=True, eq=False, slots=True)
class Document:
    """One file. `root`: a block without kind that holds everything. `legacy`: it is JSON of Packer's first language."""

    root: Block
    legacy: bool = False
    values: bool = field(default=False)
    """Whether it gives values to variables (.pkrvars.hcl, or a file for -var-file) and nothing else."""
