"""A cloud's present time, as its own answers tell it: HTTP's Date header.

Leases are written and judged by this clock, never by the host's. Hosts differ, and a host whose clock is two hours
ahead would take every build that is alive elsewhere for dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Protocol

from bakewell.errors import CloudError

TOLERATED = 120.0  # seconds that a host's clock may differ before people are told


class Timed(Protocol):
    """What tells the time: a `bakewell.clouds.protocols.Cloud`."""

    @property
    def name(self) -> str: ...

    def now(self) -> float: ...


class Clock:
    """The time of one cloud. Safe to use from several threads.

    Args:
        cloud: its name, for messages.
    """

    def __init__(self, cloud: str) -> None:
        self._cloud = cloud
        self._setting = threading.Lock()
        self._set: tuple[float, float] | None = None  # Unix time by the cloud, and the monotonic second that it was at

    def hear(self, headers: Mapping[str, str]) -> None:
        """Set the clock by an answer that has just come. `headers` is blind to case, or has lower-case names.

        Only for answers that the cloud itself gave: an error page may be a proxy's, with the proxy's time.
        """
        moment = sent(headers)
        if moment is not None:
            with self._setting:
                self._set = (moment, time.monotonic())

    def now(self, ask: Callable[[], object]) -> float:
        """The present time in Unix seconds, by the last answer.

        Args:
            ask: a cheap call, made where no answer has told the time yet.

        Raises:
            CloudError: no answer has a usable Date header, not that of `ask` either.
        """
        if self._set is None:
            ask()
        if self._set is None:
            raise CloudError(
                f"{self._cloud} does not say what time it is: its answers have no usable Date header,"
                " and leases of builds go by the cloud's time",
                remedy="see whether a proxy on the way takes the header off, or answers from its cache (Age)",
            )
        moment, at = self._set
        return moment + time.monotonic() - at


def sent(headers: Mapping[str, str]) -> float | None:
    """When an answer was sent, in Unix seconds; None where its Date header does not say.

    The date of an answer out of a cache (one with an Age) is no evidence of the present, and is not taken.
    """
    text = headers.get("date", "")
    if headers.get("age", "0").strip() != "0":
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # The parser forgives much: two dates in one header, missing zones, trailing words.
    if moment.tzinfo is None or format_datetime(moment.astimezone(UTC), usegmt=True) != text:
        return None
    return moment.timestamp()


def complaint(cloud: Timed) -> str | None:
    """What to tell people where this host's clock differs from the cloud's by more than two minutes.

    Raises:
        CloudError: see `Clock.now`.
    """
    ahead = time.time() - cloud.now()
    if abs(ahead) <= TOLERATED:
        return None
    there = f"{datetime.fromtimestamp(cloud.now(), UTC):%Y-%m-%d %H:%M} UTC"
    return (
        f"this host's clock is {abs(ahead) / 60:.0f} minutes {'ahead of' if ahead > 0 else 'behind'} {cloud.name}'s"
        f" ({there}); leases go by the cloud's. Correct it: timedatectl set-ntp true"
    )
