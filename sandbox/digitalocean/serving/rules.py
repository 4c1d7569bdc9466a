"""Which calls of DigitalOcean's API a fault rule means, and the headers about its rate limit."""

from __future__ import annotations

import re
import time
from typing import Literal

from pydantic import Field, field_validator

from sandbox.serving.faults import Call, Effect, Spec, is_pattern


class RuleSpec(Spec):
    """What a test asks for.

    Attributes:
        effect: also "status": answer `status` (with Retry-After: `retry_after`); the call has no effect. The answer is
            `body` as it is, where there is any.
        method: "GET", …; None means any.
        path: regular expression for the whole path, "/v2" included; None means any. An engine_down or disk_full rule
            with neither method nor path is in force at once.
        query: the same for what is behind the question mark, as it was sent.
    """

    effect: Effect | Literal["status"]
    method: str | None = None
    path: str | None = None
    query: str | None = None
    status: int = Field(default=500, ge=200, le=599)
    body: str | None = None
    retry_after: int | None = Field(default=None, ge=0)

    _patterns = field_validator("path", "query")(is_pattern)

    def means(self, call: Call) -> bool:
        if self.method is not None and self.method.upper() != call.method:
            return False
        asked = ((self.path, call.path), (self.query, call.query))
        return all(pattern is None or re.fullmatch(pattern, text) is not None for pattern, text in asked)

    @property
    def blanket(self) -> bool:
        return self.method is None and self.path is None


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
