"""Faults that tests order at /sandbox/faults, and the journal of calls at /sandbox/calls.

A rule says which calls of the API it means and what becomes of them (DigitalOcean's `RuleSpec`, AWS's likewise):

    POST   /sandbox/faults {"effect": "hold_after", "method": "POST", "path": "/v2/droplets", "nth": 1}
    GET    /sandbox/faults/1/held?timeout=30        answers as soon as a call is held
    POST   /sandbox/faults/1/release?outcome=drop   or "proceed"; without a body
    GET    /sandbox/faults, /sandbox/faults/1       how often each matched and fired, how many calls it holds
    DELETE /sandbox/faults, /sandbox/faults/1       held calls proceed
    GET    /sandbox/calls                           every call of the API; DELETE forgets them

Rules are changed on the event loop only; worker threads merely read them (`check_engine`).
"""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sandbox.machines import MachineError

Effect = Literal[  # those that every API knows
    "hold_before",  # keep the call until released, then let it take effect
    "hold_after",  # let the call take effect, then keep its answer until released
    "drop_before",  # close the connection; the call has no effect
    "drop_after",  # let the call take effect, then close the connection
    "action_errored",  # what the call starts fails
    "engine_down",  # from this call on, until the rule goes: no machine or image can be touched
    "disk_full",  # from this call on, until the rule goes: no machine or image can be made
]
Outcome = Literal["proceed", "drop"]

# Set while a call is handled whose action shall fail; read where the action is recorded.
DOOM: ContextVar[str | None] = ContextVar("doom", default=None)


@dataclass
class Call:
    """One call of the API, as the journal tells it. `status` is None while it is under way and when it was dropped."""

    method: str
    path: str
    query: str
    body: Any
    n: int = 0
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    status: int | None = None
    seconds: float | None = None
    fault: str | None = None


class Spec(BaseModel):
    """What a test asks for, whatever the API; how a rule says which calls it means is the API's (`means`, `blanket`).

    Attributes:
        effect: what becomes of a call; each API's own spec says which of `Effect` it knows.
        nth: which matching call it starts at, from 1; None means every one.
        times: how many calls from the nth on.
    """

    model_config = ConfigDict(extra="forbid")

    effect: str
    nth: int | None = Field(default=None, ge=1)
    times: int = Field(default=1, ge=1)

    def means(self, call: Call) -> bool:
        """Whether the rule is about this call."""
        raise NotImplementedError

    @property
    def blanket(self) -> bool:
        """Whether it names no call: an engine_down or disk_full rule is then in force at once."""
        raise NotImplementedError


def is_pattern(text: str | None) -> str | None:
    """Gives back a regular expression.

    Raises:
        ValueError: it is none.
    """
    if text is not None:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
    return text


S = TypeVar("S", bound=Spec)


@dataclass(eq=False)
class Rule(Generic[S]):
    """A rule at work: how often it matched and fired, and how many calls it holds now."""

    id: int
    spec: S
    matched: int = 0
    fired: int = 0
    held: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome = "proceed"

    def meets(self, call: Call) -> bool:
        """Counts the call if it is meant; True when the rule fires for it."""
        if not self.spec.means(call):
            return False
        self.matched += 1
        first = self.spec.nth
        fires = first is None or first <= self.matched < first + self.spec.times
        self.fired += fires
        return fires

    async def hold(self) -> Outcome:
        """Keeps the caller until the rule is released or removed."""
        self.held += 1
        self.arrived.set()
        try:
            await self.released.wait()
        finally:
            self.held -= 1
        return self.outcome

    def release(self, outcome: Outcome) -> None:
        """Lets go of the calls held and of all that come."""
        self.outcome = outcome
        self.released.set()

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **self.spec.model_dump(),
            "matched": self.matched,
            "fired": self.fired,
            "held": self.held,
            "released": self.released.is_set(),
        }


class Faults(Generic[S]):
    """All rules, in the order they were made: the first that fires for a call has its way with it."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule[S]] = {}
        self._next = 1

    def add(self, spec: S) -> Rule[S]:
        rule = Rule(self._next, spec)
        self._next += 1
        if spec.effect in ("engine_down", "disk_full") and spec.blanket:
            rule.fired = 1
        self._rules[rule.id] = rule
        return rule

    def get(self, id: int) -> Rule[S] | None:
        return self._rules.get(id)

    def all(self) -> list[Rule[S]]:
        return list(self._rules.values())

    def remove(self, rule: Rule[S]) -> None:
        """Takes the rule away; calls that it holds proceed."""
        if not rule.released.is_set():
            rule.release("proceed")
        self._rules.pop(rule.id, None)

    def clear(self) -> None:
        for rule in self.all():
            self.remove(rule)

    def match(self, call: Call) -> Rule[S] | None:
        """The rule for this call. Every rule counts the call, also when an earlier one fires."""
        fires = [rule for rule in self.all() if rule.meets(call)]
        return fires[0] if fires else None

    def check_engine(self, *, writes: bool = False) -> None:
        """Raises MachineError while a rule says that the machine engine is out of order."""
        for rule in self.all():
            if not rule.fired:
                continue
            if rule.spec.effect == "engine_down":
                raise MachineError("the machine engine is down (fault rule)")
            if rule.spec.effect == "disk_full" and writes:
                raise MachineError("no space left on device (fault rule)")


class Journal:
    """The last calls of the API, oldest first; headers, and so the token, are not kept."""

    LIMIT = 20_000

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._next = 1

    def begin(self, call: Call) -> None:
        """Enters a call that has just come."""
        call.n = self._next
        self._next += 1
        self._calls.append(call)
        del self._calls[: -self.LIMIT]

    def calls(self) -> list[Call]:
        return list(self._calls)

    def clear(self) -> None:
        self._calls.clear()
