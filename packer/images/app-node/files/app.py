"""The application: GET / says which machine and image answered, GET /healthz that it is well. Port in $PORT.

It listens on this machine only: nginx is in front.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

IMAGE = Path("/etc/bakewell/image.json")


class Handler(BaseHTTPRequestHandler):
    """Plain text, a fact a line."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, "ok")
        elif self.path.partition("?")[0] == "/":
            image = json.loads(IMAGE.read_text(encoding="utf-8"))
            self._answer(200, f"machine: {socket.gethostname()}\nrole: {image['role']}\nimage: {image['image']}")
        else:
            self._answer(404, "not found")

    def log_message(self, format: str, *args: object) -> None:
        """nginx keeps the log."""

    def _answer(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = True
    server.serve_forever()
