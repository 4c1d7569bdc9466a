"""The account of a template: what became of each attribute and block. Nothing is left out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bakewell.migration.language.syntax import At, Attribute, Block
from bakewell.migration.masking import shown, whole


class Kind(StrEnum):
    """What became of something."""

    translated = "translated"
    settled = "settled"
    """Of no use here: Bakewell does it by itself, or a stack's settings say it."""
    todo = "todo"


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry.

    Attributes:
        what: what it is, for `todo` and `settled`; where it went, for `translated`.
        remedy: what to do; why nothing has to be done, for `settled`.
        source: the template's own text, without what may be a secret; "" where `what` has all of it.
    """

    kind: Kind
    at: At
    what: str
    remedy: str = ""
    source: str = ""

    def lines(self) -> list[str]:
        """As a message: the place and the thing, then what to do."""
        return [f"{self.at}: {self.what}", *([f"  {self.remedy}"] if self.remedy else [])]

    @property
    def comment(self) -> str:
        """As a comment, where the thing would stand: with the template's own text."""
        return "\n".join(
            ["TODO " + self.lines()[0], *self.lines()[1:], *(f"    {line}" for line in self.source.splitlines())]
        )


class Ledger:
    """The findings of one import."""

    def __init__(self) -> None:
        self._nodes: dict[int, tuple[Attribute | Block, set[Kind]]] = {}
        self._findings: dict[tuple[str, int, str], Finding] = {}

    def translated(self, node: Attribute | Block, where: str) -> None:
        """`node` went to `where`. What is below a block is accounted for by itself."""
        self._record(node, Finding(Kind.translated, node.at, where))

    def settled(self, node: Attribute | Block, why: str, *, what: str = "") -> None:
        """`node`, with all below it, needs nothing."""
        self._record(node, Finding(Kind.settled, node.at, what or shown(node), why))

    def todo(
        self, node: Attribute | Block, remedy: str, *, at: At | None = None, what: str = "", source: str | None = None
    ) -> Finding:
        """`node` (with all below it; of an attribute maybe a part only, at `at`) is left to people."""
        text = whole(node) if source is None and not what else source or ""
        finding = Finding(Kind.todo, at or node.at, what or shown(node), remedy, text)
        self._record(node, finding)
        return finding

    def remark(self, at: At, what: str, remedy: str) -> Finding:
        """Something to look at, which no single node is."""
        finding = Finding(Kind.todo, at, what, remedy)
        self._findings.setdefault((str(at), at.end, what), finding)
        return finding

    def _record(self, node: Attribute | Block, finding: Finding) -> None:
        self._nodes.setdefault(id(node), (node, set()))[1].add(finding.kind)
        self._findings.setdefault((str(finding.at), finding.at.end, f"{finding.kind} {finding.what}"), finding)

    def known(self, node: Attribute | Block) -> bool:
        """Whether anything was recorded of it."""
        return bool(self.kinds(node))

    def kinds(self, node: Attribute | Block) -> set[Kind]:
        """What was recorded of it."""
        return self._nodes[id(node)][1] if id(node) in self._nodes else set()

    def close(self, block: Block) -> None:
        """Report whatever below `block` nobody has looked at; what is below a reported block is part of it."""
        for attribute in block.attributes:
            if not self.known(attribute):
                self.todo(attribute, "Bakewell has no place for it: see docs/from-packer.md")
        for below in block.blocks:
            if not self.known(below):
                self.todo(below, "Bakewell has no place for it: see docs/from-packer.md")
            elif self.kinds(below) == {Kind.translated}:
                self.close(below)

    def of(self, kind: Kind) -> list[Finding]:
        """The findings of one kind, by file and line."""
        found = [finding for finding in self._findings.values() if finding.kind is kind]
        return sorted(found, key=lambda finding: (finding.at.file, finding.at.line, finding.what))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings.values())
