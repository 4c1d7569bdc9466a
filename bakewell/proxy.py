"""The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name (in lower case, too), for urllib3, which knows of none.

Pulumi, Packer, doctl, pydo and boto3 go by the same variables, so all of them reach a cloud the same way. As in Go:
what is on this machine is asked directly, and ALL_PROXY is not looked at. A proxy's user and password go to the proxy,
and into no message.
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
    """Where to send requests, and what to say there.

    Attributes:
        url: without user and password.
        headers: the login, where there is any.
    """

    url: str
    headers: dict[str, str] = field(repr=False)


def proxy_for(url: str) -> Proxy | None:
    """The proxy that requests to `url` go through; None for a direct connection.

    Raises:
        ConfigError: the variable names nothing that is an HTTP proxy.
    """
    scheme = urlsplit(url).scheme
    named = getproxies_environment().get(scheme)
    if not named or loopback(url):
        return None
    import requests.utils  # here, because it takes longer to load than a preview without a proxy should pay
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
    """Connections to `url`, and others of its host, through its proxy where it has one. Raises as `proxy_for` does."""
    import urllib3

    proxy = proxy_for(url)
    if proxy is None:
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)


def wants_login(error: Exception) -> bool:
    """Whether the proxy refused for want of a user and password, or because of them."""
    return "failed: 407" in str(error)


def trouble(url: str, error: Exception) -> str:
    """What went wrong between here and `url`'s proxy, in a line."""
    proxy = proxy_for(url)
    refused = _TUNNEL.search(str(error))
    said = f"answers {refused[1].strip()}" if refused else "cannot be reached"
    return f"the proxy {proxy.url if proxy else ''} {said}"


def remedy(url: str) -> str:
    """What to do where a proxy stands in the way of `url`."""
    return (
        f"check {_variable(url)}, with its user and password, or name {urlsplit(url).hostname} in NO_PROXY, "
        "then run the command again"
    )


def _variable(url: str) -> str:
    return f"{urlsplit(url).scheme.upper()}_PROXY"
