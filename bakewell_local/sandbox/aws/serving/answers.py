"""AWS's error documents, in the form of each service, and what each calls a bad access key."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from starlette.responses import Response

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
SERVICES = ("ec2", "ssm", "sts", "autoscaling", "iam", "kms")  # IAM for instance profiles, KMS for keys of disks
_JSON = ("ssm", "kms")

# by what happened, the code of EC2, of SSM and KMS, and of those that speak the query protocol
_WORDS = {
    "unknown key": ("AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"),
    "no key": ("MissingAuthenticationToken", "MissingAuthenticationToken", "MissingAuthenticationToken"),
    "expired": ("RequestExpired", "ExpiredTokenException", "ExpiredToken"),
}
_MESSAGES = {
    "unknown key": "AWS was not able to validate the provided access credentials",
    "no key": "Request is missing Authentication Token",
    "expired": "The security token included in the request is expired",
}


def worded(service: str, what: str) -> Response:
    """An answer to a call whose access key is not good: "unknown key", "no key" or "expired"."""
    return error(service, _word(service, what), _MESSAGES[what])


def _word(service: str, what: str) -> str:
    ec2, json_, query = _WORDS[what]
    return ec2 if service == "ec2" else json_ if service in _JSON else query


def error(service: str, code: str, message: str, status: int | None = None) -> Response:
    """A service's error document; `status` by default as AWS has it for the code."""
    if code in ("ExpiredToken", "RequestExpired") and status is None:
        code = _word(service, "expired")
    status, request = status or STATUS.get(code, 400), str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request}
    if service in _JSON:
        body = json.dumps({"__type": code, "message": message})
        return Response(body, status, headers, "application/x-amz-json-1.1")
    words = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        xml = f"<Response><Errors><Error>{words}</Error></Errors><RequestID>{request}</RequestID></Response>"
    else:
        kind = "Receiver" if status >= 500 else "Sender"
        xml = (
            f"<ErrorResponse><Error><Type>{kind}</Type>{words}</Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}', status, headers, "text/xml")
