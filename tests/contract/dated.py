"""A server whose Date header a test can set: a cloud whose clock differs from this host's."""

from __future__ import annotations

import time
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Dated:
    """ASGI middleware that sends the Date header, in uvicorn's stead.

    Attributes:
        ahead: seconds that the server's clock is ahead of this host's; negative where it is behind.
        sends: whether there is such a header.
    """

    def __init__(self, server: uvicorn.Server) -> None:
        """To be made before the server runs."""
        self.ahead = 0.0
        self.sends = True
        self._app: ASGIApp = server.config.app  # type: ignore[assignment]
        server.config.app = self
        server.config.date_header = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start" and self.sends:
                date = formatdate(time.time() + self.ahead, usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", []), (b"date", date)]}
            await send(message)

        await self._app(scope, receive, dated)

    def reset(self) -> None:
        """As this host's clock is."""
        self.ahead, self.sends = 0.0, True
