"""What the modules that translate blocks share: a template's scope, the role in the making, the account."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as Words
from dataclasses import dataclass

from bakewell.migration.copying import NotCopied
from bakewell.migration.language.syntax import Attribute, Block, Expression, Listing, Mapping
from bakewell.migration.language.template import Variable
from bakewell.migration.ledger import Finding, Ledger
from bakewell.migration.masking import LONGEST, lines, text, whole
from bakewell.migration.role import Role
from bakewell.migration.values import Lost, Resolved, Scope, Value, held, lost

FALLBACK = "Bakewell has no place for it: see docs/from-packer.md"


@dataclass
class Working:
    """One role, and one template's blocks on their way into it."""

    scope: Scope
    role: Role
    ledger: Ledger
    user: str = "root"

    def value(self, block: Block, name: str, where: str = "deploy.py") -> tuple[Attribute, Value] | None:
        """What an attribute stands for; None where the block does not have it. Recorded as translated to `where`, but
        for what is lost in it: `left` reports that.
        """
        attribute = block.get(name)
        if attribute is None:
            return None
        resolved = self.scope.resolve(attribute.value)
        self.claim(resolved, where)
        if not isinstance(resolved.value, Lost):
            self.ledger.translated(attribute, where)
        return attribute, resolved.value

    def claim(self, resolved: Resolved, where: str) -> None:
        """Record where the variables and locals of a value went."""
        for origin in resolved.origins:
            if isinstance(origin, Attribute):
                self.ledger.translated(origin, f"written out where it is used: {where}")
            else:
                self.variable(origin, where)

    def variable(self, variable: Variable, where: str) -> None:
        """Record where a variable went."""
        block = variable.block
        self.ledger.translated(block, where)
        if variable.given is not None and variable.secret:
            remedy = "a secret's value is not copied: export it before a build, and change it"
            self.ledger.todo(variable.given, remedy, what=f"the value of {variable.name}")
        elif variable.given is not None:
            self.ledger.translated(variable.given, where)
        for attribute in block.attributes:
            if attribute.name == "default" and variable.given is not None:
                self.ledger.settled(attribute, f"{variable.given.at} gives another value, which counts")
            elif attribute.name == "default" and variable.secret and variable.environment is None:
                remedy = "a secret's value is not copied: export it before a build, and change it"
                self.ledger.todo(attribute, remedy, what=f"the default of {variable.name}")
            elif attribute.name in ("default", "description", "sensitive", "type"):
                self.ledger.translated(attribute, where)

    def settle(self, block: Block, name: str, why: str, *, only_origins: bool = False) -> None:
        """Record an attribute, and what it was taken from, as of no use here."""
        attribute = block.get(name)
        if attribute is None:
            return
        if not only_origins:
            self.ledger.settled(attribute, why)
        for origin in self.scope.resolve(attribute.value).origins:
            if isinstance(origin, Attribute):
                self.ledger.settled(origin, f"only {name} uses it: {why}")
            elif not self.ledger.known(origin.block):
                self.ledger.settled(origin.block, f"only {name} uses it: {why}")
                if origin.given is not None:
                    self.ledger.settled(origin.given, f"only {name} uses it: {why}", what=f"the value of {origin.name}")

    def left(self, attribute: Attribute, value: Value, *, of: str = "", around: Expression | None = None) -> None:
        """Report what of an attribute's value is lost, here and in deploy.py.

        Args:
            of: which part of it: a key.
            around: what stands in the comment, where that is more than the lost part.
        """
        for part in lost(value):
            self.role.todo(self.report(attribute, part, of=of, around=around))
        for found in held(value):
            self.role.use(found)

    def report(self, attribute: Attribute, part: Lost, *, of: str = "", around: Expression | None = None) -> Finding:
        """Report one lost part, where the attribute says it."""
        found = part.expression
        inside = found.at.file == attribute.at.file and attribute.at.line <= found.at.line <= attribute.at.end
        away = "" if inside else f" (from {found.at})"
        what = f"{attribute.name}{of and ' ' + of}: {text(found)}{away}"
        shown = around or found
        long = len(shown.source.splitlines()) > 1 or len(text(shown)) >= LONGEST or shown is not found
        source = "\n".join(filter(None, (lines(shown) if long else "", self.where(shown.source + found.source))))
        return self.ledger.todo(
            attribute, part.remedy, at=found.at if inside else attribute.at, what=what, source=source
        )

    def where(self, source: str) -> str:
        """What the variables and locals in a text are, which people write anew; image.toml holds what it can."""
        found = {held.key: held for held in self.scope.mentioned(source)}
        for part in found.values():
            self.role.use(part)
        template = self.scope.template
        said = []
        for kind, name in dict.fromkeys(re.findall(r"\b(var|local)\.([\w-]+)", source)):
            value = None
            if kind == "local" and name in template.locals and not template.locals[name][1]:
                value = template.locals[name][0].value
            variable = template.variables.get(name) if kind == "var" else None
            if variable is not None and not variable.secret and isinstance(variable.default, Listing | Mapping):
                value = variable.default
            if value is not None:
                said.append(f"where {kind}.{name} = {lines(value)}")
        return "\n".join(said)

    def todo(self, node: Attribute | Block, remedy: str, *, what: str = "") -> Finding:
        """Report a node as a whole, here and in deploy.py, with the values of what it mentions."""
        sources = [each.value.source for each in (node, *_below(node)) if isinstance(each, Attribute)]
        source = "\n".join(filter(None, (whole(node), self.where("\n".join(sources)))))
        finding = self.ledger.todo(node, remedy, what=what, source=source)
        self.role.todo(finding)
        return finding

    def not_copied(self, attribute: Attribute, name: str, error: NotCopied) -> Finding:
        """Report a file that could not be taken, here and in deploy.py."""
        what = f"{attribute.name}: {name[:200]} is not copied: {error.why}"
        finding = self.ledger.todo(attribute, error.remedy, what=what)
        self.role.todo(finding)
        return finding

    def rest(self, block: Block, done: Collection[str], settled: Words[str, str], todo: Words[str, str]) -> None:
        """Record the attributes and blocks that a translation did not look at, at their place in deploy.py."""
        for attribute in block.attributes:
            if attribute.name in done:
                continue
            if attribute.name in settled or attribute.name.startswith("_"):
                self.settle(block, attribute.name, settled.get(attribute.name, "a comment"))
                continue
            for part in self.scope.resolve(attribute.value).origins:
                if isinstance(part, Variable):
                    self.variable(part, "image.toml")
                else:
                    self.ledger.translated(part, "left to do where it is used")
            self.todo(attribute, todo.get(attribute.name, FALLBACK))
        for below in block.blocks:
            if below.kind not in done:
                self.todo(below, todo.get(below.kind, FALLBACK))


def _below(node: Attribute | Block) -> tuple[Attribute | Block, ...]:
    return tuple(node.walk()) if isinstance(node, Block) else ()
