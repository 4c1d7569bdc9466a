"""Which calls of AWS's APIs a fault rule means, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from sandbox.serving.faults import Call, Effect, Spec, is_pattern

# What AWS answers with an error, where it is not 400.
STATUS = {
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
    "InternalError": 500,
    "AuthFailure": 401,
    "OptInRequired": 401,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
}


@dataclass
class AwsCall(Call):
    """A call, with its action ("ec2:CopyImage"), the region it went to, the access key that it was signed with, and
    what the caller says it is.
    """

    action: str = ""
    region: str = ""
    access_key: str = ""
    agent: str = ""


class AwsSpec(Spec):
    """What a test asks for.

    Attributes:
        effect: also "error": answer the AWS error `code` with `message`, by default with the status that AWS gives it;
            the call has no effect. "ExpiredToken" becomes what the service calls an expired token.
        action: regular expression for the whole action, "ec2:CopyImage"; None means any. An engine_down or disk_full
            rule with neither action nor region is in force at once.
        region: the one region that is meant; None means any.
    """

    effect: Effect | Literal["error"]
    action: str | None = None
    region: str | None = None
    code: str = "InternalError"
    message: str = "A fault rule answers this."
    status: int | None = Field(default=None, ge=400, le=599)

    _action_is_pattern = field_validator("action")(is_pattern)

    def means(self, call: Call) -> bool:
        if not isinstance(call, AwsCall) or self.region not in (None, call.region):
            return False
        return self.action is None or re.fullmatch(self.action, call.action) is not None

    @property
    def blanket(self) -> bool:
        return self.action is None and self.region is None
