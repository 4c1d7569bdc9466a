"""URLs: which of them lead to this machine, and how they are shown to people."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

# Up to the last @: a password that holds a slash, which urlsplit would take for the end of the host, is masked as well.
# What begins with a slash after the scheme (unix:///run/docker.sock) is a path, and has no user.
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?+(?!/).*@", re.DOTALL)


def shown(url: str) -> str:
    """`url` as messages, logs and records may hold it: `***` for its user and password."""
    return _USERINFO.sub(r"\1***@", url)


def loopback(url: str) -> bool:
    """True when `url` is a socket, or an address, of this machine."""
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
