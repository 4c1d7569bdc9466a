"""A shell provisioner's `inline`: one `script.inline`, or a file and `script.run` where it names its own shell.

A variable's value stands in a command as text, as Packer puts it there. A secret does not: the command reads it from
the environment, by `${NAME}`, as the shell's quoting at that place wants it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bakewell.migration.blocks.shell_text import Quoting, placed
from bakewell.migration.copying import Copied
from bakewell.migration.language.syntax import At, Attribute, Block, Expression, Listing
from bakewell.migration.masking import leak, printable
from bakewell.migration.role import Python, Raw, Role, call, commented
from bakewell.migration.values import Const, Held, Items, Joined, Lost, Value, lost, plain, word
from bakewell.migration.working import Working

STEP = "script"
USUAL = re.compile(r"(?:#!)?\s*/bin/(?:sh|bash)\s+-e\Z")
"""Shells that `script.inline` is as good as."""


def environment(options: Mapping[str, Python]) -> dict[str, Python]:
    """The options of a call for these variables; a secret that keeps its name is named alone."""
    env = {key: value for key, value in options.items() if value != secret(key)}
    return {"env": env, "secrets": [key for key in options if key not in env]}


def secret(name: str) -> Raw:
    """A secret's value in deploy.py."""
    return Raw(f'secrets["{name}"]')


def inline(working: Working, block: Block, options: Mapping[str, Python]) -> None:
    """Translate `inline` of a block whose variables are `options`."""
    attribute, found = block.get("inline"), working.value(block, "inline")
    if attribute is None or found is None:
        return
    value = found[1]
    if isinstance(value, Lost):
        working.left(attribute, value)
        working.role.lines += commented("\n".join(call("script.inline", [], **environment(options))))
        return
    items = value.items if isinstance(value, Items) else (value,)
    expressions = attribute.value.items if isinstance(attribute.value, Listing) else ()
    commands = _Commands(working, attribute, dict(options))
    for index, item in enumerate(items):
        commands.add(item, expressions[index] if index < len(expressions) else attribute.value)
    shell = _shell(working, block)
    working.role.steps.add(STEP)
    if not commands.lines:
        working.role.lines += commented("\n".join(call("script.inline", [], **environment(options))))
    elif shell is None:
        working.role.call("script.inline", commands.python(working.role), **environment(commands.options))
    elif commands.fixed:
        text = "\n".join(word(plain(line)) for line in commands.lines)
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", attribute.at.file.rpartition("/")[2].partition(".")[0]).strip("-")
        content = f"#!{shell}\n# {attribute.at}: inline\n{text}\n"
        copier = working.role.copier
        path = copier.place(copier.folder / f"line {block.at.line}", f"files/{stem or 'inline'}-{block.at.line}.sh")
        working.role.add(Copied(path, content.encode(), True))
        working.role.call("script.run", path, **environment(commands.options))
    else:
        remedy = "values stand in its commands, so they run by /bin/sh -e: make a script of them where that matters"
        working.role.todo(working.ledger.todo(_attribute(block), remedy))
        working.role.call("script.inline", commands.python(working.role), **environment(commands.options))


def _attribute(block: Block) -> Attribute:
    return next(attribute for attribute in block.attributes if attribute.name == "inline_shebang")


def _shell(working: Working, block: Block) -> str | None:
    """The shell that the block names; None for the usual one."""
    found = working.value(block, "inline_shebang")
    if found is None:
        return None
    if not isinstance(found[1], Const):
        working.left(*found)
        return None
    shell = printable(word(found[1].value)).removeprefix("#!")
    return None if USUAL.match(shell) else shell


class _Commands:
    """The lines of a script, each a value that may hold variables."""

    def __init__(self, working: Working, attribute: Attribute, options: dict[str, Python]) -> None:
        self.working, self.attribute, self.options = working, attribute, options
        self.lines: list[Joined] = []
        self.quoting = Quoting()

    @property
    def fixed(self) -> bool:
        """Whether no variable's value stands in a line."""
        return not any(isinstance(part, Held) for line in self.lines for part in line.parts)

    def python(self, role: Role) -> list[Python]:
        """The lines as an argument."""
        return [role.text(line) for line in self.lines]

    def add(self, value: Value, expression: Expression) -> None:
        """One command, of one line or more."""
        if parts := lost(value):
            for part in parts:
                finding = self.working.report(self.attribute, part, around=expression)
                self.working.role.todo(finding)
            return
        line: list[Value] = []
        for piece in value.parts if isinstance(value, Joined) else (value,):
            if isinstance(piece, Held) and piece.store != "secrets":
                self.working.role.use(piece)
                self.quoting.read(word(piece.default or ""))
                line.append(piece)
                continue
            text = self._secret(piece, expression.at) if isinstance(piece, Held) else ""
            if isinstance(piece, Const):
                text = "" if piece.value is None else word(piece.value)
                self.quoting.read(text)
            first, *rest = text.split("\n")
            line.append(Const(first))
            for following in rest:
                self._end(line, expression.at)
                line = [Const(following)]
        self.quoting.read("\n")
        if (
            any(part != Const("") for part in line)
            or not isinstance(value, Joined | Const)
            or "\n" not in word(plain(value))
        ):
            self._end(line, expression.at)

    def _end(self, line: list[Value], at: At) -> None:
        text = "".join(part.key if isinstance(part, Held) else word(plain(part)) for part in line)
        if why := leak(text):
            remedy = "declare the secret under [secrets], change it, and write the command anew with `${NAME}` for it"
            finding = self.working.ledger.todo(
                self.attribute, remedy, at=at, what=f"inline: a command is left out: {why}"
            )
            self.working.role.todo(finding)
            line = [Const(f': "${{LEFT_OUT:?{printable(str(at))} had a secret in it}}"')]
        self.lines.append(Joined(tuple(line)))

    def _secret(self, held: Held, at: At) -> str:
        self.working.role.use(held)
        self.options[held.key] = secret(held.key)
        text = placed(held.key, self.quoting.state)
        self.quoting.value()
        if text is None:
            remedy = f"the shell puts no variable in at that place: write the command so that it reads {held.key}"
            what = f"inline: the secret {held.key} in text that the shell takes as it is"
            self.working.role.todo(self.working.ledger.todo(self.attribute, remedy, at=at, what=what))
        return text or f"${{{held.key}}}"
