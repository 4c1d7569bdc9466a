"""What every request passes on its way to an endpoint: the token, the journal, the fault rules, the common headers."""

from __future__ import annotations

import hmac
import json
import logging
import time
import uuid
from typing import Any

from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.digitalocean.errors import ApiError, unauthorized
from sandbox.digitalocean.serving.rules import RateLimit, RuleSpec
from sandbox.serving.connections import DroppableProtocol, capture, read
from sandbox.serving.faults import DOOM, Call, Faults, Journal, Rule

log = logging.getLogger(__name__)
_WORDS = {
    401: ("Unauthorized", "Unable to authenticate you"),
    403: ("forbidden", "You do not have access for the attempted action."),
    404: ("not_found", "The resource you were accessing could not be found."),
    422: ("unprocessable_entity", "The request could not be processed."),
    429: ("too_many_requests", "API Rate limit exceeded."),
    503: ("service_unavailable", "Service unavailable"),
}


class Gate:
    """ASGI middleware. Calls under /v2 are journalled and may meet a fault; /sandbox is for tests, and never does.

    `tokens` are those that open the account; tests add to them (a rotated token).
    """

    def __init__(self, app: ASGIApp, tokens: set[str], faults: Faults[RuleSpec], journal: Journal) -> None:
        self._app = app
        self._tokens = tokens
        self._faults = faults
        self._journal = journal
        self._limit = RateLimit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        scope["request_id"] = str(uuid.uuid4())
        if path == "/sandbox/health" or (not path.startswith("/v2") and self._authorised(scope)):
            await self._app(scope, receive, send)
            return
        body = await read(receive)
        call = Call(scope["method"], path, scope["query_string"].decode(), _parse(body))
        self._journal.begin(call)
        began = time.monotonic()
        try:
            await self._serve(scope, body, send, call)
        finally:
            call.seconds = round(time.monotonic() - began, 4)

    async def _serve(self, scope: Scope, body: bytes, send: Send, call: Call) -> None:
        headers = [*self._limit.count(), (b"x-request-id", scope["request_id"].encode())]
        if not self._authorised(scope):
            await self._send(await capture(error_response(scope, unauthorized()), scope, body), headers, send, call)
            return
        rule = self._faults.match(call)
        effect = rule.spec.effect if rule is not None else None
        call.fault = effect
        if rule is not None:
            if effect == "status":
                headers = self._status_headers(rule, headers)
                status, told = rule.spec.status, rule.spec.body
                response = error_response(scope, _worded(status)) if told is None else Response(told, status)
                await self._send(await capture(response, scope, body), headers, send, call)
                return
            if effect == "drop_before" or (effect == "hold_before" and await rule.hold() == "drop"):
                await DroppableProtocol.drop(scope["client"])
                return
        doom = DOOM.set("errored") if effect == "action_errored" else None
        try:
            messages = await capture(self._app, scope, body)
        except Exception:  # a mistake in an endpoint: the client gets a body of the usual shape
            log.exception("%s %s", scope["method"], scope["path"])
            messages = await capture(error_response(scope, _worded(500)), scope, body)
        finally:
            if doom is not None:
                DOOM.reset(doom)
        if rule is not None and (effect == "drop_after" or (effect == "hold_after" and await rule.hold() == "drop")):
            await DroppableProtocol.drop(scope["client"])
            return
        await self._send(messages, headers, send, call)

    async def _send(self, messages: list[Message], headers: list[tuple[bytes, bytes]], send: Send, call: Call) -> None:
        call.status = messages[0]["status"]
        messages[0]["headers"] = [*messages[0].get("headers", []), *headers]
        for message in messages:
            await send(message)

    def _authorised(self, scope: Scope) -> bool:
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        return any(hmac.compare_digest(given, f"Bearer {token}".encode()) for token in self._tokens)

    def _status_headers(self, rule: Rule[RuleSpec], headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if rule.spec.status == 429:
            headers = [*self._limit.headers(0), *headers[-1:]]
        if rule.spec.retry_after is not None:
            headers = [*headers, (b"retry-after", str(rule.spec.retry_after).encode())]
        return headers


def error_response(scope: Scope, error: ApiError) -> JSONResponse:
    """DigitalOcean's error body."""
    body = {"id": error.id, "message": error.message, "request_id": scope.get("request_id", "")}
    return JSONResponse(body, status_code=error.status)


def _worded(status: int) -> ApiError:
    return ApiError(status, *_WORDS.get(status, ("server_error", "Unexpected server-side error")))


def _parse(body: bytes) -> Any:
    """The body for the journal: JSON where it is JSON."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
