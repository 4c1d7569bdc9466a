"""URLs: whether a URL leads to this host, and URLs without passwords for messages."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

# Up to the last @, so that a password with a slash is masked too; urlsplit would end the host at the slash.
# A URL with a slash after the scheme (unix:///run/docker.sock) is a path and has no user.
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?+(?!/).*@", re.DOTALL)


def shown(url: str) -> str:
    """`url` for messages, logs and records: `***` in place of user and password."""
    return _USERINFO.sub(r"\1***@", url)


def loopback(url: str) -> bool:
    """Whether `url` is a socket or an address of this host."""
    if url.startswith("unix://"):
        return True
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
