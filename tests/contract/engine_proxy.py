"""A way to the Docker Engine that can be cut, for a server that is to think its engine was restarted."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress

from bakewell_local.sandbox.serving.state import listen


class EngineProxy:
    """Passes connections on to the engine's socket; `host` is what DOCKER_HOST is to say."""

    def __init__(self) -> None:
        self._engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        self._listener = listen("127.0.0.1", 0)
        self._port = int(self._listener.getsockname()[1])
        self.host = f"tcp://127.0.0.1:{self._port}"
        self._open: set[socket.socket] = set()
        self.restore()

    def restore(self) -> None:
        """The engine is there (again)."""
        if self._listener.fileno() < 0:
            self._listener = listen("127.0.0.1", self._port)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """The engine is gone, and every connection to it is cut."""
        for one in (self._listener, *self._open):
            with suppress(OSError):  # its other end may be faster
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed by `cut`
            while True:
                client, _ = listener.accept()
                engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                engine.connect(self._engine)
                self._open |= {client, engine}
                for source, target in ((client, engine), (engine, client)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):  # closed by `cut`
            while content := source.recv(1 << 16):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)
