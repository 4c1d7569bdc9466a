"""An API that answers what a test told it to, and one over machines in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bakewell.clouds.digitalocean import DigitalOcean
from tests.contract.served import TOKEN, Served
from tests.unit.loopback import Answer, Request, answering


@dataclass
class Script:
    """Answers in order, the last one for ever; remembers what was asked."""

    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    endpoint: str = ""
    slept: list[float] = field(default_factory=list)

    def answer(self, status: int, body: Any = None, **headers: str) -> Script:
        self.answers.append((status, {k.replace("_", "-"): v for k, v in headers.items()}, body))
        return self

    def cloud(self) -> DigitalOcean:
        return DigitalOcean(self.endpoint, "the-secret-token", sleep=self.slept.append)


@pytest.fixture
def script() -> Iterator[Script]:
    told = Script()

    def answer(request: Request) -> Answer:
        body = json.loads(request.body) if request.body else None
        told.asked.append((request.method, request.path, body))
        told.tokens.append(request.headers.get("Authorization"))
        status, headers, payload = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
        text = payload if isinstance(payload, str) else "" if payload is None else json.dumps(payload)
        return status, headers, text.encode()

    with answering(answer) as told.endpoint:
        yield told


@pytest.fixture
def cloud(served: Served) -> DigitalOcean:
    return DigitalOcean(served.api.endpoint, TOKEN)
