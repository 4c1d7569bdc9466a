"""GET / says which machine and image this is, GET /healthz that it is well; both in JSON. Port in $PORT."""

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
    """One request: two paths, JSON whatever happens."""

    protocol_version = "HTTP/1.1"
    server_version = "api"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/":
            image = json.loads(IMAGE.read_text(encoding="utf-8"))
            self._answer(200, {"role": image["role"], "image": image["image"], "machine": socket.gethostname()})
        elif path == "/healthz":
            self._answer(200, {"status": "ok"})
        else:
            self._answer(404, {"error": f"no {path} here"})

    do_HEAD = do_GET

    def _answer(self, status: int, body: dict[str, str]) -> None:
        payload = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)


class Server(ThreadingHTTPServer):
    """A thread a connection; none of them keeps the service from ending."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("0.0.0.0", int(os.environ["PORT"])), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
