"""What every call passes on its way to moto: the access key, the region, the journal, the fault rules.

Signatures are not checked: an access key that is right opens the account whatever the secret.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.aws import sts
from sandbox.aws.rules import AwsCall, AwsSpec
from sandbox.aws.serving.answers import SERVICES, error, worded
from sandbox.aws.serving.patience import settled
from sandbox.aws.stock import REGIONS
from sandbox.serving.connections import DroppableProtocol, capture, read
from sandbox.serving.faults import DOOM, Faults, Journal

log = logging.getLogger(__name__)
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d+/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request")


@dataclass(frozen=True)
class Access:
    """The account's access key; it never ends."""

    key: str
    secret: str


class Gate:
    """ASGI middleware around moto (`app`) and what tests order (`control`, under /sandbox, which no fault meets)."""

    def __init__(
        self, app: ASGIApp, control: ASGIApp, access: Access, faults: Faults[AwsSpec], journal: Journal
    ) -> None:
        self._app = app
        self._control = control
        self._access = access
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._control(scope, receive, send)
            return
        if scope["path"].startswith("/sandbox"):
            given = _header(scope, b"authorization").encode()
            ours = hmac.compare_digest(given, f"Bearer {self._access.secret}".encode())
            app: ASGIApp = self._control if ours or scope["path"] == "/sandbox/health" else Response(status_code=401)
            await app(scope, receive, send)
            return
        body = await read(receive)
        call, service = _identify(scope, body)
        self._journal.begin(call)
        began = time.monotonic()
        try:
            await self._serve(scope, body, send, call, service)
        finally:
            call.seconds = round(time.monotonic() - began, 4)

    async def _serve(self, scope: Scope, body: bytes, send: Send, call: AwsCall, service: str) -> None:
        if (refusal := self._refusal(scope, call, service)) is not None:
            await _answer(await capture(refusal, scope, body), send, call)
            return
        rule = self._faults.match(call)
        effect = call.fault = rule.spec.effect if rule is not None else None
        if rule is not None:
            if effect == "error":
                response = error(service, rule.spec.code, rule.spec.message, rule.spec.status)
                await _answer(await capture(response, scope, body), send, call)
                return
            if effect == "drop_before" or (effect == "hold_before" and await rule.hold() == "drop"):
                await DroppableProtocol.drop(scope["client"])
                return
        doom = DOOM.set("errored") if effect == "action_errored" else None
        try:
            messages = await self._call(scope, body, call, service)
        finally:
            if doom is not None:
                DOOM.reset(doom)
        if rule is not None and (effect == "drop_after" or (effect == "hold_after" and await rule.hold() == "drop")):
            await DroppableProtocol.drop(scope["client"])
            return
        await _answer(messages, send, call)

    async def _call(self, scope: Scope, body: bytes, call: AwsCall, service: str) -> list[Message]:
        """moto's answer; where it has none, a refusal of AWS's shape: SDKs repeat a 500 for two minutes."""
        try:
            messages = await settled(lambda: capture(self._app, scope, body), call)
        except NotImplementedError as gap:
            log.warning("%s: %s", call.action, gap)
            response = error(service, "UnsupportedOperation", f"The local cloud does not have this: {gap}")
        except Exception as gap:  # moto failed at it: whatever the client asked for is not there
            log.exception("%s", call.action)
            response = error(
                service, "UnsupportedOperation", f"The local cloud can't do this: {type(gap).__name__}: {gap}"
            )
        else:
            if messages and messages[0]["status"] < 500:
                return messages
            response = error(service, "UnsupportedOperation", "The local cloud does not have this")
        return await capture(response, scope, body)

    def _refusal(self, scope: Scope, call: AwsCall, service: str) -> Response | None:
        if not call.access_key:
            return worded(service or "ec2", "no key")
        if call.access_key != self._access.key:
            session = sts.session(call.access_key)
            if session is None or _header(scope, b"x-amz-security-token") != session.token:
                return worded(service, "unknown key")
            if session.expired:
                return worded(service, "expired")
        if service not in SERVICES:
            return error("sts", "UnsupportedOperation", f"The local cloud has no service {service}, only {SERVICES}")
        if call.region not in REGIONS and service != "iam":
            return worded(service, "unknown key")  # what AWS answers in a region that the account has not enabled
        return None


async def _answer(messages: list[Message], send: Send, call: AwsCall) -> None:
    call.status = messages[0]["status"]
    for message in messages:
        await send(message)


def _header(scope: Scope, name: bytes) -> str:
    return str(next((value.decode() for key, value in scope["headers"] if key == name), ""))


def _identify(scope: Scope, body: bytes) -> tuple[AwsCall, str]:
    """The call, and the service that it is for, by the scope of its signature."""
    found = _CREDENTIAL.search(_header(scope, b"authorization"))
    key, region, service = found.group("key", "region", "service") if found else ("", "", "")
    content: Any = None
    if target := _header(scope, b"x-amz-target"):
        action = target.rpartition(".")[2]
        content = json.loads(body or b"{}")
    else:
        content = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        action = content.get("Action", "")
    query = scope["query_string"].decode()
    call = AwsCall(
        scope["method"],
        scope["path"],
        query,
        content,
        action=f"{service}:{action}",
        region=region,
        access_key=key,
        agent=_header(scope, b"user-agent"),
    )
    return call, service
