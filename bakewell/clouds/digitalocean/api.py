"""DigitalOcean's API v2, JSON over HTTP: retries, waits, pages and errors, said once.

An answer counts as what was asked for only if it has the status that the call documents and its body reads as the typed
model. A 404 says that a thing is gone only in DigitalOcean's own words: a proxy's page, or an endpoint that knows none
of these paths, is an error.

Built on urllib3 and tenacity. Vendors' SDKs are not used here: importing DigitalOcean's (pydo) takes about a second,
which every `pulumi preview` and every build would pay; urllib3 takes a tenth of that. The contract tests run the SDK
against the local cloud, so that both are known to speak the same API.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

import urllib3
from pydantic import ValidationError
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from bakewell import proxy
from bakewell.clouds.answers import A, Answer, parse_json
from bakewell.clouds.clock import Clock, sent
from bakewell.clouds.digitalocean.bodies import Answered, whole
from bakewell.errors import CloudError

log = logging.getLogger(__name__)

PAGE = 200  # the largest page that DigitalOcean serves
TRIES = 6  # one, and five more after a 5xx
WALKS = 4  # through a list that changes while it is read
CONNECT_TRIES = 3  # an API that nothing listens for will not appear by waiting
PATIENCE = 15 * 60.0  # seconds: the longest wait that a rate limit may ask for
TIMEOUT = urllib3.Timeout(connect=10, read=60)
_WITH_BODY = frozenset({200, 201, 202})
_WITHOUT_BODY = frozenset({204})
_ANOTHER = "check that DIGITALOCEAN_API_URL is the API meant, and that no proxy answers in its place"
_REMEDY = "check that DIGITALOCEAN_API_URL is the API meant, and what the answer says, then run the command again"
_REMEDIES = {
    402: "see the account's billing page, then run the command again",
    409: "wait until what else changes it is done, then run the command again",
    422: "correct what the answer names (an account's limit: have it raised), then run the command again",
    423: "wait until what else changes it is done, then run the command again",
}


class NotFound(CloudError):
    """404: the thing is not there."""


class Refused(CloudError):
    """Any other 4xx: the request itself is at fault, so it is not sent again."""

    def __init__(self, what: str, *, status: int, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.status = status


class _Again(Exception):
    """The request may be sent again after `wait` seconds (None: back off)."""

    def __init__(self, error: CloudError, *, tries: int, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.tries = tries
        self.wait = wait


class Item(Answer):
    """One thing of a list."""

    @property
    def key(self) -> str:
        """What tells it from the others of its list."""
        raise NotImplementedError


T = TypeVar("T", bound=Item)


class _Next(Answer):
    next: str | None = None


class _Links(Answer):
    pages: _Next = _Next()


class _Meta(Answer):
    total: int


class Page(Answer, Generic[T]):
    """One page of a list; a subclass says under which key its items are. Lists that fit on a page may have no links."""

    items: list[T]
    links: _Links = _Links()
    meta: _Meta


@dataclass(frozen=True, slots=True)
class _Walk(Generic[T]):
    """One pass over the pages of a list; `total` is what the API says there is."""

    items: list[T]
    total: int
    pages: int


class _Missing(Answer):
    """How DigitalOcean says 404."""

    id: Literal["not_found"]
    message: str


class Api:
    """One account at one endpoint.

    Safe to use from several threads. 429 waits as `retry-after` or `ratelimit-reset` tell, up to 15 minutes; 5xx and
    broken connections are tried again with growing pauses, then raise `CloudError`.

    Args:
        endpoint: root URL without `/v2`.
        token: sent as a bearer token; never part of a message.
        token_name: the environment variable to name when the token is refused.
        sleep: waits; tests pass their own.
    """

    def __init__(
        self, endpoint: str, token: str, *, token_name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._token_name = token_name
        self._sleep = sleep
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": "bakewell"}
        self.clock = Clock("the API")
        self._pool = proxy.pool(self.endpoint, maxsize=8, retries=False, timeout=TIMEOUT)

    def get(self, path: str, model: type[A]) -> A:
        """GET; the answer as a `model`."""
        return self._read("GET", path, model)

    def post(self, path: str, body: Mapping[str, Any], model: type[A]) -> A:
        """POST; what it made, as a `model`."""
        return self._read("POST", path, model, body=body)

    def order(self, path: str, body: Mapping[str, Any]) -> None:
        """POST that is answered without a body."""
        self._call("POST", path, _WITHOUT_BODY, body=body)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """DELETE; a thing that is gone already is no error."""
        try:
            self._call("DELETE", path, _WITHOUT_BODY, body=body)
        except NotFound:
            log.debug("%s was gone already", path)

    def pages(self, path: str, page: type[Page[T]], **query: str | int) -> list[T]:
        """Every item of a list, all pages of it; raises rather than leaving some out.

        Something made or deleted between two pages shifts the rest: an item then comes twice, or never, and the total
        still fits. So a list of several pages counts only once two walks in a row found the same items.
        """
        before: set[str] | None = None
        for _ in range(WALKS):
            walk = self._walk(path, page, query)
            names = {item.key for item in walk.items}
            whole = len(names) == len(walk.items) == walk.total
            if whole and (walk.pages == 1 or names == before):
                return walk.items
            before = names if whole else None
        raise CloudError(
            f"GET {self.endpoint}{path}: the list could not be read whole in {WALKS} tries"
            f" ({len(walk.items)} items came back, `meta.total` is {walk.total})",
            remedy="wait until nothing else changes the account, then run the command again",
        )

    def glance(self, path: str, page: type[Page[T]]) -> list[T]:
        """The items of a list, read once: where it changes meanwhile, some may be left out or come twice."""
        return self._walk(path, page, {}).items

    def _walk(self, path: str, page: type[Page[T]], query: Mapping[str, str | int]) -> _Walk[T]:
        items: list[T] = []
        number = 1
        while True:
            answer = self._read("GET", path, page, query={**query, "page": number, "per_page": PAGE})
            items += answer.items
            if not answer.items and answer.links.pages.next is not None and len(items) == answer.meta.total:
                raise CloudError(
                    f"GET {self.endpoint}{path}: the answer cannot be relied on: an empty page promises a next one",
                    remedy=_ANOTHER,
                )
            # An API that promises a next page for ever has told how many items there are.
            if answer.links.pages.next is None or not answer.items or len(items) >= answer.meta.total:
                return _Walk(items, answer.meta.total, number)
            number += 1

    def _read(
        self,
        method: str,
        path: str,
        model: type[A],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> A:
        answer = self._call(method, path, _WITH_BODY, query=query, body=body)
        parsed = parse_json(model, answer.data, f"{method} {self.endpoint}{path}", _ANOTHER)
        self.clock.hear(answer.headers)
        return parsed

    def _call(
        self,
        method: str,
        path: str,
        wanted: frozenset[int],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answered:
        """One request, retried as the class says. `wanted`: the statuses that it may have."""
        url = f"{self.endpoint}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            for attempt in Retrying(
                retry=retry_if_exception_type(_Again), stop=_stop, wait=_wait, sleep=self._sleep, reraise=True
            ):
                with attempt:
                    return self._once(method, path, url, body, wanted)
        except _Again as again:
            raise again.error from again.__cause__
        raise AssertionError("unreachable: tenacity returns or raises")

    def _once(
        self, method: str, path: str, url: str, body: Mapping[str, Any] | None, wanted: frozenset[int]
    ) -> Answered:
        what = f"{method} {self.endpoint}{path}"
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        data = json.dumps(body).encode() if body is not None else None
        try:
            answer = whole(
                self._pool.request(method, url, body=data, headers=headers, redirect=False, preload_content=False)
            )
        except urllib3.exceptions.ProxyError as error:
            refused = CloudError(f"{what}: {proxy.trouble(url, error)}", remedy=proxy.remedy(url))
            if proxy.wants_login(error):  # again and again, and the account there may be locked
                raise refused from error
            raise _Again(refused, tries=CONNECT_TRIES) from error
        except urllib3.exceptions.HTTPError as error:
            unreachable = CloudError(
                f"{what}: no answer ({_reason(error)})",
                remedy="check the network and DIGITALOCEAN_API_URL; for the local cloud: `bakewell local up`",
            )
            raise _Again(unreachable, tries=CONNECT_TRIES) from error
        if answer.status >= 400:
            raise self._failure(what, answer)
        if answer.status not in wanted:
            told = "with a body" if wanted is _WITH_BODY else "without one"
            raise CloudError(f"{what}: {answer.status}, which is no answer {told}", remedy=_ANOTHER)
        return answer

    def _failure(self, what: str, answer: Answered) -> Exception:
        status, said = answer.status, _message(answer)
        if status == 429:
            wait = _told_to_wait(answer.headers)
            limited = CloudError(f"{what}: 429, rate limited ({said})", remedy=f"run it again in {round(wait)} s")
            if wait > PATIENCE:
                return limited
            log.warning("%s: rate limited, waiting %d s as the API asks", what, round(wait))
            return _Again(limited, tries=TRIES, wait=wait)
        if status >= 500:
            failed = CloudError(
                f"{what}: {status} after {TRIES} tries ({said})",
                remedy="see the cloud's status page, then run it again",
            )
            return _Again(failed, tries=TRIES)
        if status == 401:
            return Refused(
                f"{what}: 401, the token is not valid ({said})",
                status=status,
                remedy=f'check {self._token_name}; for the local cloud: eval "$(bakewell local env)"',
            )
        if status == 403:
            remedy = f"give the token in {self._token_name} the scopes that docs/production.md lists"
            return Refused(f"{what}: 403, forbidden ({said})", status=status, remedy=remedy)
        if status == 404 and _says_missing(answer.data):
            return NotFound(f"{what}: 404, not found ({said})", remedy="check that it still exists")
        if status == 404:
            return CloudError(f"{what}: 404, but not in DigitalOcean's words ({said})", remedy=_ANOTHER)
        return Refused(f"{what}: {status} ({said})", status=status, remedy=_REMEDIES.get(status, _REMEDY))


def _says_missing(body: bytes) -> bool:
    try:
        _Missing.model_validate_json(body)
    except ValidationError:
        return False
    return True


def _stop(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, _Again) and state.attempt_number >= error.tries


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.wait is not None:
        return error.wait
    return float(min(0.5 * 2 ** (state.attempt_number - 1), 8.0))


def _told_to_wait(headers: Mapping[str, str]) -> float:
    """Seconds, from `retry-after` (seconds) or else `ratelimit-reset` (the cloud's Unix time); 5 where neither says."""
    for name, base in (("retry-after", 0.0), ("ratelimit-reset", sent(headers) or time.time())):
        text = headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,12}", text):
            return max(float(text) - base, 0.5)
    return 5.0


def _message(answer: Answered) -> str:
    """What the error's body says, in a line."""
    try:
        body = json.loads(answer.data)
    except (ValueError, RecursionError):
        return f"{len(answer.data)} bytes that are no JSON"
    return str(body.get("message") or body.get("id") or "no message")[:300] if isinstance(body, dict) else "no message"


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    """The cause without object addresses."""
    text = str(error)
    return text.split(": ", 1)[1] if text.startswith("<") or "object at 0x" in text.split(": ", 1)[0] else text
