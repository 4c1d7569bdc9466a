"""Support for HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in lower case) in urllib3, which ignores these variables.

Pulumi, Packer, doctl, pydo and boto3 use the same variables, so all programs reach a cloud in the same way. As in Go,
requests to this host never use a proxy, and ALL_PROXY is ignored. A proxy's user and password are sent to the proxy
only, and are in no message.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from bakewell.errors import ConfigError
from bakewell.urls import loopback, shown

if TYPE_CHECKING:
    import urllib3

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3}[^'\")]*)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy for requests.

    Attributes:
        url: URL without user and password.
        headers: headers with the login; empty without a login.
    """

    url: str
    headers: dict[str, str] = field(repr=False)


def proxy_for(url: str) -> Proxy | None:
    """The proxy that requests to `url` go through; None for a direct connection.

    Raises:
        ConfigError: the variable's value is not an HTTP proxy.
    """
    scheme = urlsplit(url).scheme
    named = getproxies_environment().get(scheme)
    if not named or loopback(url):
        return None
    import requests.utils  # here, because the import is slow, and a preview without a proxy does not need it
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    if requests.utils.should_bypass_proxies(url, no_proxy=None):
        return None
    try:
        parts = parse_url(named if "://" in named else f"http://{named}")
    except LocationParseError:
        parts = parse_url("")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ConfigError(
            f"{_variable(url)} names no HTTP proxy: {shown(named)}",
            remedy=f"set it to http://HOST:PORT, or name {urlsplit(url).hostname} in NO_PROXY",
        )
    headers = {}
    if parts.auth:
        user, _, password = parts.auth.partition(":")
        login = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        headers["Proxy-Authorization"] = f"Basic {login}"
    return Proxy(parts._replace(auth=None, path=None, query=None, fragment=None).url, headers)


def pool(url: str, **options: Any) -> urllib3.PoolManager:
    """Connection pool for the host of `url`, through its proxy if there is one. Raises as `proxy_for` does."""
    import urllib3

    proxy = proxy_for(url)
    if proxy is None:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)


def wants_login(error: Exception) -> bool:
    """Whether the proxy refused the connection because of a missing or wrong login."""
    return "failed: 407" in str(error)


def trouble(url: str, error: Exception) -> str:
    """The failure between this host and the proxy of `url`, in a line."""
    proxy = proxy_for(url)
    refused = _TUNNEL.search(str(error))
    said = f"answers {refused[1].strip()}" if refused else "cannot be reached"
    return f"the proxy {proxy.url if proxy else ''} {said}"


def remedy(url: str) -> str:
    """The remedy if a proxy blocks `url`."""
    return (
        f"check {_variable(url)}, with its user and password, or name {urlsplit(url).hostname} in NO_PROXY, "
        "then run the command again"
    )


def _variable(url: str) -> str:
    return f"{urlsplit(url).scheme.upper()}_PROXY"
