"""What every request passes on its way to an API: the token, the journal, the fault rules. The same for every API."""

from __future__ import annotations

import hmac
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakewell_local.sandbox.serving.connections import DroppableProtocol, capture
from bakewell_local.sandbox.serving.faults import DOOM, Call, Faults, Spec


class Gate(ABC):
    """ASGI middleware. Calls of the API are journalled and may meet a fault; /sandbox is for tests, and never does.

    Args:
        control: what is under /sandbox (`bakewell_local.sandbox.serving.control`).
        tokens: those that open /sandbox; the health check needs none.
    """

    def __init__(self, control: ASGIApp, tokens: Collection[str], faults: Faults, journal: deque[Call]) -> None:
        self._control = control
        self._tokens = tokens
        self._faults = faults
        self._journal = journal

    @abstractmethod
    def call(self, scope: Scope, body: bytes) -> Call:
        """The call that a request is."""

    @abstractmethod
    def refusal(self, scope: Scope, call: Call) -> Response | None:
        """The answer to a call that opens no account."""

    @abstractmethod
    def ordered(self, scope: Scope, call: Call, spec: Spec) -> Response:
        """The answer that a fault rule orders."""

    @abstractmethod
    async def answer(self, scope: Scope, body: bytes, call: Call) -> list[Message]:
        """The API's own answer."""

    def headers(self, scope: Scope, call: Call) -> list[tuple[bytes, bytes]]:
        """What every answer has besides its own headers."""
        return []

    def opened(self, scope: Scope) -> bool:
        """Whether a request has one of the tokens."""
        given = Headers(scope=scope).get("authorization", "").encode()
        return any(hmac.compare_digest(given, f"Bearer {token}".encode()) for token in self._tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._control(scope, receive, send)
            return
        if scope["path"].startswith("/sandbox"):
            refused = JSONResponse({"id": "Unauthorized", "message": "Unable to authenticate you"}, 401)
            allowed = scope["path"] == "/sandbox/health" or self.opened(scope)
            await (self._control if allowed else refused)(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        call = self.call(scope, body)
        self._journal.append(call)
        began = time.monotonic()
        try:
            messages = await self._met(scope, body, call)
            if messages is None:
                await DroppableProtocol.drop(scope["client"])
                return
            call.status = messages[0]["status"]
            messages[0]["headers"] = [*messages[0].get("headers", []), *self.headers(scope, call)]
            for message in messages:
                await send(message)
        finally:
            call.seconds = round(time.monotonic() - began, 4)

    async def _met(self, scope: Scope, body: bytes, call: Call) -> list[Message] | None:
        """The answer to a call, after the fault that it meets, if any; None where the connection is to be cut."""
        if (refusal := self.refusal(scope, call)) is not None:
            return await capture(refusal, scope, body)
        if (rule := self._faults.match(call)) is None:
            return await self.answer(scope, body, call)
        effect = call.fault = rule.spec.effect
        if effect in ("status", "error"):
            return await capture(self.ordered(scope, call, rule.spec), scope, body)
        if effect == "drop_before" or (effect == "hold_before" and await rule.hold() == "drop"):
            return None
        doom = DOOM.set("errored" if effect == "action_errored" else None)
        try:
            messages = await self.answer(scope, body, call)
        finally:
            DOOM.reset(doom)
        cut = effect == "drop_after" or (effect == "hold_after" and await rule.hold() == "drop")
        return None if cut else messages
