"""What the network is like that machines under test are on, as one of them sees it: a ping, and a transfer each way."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bakewell.machine.ssh import Ssh
from bench.boots.figures import Network

BYTES = 25_000_000  # of a transfer: two seconds at 100 Mbit/s
CHUNK = bytes(1 << 16)


def measure(ssh: Ssh, host: str) -> Network:
    """From the machine at the other end of `ssh` to this host, which it knows by the address `host`, and back.

    Raises:
        RuntimeError: a command failed there.
    """
    with _server(host) as url:
        # The first one also asks who has the address.
        pinged = _said(ssh, f"ping -q -i 0.2 -c 11 {host}")
        down = _said(ssh, f"curl -fsS -o /dev/null -w '%{{speed_download}}' {url}")
        up = _said(ssh, f"head -c {BYTES} /dev/zero | curl -fsS -o /dev/null -w '%{{speed_upload}}' -T - {url}")
    found = re.search(r"= ([\d.]+)/", pinged)
    if found is None:
        raise RuntimeError(f"ping says {pinged!r}")
    return Network(
        round_trip_ms=float(found[1]),
        down_mbit=round(float(down) * 8 / 1e6, 1),
        up_mbit=round(float(up) * 8 / 1e6, 1),
    )


def _said(ssh: Ssh, command: str) -> str:
    done = ssh.run(command, timeout=120)
    if done.status != 0:
        raise RuntimeError(f"{command} exited {done.status}: {done.text}")
    return done.text


@contextmanager
def _server(host: str) -> Iterator[str]:
    """The URL of a server that gives BYTES bytes to a GET, and takes any number by PUT."""
    server = ThreadingHTTPServer((host, 0), _Transfer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class _Transfer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(BYTES))
        self.end_headers()
        left = BYTES
        while left:
            left -= self.wfile.write(CHUNK[:left])

    def do_PUT(self) -> None:
        """curl sends what it reads from a pipe in chunks: a length in hexadecimal, as many bytes, an empty line."""
        self.send_response_only(100)
        self.end_headers()
        while size := int(self.rfile.readline(), 16):
            self.rfile.read(size + 2)
        self.rfile.readline()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
