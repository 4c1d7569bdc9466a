"""The body of an answer, read to its end and no further than a limit.

A client's timeout is for each piece: a body that comes byte by byte, or never ends, would be read for ever.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

PATIENCE = 180.0  # seconds for all of it
LARGEST = 64_000_000  # bytes; a page of 200 droplets has one million


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def whole(answer: urllib3.BaseHTTPResponse) -> Answered:
    """Read the body. Raises HTTPError where it breaks off, or has no end in sight."""
    data, end = bytearray(), time.monotonic() + PATIENCE
    try:
        while chunk := answer.read1(65536):
            data += chunk
            if len(data) > LARGEST or time.monotonic() > end:
                raise urllib3.exceptions.HTTPError(f"its body has no end: {len(data)} bytes came")
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return Answered(answer.status, answer.headers, bytes(data))
