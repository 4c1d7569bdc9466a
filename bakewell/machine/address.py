"""What a machine can be reached at: an IP address, or a host's name as DNS has it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from bakewell.errors import ConfigError

_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


def checked_address(text: str) -> str:
    """`text`. Raises ConfigError where it is neither an IP address nor the name of a host."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if len(text) > 253 or not _HOST.fullmatch(text):
            raise ConfigError(
                f"`{text[:60]}` is no address of a machine", remedy="name its IPv4 address: --address 192.0.2.10"
            ) from None
    return text


def checked_url(text: str) -> str:
    """`text`. Raises ConfigError where it is no URL of HTTP at such an address."""
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # a bracket too many, a port that is no number
        plain = False
    if not plain:
        raise ConfigError(f"`{text[:60]}` is no URL", remedy="unset BAKEWELL_URL, or name one: http://192.0.2.10/")
    checked_address(parts.hostname or "")
    return text
