"""Which machines of a cloud go off by themselves, or start, told as it happens."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import urllib3.exceptions

from bakewell_local.sandbox.machines.engine import LABEL, connect, plain_errors


class Watch:
    """The names of one cloud's machines as they go off ("die"), whatever the reason, or "start"; ends with the engine,
    or by `close`.

    An engine that is told to stop ends this first, and its machines then: what goes off with it is not told.

    Raises:
        MachineError: no engine answers.
    """

    def __init__(self, cloud_id: str, event: str = "die") -> None:
        self._prefix = f"bakewell-{cloud_id}-"
        self._client = connect()
        wanted = {"type": "container", "event": event, "label": f"{LABEL}={cloud_id}"}
        with plain_errors("watching machines"):
            self._events = self._client.events(decode=True, filters=wanted)  # type: ignore[no-untyped-call]

    def __iter__(self) -> Iterator[str]:
        try:
            for event in self._events:
                yield str(event["Actor"]["Attributes"]["name"]).removeprefix(self._prefix)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
            return  # cut off in the middle: it has ended

    def close(self) -> None:
        """Ends it, also for a thread that waits for the next name."""
        self._events.close()
        self._client.close()  # type: ignore[no-untyped-call]
