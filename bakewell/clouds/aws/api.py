"""AWS's API as this project uses it: one client a service and region, retries, whole answers, errors in our words.

Whatever retention or a preview rests on must have been said by AWS. So an answer is parsed twice: by botocore, and by
the model of its call (`calls`, `answers`); one that is empty, of something else, or lacks a field is an error.

Credentials are boto3's own affair: the environment, AWS_PROFILE, assumed roles, SSO, an instance's role. Where requests
go, too: AWS_ENDPOINT_URL. Nothing here knows what an image of ours is.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError, iterparse

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError
from pydantic import ValidationError

from bakewell.clouds.aws.answers.base import Tagged
from bakewell.clouds.aws.calls import A, Call
from bakewell.clouds.clock import Clock
from bakewell.errors import CloudError
from bakewell.urls import loopback

T = TypeVar("T", bound=Tagged)

# Standard mode waits longer after each refusal (up to 20 s), and knows which errors mean "slower": throttling, 5xx. Ten
# tries are about two minutes.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 10},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra="bakewell",
)
_LOG_IN = 'log in again (aws sso login, or new keys); for the local cloud: eval "$(bakewell local env)"'
_WHO = (
    'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for the local cloud: eval "$(bakewell local env)"'
)
_OR_REGION = "; AWS says the same in a region that the account has not enabled: see bakewell:aws.regions"
_SLOWER = "the account calls this API too often: run it again later, or with a smaller bakewell:parallel"
_MORE = "give the role the permissions that docs/aws.md lists"
_AGAIN = "run the command again; if it stays so, see what answers in AWS's place: AWS_ENDPOINT_URL, a proxy"
_REMEDIES = {
    "ExpiredToken": _LOG_IN,
    "ExpiredTokenException": _LOG_IN,
    "RequestExpired": _LOG_IN + "; and see that this host's clock is right",
    "AuthFailure": _WHO + _OR_REGION,
    "InvalidClientTokenId": _WHO + _OR_REGION,
    "SignatureDoesNotMatch": _WHO,
    "UnrecognizedClientException": _WHO,
    "UnauthorizedOperation": _MORE,
    "AccessDenied": _MORE,
    "AccessDeniedException": _MORE,
    "OptInRequired": "enable the region for the account, or take it out of bakewell:aws.regions",
    "RequestLimitExceeded": _SLOWER,
    "Throttling": _SLOWER,
    "ThrottlingException": _SLOWER,
}


class Refusal(CloudError):
    """AWS answered a call with an error. `code` is AWS's own, such as "InvalidAMIID.NotFound", and so is `message`."""

    def __init__(self, what: str, *, call: Call[Any], code: str, message: str, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.call, self.code, self.message = call, code, message

    def denies(self, id: str) -> bool:
        """Whether it says that `id`, and nothing else, is not there."""
        return self.call.denies(id, self.code, self.message)


class Clients:
    """The way to one account: calls, and answers that are whole."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self._session: boto3.Session | None = None
        self.clock = Clock("AWS")

    def ask(self, region: str, call: Call[A], what: str, **request: Any) -> A:
        """The answer to one request; `what` it is for is said in errors.

        Raises:
            Refusal, CloudError: see `asking`.
        """
        with asking(call, region, what):
            send = getattr(self.client(call.service, region), xform_name(call.operation))
            return call.answer.model_validate(send(**request))

    def pages(self, region: str, call: Call[A], what: str, **request: Any) -> list[A]:
        """The answers to one request, page by page: all of them, or an error as `ask` has."""
        with asking(call, region, what):
            pages = self.client(call.service, region).get_paginator(xform_name(call.operation))
            return [call.answer.model_validate(page) for page in pages.paginate(**request)]

    def client(self, service: str, region: str) -> Any:
        """boto3's client, made when it is first asked for, under a lock: a session is not safe for threads."""
        with self._making:
            if self._session is None:
                self._session = boto3.Session()
                self._session.events.register("after-call", self._hear)
            key = (service, region)
            if key not in self._made:
                make: Any = self._session.client  # its types know services by their literal names only
                self._made[key] = make(service, region_name=region, config=_config())
                self._made[key].meta.events.register("before-parse", _be_of_the_call)
            return self._made[key]

    def _hear(self, parsed: Mapping[str, Any], **_: object) -> None:
        """Called by botocore after every call, with the answer's headers by lower-case name."""
        about = parsed.get("ResponseMetadata", {})
        if about.get("HTTPStatusCode") == 200:
            self.clock.hear(about.get("HTTPHeaders", {}))


def _config() -> Config:
    """What is on this machine is asked by no proxy, as by Pulumi and Packer: botocore goes by NO_PROXY alone."""
    here = loopback(os.environ.get("AWS_ENDPOINT_URL", ""))
    return _CONFIG.merge(Config(proxies={})) if here else _CONFIG


@contextmanager
def unless_gone(id: str) -> Iterator[None]:
    """Around a call: that `id` is not there is no error. AWS has to say so of this very ID."""
    try:
        yield
    except Refusal as error:
        if not error.denies(id):
            raise


def fitting(found: Iterable[T], filters: Sequence[Mapping[str, Any]], call: Call[Any], what: str) -> list[T]:
    """What was found, all of which has to be what the request's filters asked for: some of it is going to be deleted.

    Raises:
        CloudError: some of it is not.
    """
    listed = list(found)
    if odd := [item for item in listed if not item.fits(filters)]:
        asked = ", ".join(f"{each['Name']} {'/'.join(each['Values'])}" for each in filters)
        raise CloudError(
            f"AWS's answer cannot be used to {what}: {call.action} was asked for {asked}, and {len(odd)} of "
            f"{len(listed)} things in its answer are others",
            remedy=_AGAIN,
        )
    return listed


@contextmanager
def asking(call: Call[Any], region: str, what: str) -> Iterator[None]:
    """Around a call to AWS: its errors, and botocore's own, as a `CloudError` that names `what` was tried.

    Raises:
        Refusal: AWS answered with an error, after retries where they help.
        CloudError: no credentials, no network, or an answer that is not whole.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        code, message = str(said.get("Code", "unknown")), str(said.get("Message") or "")
        remedy = _REMEDIES.get(code, "see what AWS says, then run the command again")
        raise Refusal(
            f"AWS refuses to {what}: {message or call.action} ({code})",
            call=call,
            code=code,
            message=message,
            remedy=remedy,
        ) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound, CredentialRetrievalError) as error:
        raise CloudError(f"no AWS credentials to {what} with: {error}", remedy=_WHO) from error
    except (SSOError, TokenRetrievalError, LoginError) as error:
        raise CloudError(f"no AWS credentials to {what} with: {error}", remedy=_LOG_IN) from error
    except NoRegionError as error:
        raise CloudError(f"no region to {what} in", remedy="set bakewell:aws.regions") from error
    except (HTTPClientError, NoConnection) as error:
        raise CloudError(
            f"AWS cannot be reached to {what}: {error}",
            remedy="check the network and AWS_ENDPOINT_URL; for the local cloud: `bakewell local up`",
        ) from error
    except ValidationError as error:
        raise _not_whole(call, region, what, _fields(error)) from error
    except BotoCoreError as error:
        raise CloudError(f"AWS's answer is of no use to {what}: {error}", remedy="run the command again") from error
    except _UNREADABLE as error:
        raise _not_whole(call, region, what, _short(str(error)) or type(error).__name__) from error


_UNREADABLE = (ResponseParserError, ParseError, AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What botocore's parsers raise where an answer has another form than its model; none is a `BotoCoreError`."""


def _be_of_the_call(operation_model: OperationModel, response_dict: dict[str, Any], **_: object) -> None:
    """Refuse a successful answer that is not this operation's: botocore would read it as one without anything in it.

    An EC2 or query answer has the root element `<DescribeImagesResponse>`, a JSON answer is an object.

    Raises:
        ValueError: the body is of something else: empty, a proxy's page, another call's.
    """
    if response_dict["status_code"] >= 300:
        return
    body: bytes = response_dict["body"]
    if operation_model.service_model.resolved_protocol == "json":
        if not isinstance(json.loads(body), dict):
            raise ValueError("the body is no JSON object")
        return
    wanted = f"{operation_model.name}Response"
    root = next((element for _, element in iterparse(io.BytesIO(body), events=("start",))), None)
    found = "nothing" if root is None else f"<{root.tag.rpartition('}')[2]}>"
    if found != f"<{wanted}>":
        raise ValueError(f"the body is {found} instead of <{wanted}>")


def _not_whole(call: Call[Any], region: str, what: str, why: str) -> CloudError:
    return CloudError(
        f"AWS's answer is not whole, or not AWS's, so it cannot be used to {what}: {call.action} in {region}: {why}",
        remedy=_AGAIN,
    )


def _fields(error: ValidationError) -> str:
    """Where in the answer, and what is the matter: "Images.0.ImageId: Field required"."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "answer"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"


def _short(text: str) -> str:
    """The first line, as far as it is worth reading."""
    return text.partition("\n")[0][:200]
