"""AWS's part of the gate: which call a request is, the access key, the region, refusals that no SDK repeats.

Signatures are not checked: an access key that is right opens the account whatever the secret.
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

from bakewell_local.sandbox.aws import sts
from bakewell_local.sandbox.aws.serving.answers import SERVICES, error, worded
from bakewell_local.sandbox.aws.serving.patience import settled
from bakewell_local.sandbox.aws.stock import REGIONS
from bakewell_local.sandbox.serving.connections import capture
from bakewell_local.sandbox.serving.faults import Call, Faults, Spec
from bakewell_local.sandbox.serving.gate import Gate

log = logging.getLogger(__name__)
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/,\s]+)/\d+/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request")


@dataclass(frozen=True)
class Access:
    """The account's access key; it never ends."""

    key: str
    secret: str


class AwsGate(Gate):
    """The gate before moto (`app`). The secret opens what tests order."""

    def __init__(self, app: ASGIApp, control: ASGIApp, access: Access, faults: Faults, journal: deque[Call]) -> None:
        super().__init__(control, [access.secret], faults, journal)
        self._app = app
        self._access = access

    def call(self, scope: Scope, body: bytes) -> Call:
        """By the scope of its signature."""
        headers = Headers(scope=scope)
        found = _CREDENTIAL.search(headers.get("authorization", ""))
        key, region, service = found.group("key", "region", "service") if found else ("", "", "")
        if target := headers.get("x-amz-target"):
            action, content = target.rpartition(".")[2], json.loads(body or b"{}")
        else:
            content = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
            action = content.get("Action", "")
        return Call(
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            content,
            action=f"{service}:{action}",
            region=region,
            access_key=key,
            agent=headers.get("user-agent", ""),
        )

    def refusal(self, scope: Scope, call: Call) -> Response | None:
        service = _service(call)
        if not call.access_key:
            return worded(service or "ec2", "no key")
        if call.access_key != self._access.key:
            session = sts.session(call.access_key)
            if session is None or Headers(scope=scope).get("x-amz-security-token") != session.token:
                return worded(service, "unknown key")
            if session.expired:
                return worded(service, "expired")
        if service not in SERVICES:
            return error("sts", "UnsupportedOperation", f"The local cloud has no service {service}, only {SERVICES}")
        if call.region not in REGIONS and service != "iam":
            return worded(service, "unknown key")  # what AWS answers in a region that the account has not enabled
        return None

    def ordered(self, scope: Scope, call: Call, spec: Spec) -> Response:
        return error(_service(call), spec.code, spec.message, spec.status)

    async def answer(self, scope: Scope, body: bytes, call: Call) -> list[Message]:
        """moto's answer; where it has none, a refusal of AWS's shape: SDKs repeat a 500 for two minutes."""
        try:
            messages = await settled(lambda: capture(self._app, scope, body), call)
        except NotImplementedError as gap:
            log.warning("%s: %s", call.action, gap)
            what = f"The local cloud does not have this: {gap}"
        except Exception as gap:  # moto failed at it: whatever the client asked for is not there
            log.exception("%s", call.action)
            what = f"The local cloud can't do this: {type(gap).__name__}: {gap}"
        else:
            if messages and messages[0]["status"] < 500:
                return messages
            what = "The local cloud does not have this"
        return await capture(error(_service(call), "UnsupportedOperation", what), scope, body)


def _service(call: Call) -> str:
    return call.action.partition(":")[0]
