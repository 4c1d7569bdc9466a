"""Faults that tests order at /sandbox/faults, and the journal of calls at /sandbox/calls.

A rule says which calls of an API it means and what becomes of them (`Spec`):

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
import itertools
import re
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bakewell_local.sandbox.machines import MachineError

Effect = Literal[
    "status",  # answer `status`; the call has no effect
    "error",  # answer AWS's error `code`; the call has no effect
    "hold_before",  # keep the call until released, then let it take effect
    "hold_after",  # let the call take effect, then keep its answer until released
    "drop_before",  # close the connection; the call has no effect
    "drop_after",  # let the call take effect, then close the connection
    "action_errored",  # what the call starts fails
    "engine_down",  # from this call on, until the rule goes: no machine or image can be touched
    "disk_full",  # from this call on, until the rule goes: no machine or image can be made
]
Outcome = Literal["proceed", "drop"]
LONGEST_JOURNAL = 20_000  # calls

# Set while a call is handled whose action shall fail; read where the action is recorded.
DOOM: ContextVar[str | None] = ContextVar("doom", default=None)


@dataclass
class Call:
    """One call of an API, as the journal shows it. `status` is None while it is under way and when it was dropped.

    The last four are of AWS's calls only: the action ("ec2:CopyImage"), the region it went to, the access key that it
    was signed with, and what the caller says it is.
    """

    method: str
    path: str
    query: str
    body: Any
    n: int = field(default_factory=itertools.count(1).__next__)
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    status: int | None = None
    seconds: float | None = None
    fault: str | None = None
    action: str = ""
    region: str = ""
    access_key: str = ""
    agent: str = ""


class Spec(BaseModel):
    """What a test asks for. A selector that is None means any call.

    Attributes:
        effect: what becomes of a call.
        nth: which matching call it starts at, from 1; None means every one.
        times: how many calls from the nth on.
        method: "GET", …
        path: regular expression for the whole path, DigitalOcean's "/v2" included.
        query: the same for what is behind the question mark, as it was sent.
        action: the same for AWS's action, "ec2:CopyImage".
        region: of AWS.
        status: by default 500, and for an error of AWS's what AWS answers with it.
        body: DigitalOcean's answer as it is; None for the usual one of the status.
        retry_after: the header of that name.
        code: AWS's; "ExpiredToken" becomes what the service calls an expired token.
        message: AWS's.
    """

    model_config = ConfigDict(extra="forbid")

    effect: Effect
    nth: int | None = Field(default=None, ge=1)
    times: int = Field(default=1, ge=1)
    method: str | None = None
    path: re.Pattern[str] | None = None
    query: re.Pattern[str] | None = None
    action: re.Pattern[str] | None = None
    region: str | None = None
    status: int | None = Field(default=None, ge=200, le=599)
    body: str | None = None
    retry_after: int | None = Field(default=None, ge=0)
    code: str = "InternalError"
    message: str = "A fault rule answers this."

    def means(self, call: Call) -> bool:
        """Whether the rule is about this call."""
        if self.method not in (None, call.method) or self.region not in (None, call.region):
            return False
        patterns = ((self.path, call.path), (self.query, call.query), (self.action, call.action))
        return all(pattern is None or pattern.fullmatch(text) is not None for pattern, text in patterns)

    @property
    def blanket(self) -> bool:
        """Whether it names no call: an engine_down or disk_full rule is then in force at once."""
        return not (self.method or self.path or self.action or self.region)


@dataclass(eq=False)
class Rule:
    """A rule at work: how often it matched and fired, and how many calls it holds now."""

    id: int
    spec: Spec
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
            **self.spec.model_dump(mode="json"),
            "matched": self.matched,
            "fired": self.fired,
            "held": self.held,
            "released": self.released.is_set(),
        }


class Faults:
    """All rules, in the order they were made: the first that fires for a call has its way with it."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._numbers = itertools.count(1)

    def add(self, spec: Spec) -> Rule:
        rule = Rule(next(self._numbers), spec)
        if spec.effect in ("engine_down", "disk_full") and spec.blanket:
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

    def match(self, call: Call) -> Rule | None:
        """The rule for this call. Every rule counts the call, also when an earlier one fires."""
        return next(iter([rule for rule in self.all() if rule.meets(call)]), None)

    def check_engine(self, *, writes: bool = False) -> None:
        """Raises MachineError while a rule says that the machine engine is out of order."""
        for rule in self.all():
            if not rule.fired:
                continue
            if rule.spec.effect == "engine_down":
                raise MachineError("the machine engine is down (fault rule)")
            if rule.spec.effect == "disk_full" and writes:
                raise MachineError("no space left on device (fault rule)")


def journal() -> deque[Call]:
    """For the last calls of an API, oldest first; headers, and so the token, are not kept."""
    return deque(maxlen=LONGEST_JOURNAL)
