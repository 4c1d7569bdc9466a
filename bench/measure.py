"""Timing two things against each other on a noisy machine: in turn, pair by pair, and the median of the ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """One claim and what was measured.

    Attributes:
        name: what is compared with what.
        goal: the ratio that is promised at most; None where none is.
        ours, theirs: seconds, a value for each pair.
        command: what makes this figure again.
    """

    name: str
    goal: float | None
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    command: str

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the ratios, pair by pair."""
        return statistics.median(self.ratios)

    def row(self) -> str:
        """A line of docs/benchmarks.md's table."""
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        goal, kept = ("-", "-") if self.goal is None else (f"{self.goal:.2f}", "**no**")
        if self.goal is not None and self.ratio <= self.goal:
            kept = "yes"
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return (
            f"| {self.name} | {ours:.2f} s | {theirs:.2f} s | {self.ratio:.2f} | {spread} | {len(self.ours)} "
            f"| {goal} | {kept} | `{self.command}` |"
        )


HEADER = (
    "| what | ours | against | ratio | spread | pairs | goal | kept | command |\n|---|---|---|---|---|---|---|---|---|"
)


def seconds(act: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def pairs(
    ours: Callable[[], object], theirs: Callable[[], object], count: int, *, warm_up: bool = True
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Time both `count` times in turn, the first of a pair being the second of the next."""
    if warm_up:
        ours()
        theirs()
    a: list[float] = []
    b: list[float] = []
    for number in range(count):
        order: Sequence[tuple[Callable[[], object], list[float]]] = [(ours, a), (theirs, b)]
        for act, into in order if number % 2 == 0 else reversed(order):
            into.append(seconds(act))
    return tuple(a), tuple(b)
