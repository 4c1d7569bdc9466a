"""Connections that can be cut without an answer, and answers that can be held back."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from starlette.types import ASGIApp, Message, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with a way to cut a connection without an answer."""

    open: ClassVar[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self.open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            self.open.pop(self.client, None)
        super().connection_lost(exc)

    @classmethod
    async def drop(cls, client: tuple[str, int]) -> None:
        """Resets the client's connection, and waits until the server has noticed."""
        cls.open[client].abort()
        while client in cls.open:
            await asyncio.sleep(0)


async def capture(app: ASGIApp, scope: Scope, body: bytes) -> list[Message]:
    """What the app answers, held back. Whether the client is still there makes no difference to it."""
    messages: list[Message] = []
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, collect)
    return messages
