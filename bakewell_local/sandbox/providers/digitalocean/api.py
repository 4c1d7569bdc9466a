"""DigitalOcean's API v2 as the real provider's client calls it: the same retries, the same wording of errors.

500s and 429 are retried, a POST too; other refusals are not. It calls loopback only: a stand-in that reached the real
cloud would spend real money with less care than the real provider takes.
"""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from bakewell.urls import loopback
from bakewell_local.sandbox.providers.server import Properties, ProviderError


class ApiError(Exception):
    """The API refused, or could not be reached; the message names method, URL, status and what the API said.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """A client; safe to use from many threads. How it reaches the API is in the provider's configuration, or else in
    the environment.
    """

    def __init__(self, config: Properties) -> None:
        """`config` holds the provider's inputs; numbers may arrive as JSON text."""
        env = os.environ.get

        def number(name: str, variable: str, default: float) -> float:
            return float(config.get(name) or env(variable) or default)

        self._endpoint = config.get("apiEndpoint") or env("DIGITALOCEAN_API_URL") or "https://api.digitalocean.com"
        self._token = config.get("token") or env("DIGITALOCEAN_TOKEN") or env("DIGITALOCEAN_ACCESS_TOKEN") or ""
        self._retries = int(number("httpRetryMax", "DIGITALOCEAN_HTTP_RETRY_MAX", 4))
        self._wait_min = number("httpRetryWaitMin", "DIGITALOCEAN_HTTP_RETRY_WAIT_MIN", 1.0)
        self._wait_max = number("httpRetryWaitMax", "DIGITALOCEAN_HTTP_RETRY_WAIT_MAX", 30.0)

    def get(self, path: str) -> Any:
        """The JSON at `path` (from the root: `/v2/…`)."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Properties) -> Any:
        return self._call("POST", path, body)

    def put(self, path: str, body: Properties) -> Any:
        return self._call("PUT", path, body)

    def delete(self, path: str, body: Properties | None = None) -> None:
        self._call("DELETE", path, body)

    def _call(self, method: str, path: str, body: Properties | None) -> Any:
        url = self._endpoint.rstrip("/") + path
        for attempt in range(1, self._retries + 2):
            last = attempt > self._retries
            tried = f"; giving up after {attempt} attempt(s)" if last and attempt > 1 else ""
            pause = min(self._wait_min * 2 ** (attempt - 1), self._wait_max)
            try:
                status, headers, content = self._send(method, url, body)
            except (OSError, HTTPException) as error:
                if last:
                    raise ApiError(f'{method.capitalize()} "{url}": {error}{tried}') from error
            else:
                if status < 400:
                    return json.loads(content) if content else None
                retried = status == 429 or (status >= 500 and status != 501)
                if last or not retried:
                    raise _refusal(method, url, status, headers, content, tried if retried else "")
                if status in (429, 503) and headers.get("retry-after", "").isdigit():
                    pause = float(headers["retry-after"])
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, method: str, url: str, body: Properties | None) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(url)
        if address.scheme != "http" or not loopback(url):
            raise ProviderError(
                f"the local cloud's stand-in for the digitalocean plugin calls loopback only, not {url}: set "
                "digitalocean:apiEndpoint to the local cloud's address, or install the real plugin"
            )
        connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=300)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        payload = None
        if method != "GET":
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body) if body is not None else ""
        try:
            path = f"{address.path}?{address.query}" if address.query else address.path
            connection.request(method, path, body=payload, headers=headers)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def _refusal(method: str, url: str, status: int, headers: dict[str, str], content: bytes, tried: str) -> ApiError:
    try:
        told = json.loads(content)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    request = told.get("request_id") or headers.get("x-request-id")
    name = f'(request "{request}") ' if request else ""
    return ApiError(f"{method} {url}: {status} {name}{told.get('message', '')}{tried}", status)
