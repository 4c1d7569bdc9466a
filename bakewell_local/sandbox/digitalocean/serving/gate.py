"""DigitalOcean's part of the gate: the account's token, its rate limit, its bodies for what goes wrong."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections import deque
from typing import Any

from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Scope

from bakewell_local.sandbox.digitalocean.errors import ApiError
from bakewell_local.sandbox.serving.connections import capture
from bakewell_local.sandbox.serving.faults import Call, Faults, Spec
from bakewell_local.sandbox.serving.gate import Gate

log = logging.getLogger(__name__)
_LIMIT, _WINDOW = 5000, 3600  # calls in so many seconds: counted but never enforced (a fault rule answers 429)


class ApiGate(Gate):
    """The gate before `app`. `tokens` are those that open the account; tests add to them (a rotated token)."""

    def __init__(self, app: ASGIApp, control: ASGIApp, tokens: set[str], faults: Faults, journal: deque[Call]) -> None:
        super().__init__(control, tokens, faults, journal)
        self._app = app
        self._reset = 0.0
        self._used = 0

    def call(self, scope: Scope, body: bytes) -> Call:
        scope["request_id"] = str(uuid.uuid4())
        return Call(scope["method"], scope["path"], scope["query_string"].decode(), _parse(body))

    def refusal(self, scope: Scope, call: Call) -> Response | None:
        return None if self.opened(scope) else error_response(scope, ApiError(401))

    def ordered(self, scope: Scope, call: Call, spec: Spec) -> Response:
        status = spec.status or 500
        response = error_response(scope, ApiError(status)) if spec.body is None else Response(spec.body, status)
        if spec.retry_after is not None:
            response.headers["retry-after"] = str(spec.retry_after)
        return response

    async def answer(self, scope: Scope, body: bytes, call: Call) -> list[Message]:
        try:
            return await capture(self._app, scope, body)
        except Exception:  # a mistake in an endpoint: the client gets a body of the usual shape
            log.exception("%s %s", call.method, call.path)
            return await capture(error_response(scope, ApiError(500)), scope, body)

    def headers(self, scope: Scope, call: Call) -> list[tuple[bytes, bytes]]:
        """The request's ID and the rate limit; `ratelimit-reset` is a Unix time."""
        if (now := time.time()) >= self._reset:
            self._reset, self._used = now + _WINDOW, 0
        self._used += 1
        return [
            (b"ratelimit-limit", str(_LIMIT).encode()),
            (b"ratelimit-remaining", b"0" if call.status == 429 else str(max(_LIMIT - self._used, 1)).encode()),
            (b"ratelimit-reset", str(int(self._reset)).encode()),
            (b"x-request-id", scope["request_id"].encode()),
        ]


def error_response(scope: Scope, error: ApiError) -> JSONResponse:
    """DigitalOcean's error body."""
    body = {"id": error.id, "message": error.message, "request_id": scope["request_id"]}
    return JSONResponse(body, status_code=error.status)


def _parse(body: bytes) -> Any:
    """The body for the journal: JSON where it is JSON."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")
