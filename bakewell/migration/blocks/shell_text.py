"""Where a shell would put a variable's value in, and in which quotes: for a secret in the text of a command.

Packer puts it in as text before the shell sees it. Here it reaches the command in a variable of the environment.
"""

from __future__ import annotations

import re
from enum import Enum

_HEREDOC = re.compile(r"""<<(-?)[ \t]*(?:\\?(["']?)([A-Za-z_][\w.-]*)\2)""")


class State(Enum):
    """Where in the shell's grammar a place lies."""

    bare = "bare"
    single = "single"
    double = "double"
    comment = "comment"
    here = "here"
    """In a heredoc that the shell expands."""
    literal = "literal"
    """In one that it does not."""


class Quoting:
    """Follows the shell's quoting through a script, piece by piece."""

    def __init__(self) -> None:
        self.state = State.bare
        self._line = ""
        self._waiting: list[tuple[str, bool, bool]] = []
        self._until: tuple[str, bool] | None = None

    def read(self, text: str) -> None:
        """Go on over a piece of the script."""
        position = 0
        while position < len(text):
            position += self._step(text, position)

    def value(self) -> None:
        """Go on over a value, which is no syntax."""
        self._line += "x"

    def _step(self, text: str, at: int) -> int:
        char = text[at]
        if self.state in (State.here, State.literal):
            return self._in_heredoc(char)
        if char == "\n":
            self._line = ""
            if self.state is State.comment:
                self.state = State.bare
            if self._waiting and self.state is State.bare:
                self._open()
            return 1
        before, self._line = self._line[-1:], self._line + char
        if self.state is State.single:
            self.state = State.bare if char == "'" else State.single
        elif self.state is State.double:
            if char == "\\":
                return 2
            self.state = State.bare if char == '"' else State.double
        elif self.state is State.bare:
            return self._bare(text, at, before)
        return 1

    def _bare(self, text: str, at: int, before: str) -> int:
        char = text[at]
        if char == "\\":
            return 2
        if char in "'\"":
            self.state = State.single if char == "'" else State.double
        elif char == "#" and before in ("", " ", "\t", ";", "(", "|", "&"):
            self.state = State.comment
        elif char == "<" and (found := _HEREDOC.match(text, at)) and text[at : at + 3] != "<<<":
            quoted = bool(found[2]) or "\\" in found[0]
            self._waiting.append((found[3], bool(found[1]), quoted))
            self._line += found[0][1:]
            return len(found[0])
        return 1

    def _open(self) -> None:
        word, dashed, quoted = self._waiting.pop(0)
        self._until, self.state = (word, dashed), State.literal if quoted else State.here

    def _in_heredoc(self, char: str) -> int:
        if char != "\n":
            self._line += char
            return 1
        word, dashed = self._until or ("", False)
        if (self._line.lstrip("\t") if dashed else self._line) == word:
            self.state = State.bare
            if self._waiting:
                self._open()
        self._line = ""
        return 1


def placed(name: str, state: State) -> str | None:
    """The shell's text for the variable at a place; None where the shell puts no variable in."""
    if state is State.single:
        return f"'\"${{{name}}}\"'"
    if state is State.bare:
        return f'"${{{name}}}"'
    return f"${{{name}}}" if state is not State.literal else None
