"""Faults that tests order at /sandbox/faults, and the journal of calls at /sandbox/calls.

A rule says which calls of the API it means and what becomes of them (`RuleSpec`):

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
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from sandbox.machines import MachineError

Effect = Literal[
    "status",  # answer `status` (with Retry-After: `retry_after`); the call has no effect
    "hold_before",  # keep the call until released, then let it take effect
    "hold_after",  # let the call take effect, then keep its answer until released
    "drop_before",  # close the connection; the call has no effect
    "drop_after",  # let the call take effect, then close the connection
    "action_errored",  # the action that the call starts ends "errored"
    "engine_down",  # from this call on, until the rule goes: no machine or image can be touched
    "disk_full",  # from this call on, until the rule goes: no machine or image can be made
]
Outcome = Literal["proceed", "drop"]

# Set while a call is handled whose action shall fail; read where the action is recorded.
DOOM: ContextVar[str | None] = ContextVar("doom", default=None)


class RuleSpec(BaseModel):
    """What a test asks for.

    Attributes:
        method: "GET", …; None means any.
        path: regular expression for the whole path, "/v2" included; None means any. An engine_down or disk_full rule
            with neither method nor path is in force at once.
        nth: which matching call it starts at, from 1; None means every one.
        times: how many calls from the nth on.
    """

    model_config = ConfigDict(extra="forbid")

    effect: Effect
    method: str | None = None
    path: str | None = None
    nth: int | None = Field(default=None, ge=1)
    times: int = Field(default=1, ge=1)
    status: int = Field(default=500, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)

    @field_validator("path")
    @classmethod
    def _is_regex(cls, path: str | None) -> str | None:
        if path is not None:
            try:
                re.compile(path)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return path


@dataclass(eq=False)
class Rule:
    """A rule at work: how often it matched and fired, and how many calls it holds now."""

    id: int
    spec: RuleSpec
    matched: int = 0
    fired: int = 0
    held: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: Outcome = "proceed"

    def meets(self, method: str, path: str) -> bool:
        """Counts the call if it is meant; True when the rule fires for it."""
        if self.spec.method is not None and self.spec.method.upper() != method:
            return False
        if self.spec.path is not None and not re.fullmatch(self.spec.path, path):
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


class Faults:
    """All rules, in the order they were made: the first that fires for a call has its way with it."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._next = 1

    def add(self, spec: RuleSpec) -> Rule:
        rule = Rule(self._next, spec)
        self._next += 1
        if spec.effect in ("engine_down", "disk_full") and spec.method is None and spec.path is None:
            rule.fired = 1
        self._rules[rule.id] = rule
        return rule

    def get(self, id: int) -> Rule | None:
        return self._rules.get(id)

    def all(self) -> list[Rule]:
        return list(self._rules.values())

    def remove(self, rule: Rule) -> None:
        """Takes the rule away; calls that it holds proceed."""
        if not rule.released.is_set():
            rule.release("proceed")
        self._rules.pop(rule.id, None)

    def clear(self) -> None:
        for rule in self.all():
            self.remove(rule)

    def match(self, method: str, path: str) -> Rule | None:
        """The rule for this call. Every rule counts the call, also when an earlier one fires."""
        fires = [rule for rule in self.all() if rule.meets(method, path)]
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


@dataclass
class Call:
    """One call of the API, as the journal tells it. `status` is None while it is under way and when it was dropped."""

    n: int
    method: str
    path: str
    query: str
    body: Any
    at: str
    status: int | None = None
    seconds: float | None = None
    fault: str | None = None


class Journal:
    """The last calls of the API, oldest first; headers, and so the token, are not kept."""

    LIMIT = 20_000

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._next = 1

    def begin(self, method: str, path: str, query: str, body: Any) -> Call:
        call = Call(self._next, method, path, query, body, datetime.now(UTC).isoformat())
        self._next += 1
        self._calls.append(call)
        del self._calls[: -self.LIMIT]
        return call

    def calls(self) -> list[Call]:
        return list(self._calls)

    def clear(self) -> None:
        self._calls.clear()


class RateLimit:
    """The rate-limit headers: 5,000 calls an hour, counted but never enforced (a fault rule answers 429)."""

    LIMIT = 5000
    WINDOW = 3600

    def __init__(self) -> None:
        self._reset = 0.0
        self._used = 0

    def count(self) -> list[tuple[bytes, bytes]]:
        """Counts a call; its headers. `ratelimit-reset` is a Unix time."""
        now = time.time()
        if now >= self._reset:
            self._reset, self._used = now + self.WINDOW, 0
        self._used += 1
        return self.headers(max(self.LIMIT - self._used, 1))

    def headers(self, remaining: int) -> list[tuple[bytes, bytes]]:
        return [
            (b"ratelimit-limit", str(self.LIMIT).encode()),
            (b"ratelimit-remaining", str(remaining).encode()),
            (b"ratelimit-reset", str(int(self._reset)).encode()),
        ]
