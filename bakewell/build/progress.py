"""How far each of several builds is: on a terminal a line an image that changes, elsewhere plain lines as it goes.

It knows no more than it is told: that an image waits, begins and ends, and what its build says in between. The logs go
on passing by above the changing lines.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from bakewell.build import slots
from bakewell.build.log import Printer, Say
from bakewell.build.result import Result
from bakewell.errors import BakewellError, Interrupted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Outcome = Result | BakewellError

_COLOURS = {"building": "cyan", "ready": "green", "adopted": "green", "failed": "bold red", "interrupted": "yellow"}


@dataclass(slots=True)
class _Row:
    """What is known of one image; times are monotonic seconds."""

    state: str = "waiting"
    detail: str = ""
    began: float | None = None
    ended: float | None = None

    def seconds(self) -> str:
        return "" if self.began is None else f"{(self.ended or time.monotonic()) - self.began:.0f}"


class Progress:
    """The states of `roles`: waiting (for its parent), looking (for an image to adopt), queued (for a slot), building,
    and in the end adopted, ready, failed or interrupted. Called from several threads, one for each image.

    `close` gives the terminal back before the process ends in the middle of it.
    """

    def __init__(self, roles: Sequence[str], printer: Printer) -> None:
        self.printer = printer
        self.close: Callable[[], None] = lambda: None
        self._rows = {role: _Row() for role in roles}

    def waits(self, role: str, parent: str) -> None:
        """`role` can't begin before `parent` is there."""
        self._rows[role].detail = f"for {parent}"
        self.printer.line(f"{role} | waiting for its parent {parent}")

    def begins(self, role: str) -> Say:
        """The build of `role` begins; what it says goes to the printer and into its line."""
        row, say = self._rows[role], self.printer.for_role(role)
        row.state, row.detail, row.began = "looking", "", time.monotonic()

        def told(text: str) -> None:
            say(text)
            for line in text.splitlines():
                _note(row, self.printer.mask(line))

        return told

    def ends(self, role: str, outcome: Outcome) -> None:
        """What became of `role`. A failure is said at once: the others may take long."""
        row = self._rows[role]
        row.ended = time.monotonic()
        if isinstance(outcome, BakewellError):
            row.state = word(outcome)
            row.detail = self.printer.mask(outcome.what.partition("\n")[0])
            self.printer.line(f"{role} | {row.state}: {row.detail}")
        else:
            row.state = "ready" if outcome.action == "built" else outcome.action
            row.detail = outcome.name

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        shown = Table.grid(padding=(0, 2, 0, 0), expand=True)
        shown.add_column(no_wrap=True, width=max(map(len, self._rows)))
        shown.add_column(no_wrap=True, width=len("interrupted"))
        shown.add_column(no_wrap=True, width=4, justify="right")
        shown.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for role, row in self._rows.items():
            state = Text(row.state, style=_COLOURS.get(row.state, "dim"))
            shown.add_row(Text(role), state, Text(row.seconds()), Text(row.detail, style="dim"))
        return shown


def word(error: BakewellError) -> str:
    """What a failed image is said to be."""
    return "interrupted" if isinstance(error, Interrupted) else "failed"


def _note(row: _Row, line: str) -> None:
    """Read off a line what the build is at. Indented ones are PyInfra's and pytest's small print."""
    if line.startswith((slots.QUEUED, slots.ELSEWHERE)):
        row.state, row.detail = "queued", line
    elif line.startswith("building "):
        row.state, row.detail = "building", ""
    elif line and not line.startswith(" "):
        row.detail = line.removeprefix("--> ").removeprefix("Starting operation: ")


class _Above:
    """Text goes above the changing lines."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        self._console.print(text.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def progress(roles: Sequence[str]) -> Iterator[Progress]:
    """The progress of `roles` on stderr, with the secrets of this process's environment masked."""
    if not sys.stderr.isatty():
        yield Progress(roles, Printer(secrets=os.environ))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    shown = Progress(roles, Printer(cast(TextIO, _Above(console)), secrets=os.environ))
    with Live(shown, console=console, refresh_per_second=4, transient=True) as live:
        shown.close = live.stop
        yield shown
