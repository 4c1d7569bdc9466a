"""A machine's network as a line of so many bits per second and so much delay: for measurements only.

    python -m bakewell_local.sandbox.machines.slow_link INTERFACE BRIDGE BITS_PER_SECOND ONE_WAY_SECONDS

takes INTERFACE, the host's end of a machine's cable, off BRIDGE and stands between the two: whatever the machine sends
or is sent goes through this process, which holds it back. From the line that it prints on, until the machine or this
process ends. It needs root.
Linux can do the same by itself (`tc … netem`), where its kernel was built with that; this works with every kernel.

Each direction is a line of its own. What would wait longer than QUEUE seconds is dropped, as a router does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

QUEUE = 0.1  # seconds
LARGEST = 1 << 17  # bytes read at once: no frame is longer, also not one that the kernel has yet to cut into packets

# Numbers of the kernel's interface: linux/if_packet.h, linux/if_tun.h.
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_IGNORE_OUTGOING, _ETH_P_ALL = 263, 15, 23, 3
_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_TAP, _NO_INFO, _VNET_HDR = 0x0002, 0x1000, 0x4000
_CHECKSUM, _LONG_V4, _LONG_V6, _LONG_ECN = 1, 2, 4, 8
_HEADER = struct.Struct("=BBHHHH")  # struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset


class Frame(NamedTuple):
    """A frame under way, to be handed over at `due`, a time of `time.monotonic()`."""

    due: float
    content: bytes


class Line:
    """One direction: what is put in comes out `delay` seconds later, and not faster than `rate` bits per second."""

    def __init__(self, rate: float, delay: float) -> None:
        self._rate = rate
        self._delay = delay
        self._free = 0.0  # when the last bit of what was put in so far has left
        self._frames: deque[Frame] = deque()

    def put(self, content: bytes, now: float) -> bool:
        """Take a frame; False when the queue is full, and it is lost."""
        if self._free - now > QUEUE:
            return False
        self._free = max(self._free, now) + wire_size(content) * 8 / self._rate
        self._frames.append(Frame(self._free + self._delay, content))
        return True

    def take(self, now: float) -> bytes | None:
        """The next frame that has arrived by now."""
        if self._frames and self._frames[0].due <= now:
            return self._frames.popleft().content
        return None

    def due(self) -> float | None:
        """When the next frame arrives; None where there is none."""
        return self._frames[0].due if self._frames else None


def wire_size(content: bytes) -> int:
    """Bytes of a frame on a real wire, where a long one is cut up, and each piece has the headers anew."""
    _, kind, headers, piece, _, _ = _HEADER.unpack_from(content)
    size = len(content) - _HEADER.size
    pieces = -(-(size - headers) // piece) if kind and piece else 1
    return size + int(max(pieces - 1, 0) * headers)


def relay(interface: str, bridge: str, rate: float, delay: float) -> None:
    """Stand between `interface` and `bridge` until the machine ends. See the module's docstring."""
    machine = _machine_end(interface)
    cloud, name = _cloud_end()
    try:
        # Off the bridge, the host must not answer in the machine's place.
        Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").write_text("1")
        _ip("link", "set", interface, "arp", "off", "nomaster")
        _ip("link", "set", name, "master", bridge, "up")
        print(f"between {interface} and {bridge}", flush=True)
        _pass_on(machine, cloud, rate, delay)
    finally:
        machine.close()
        os.close(cloud)  # and with it the interface


def _pass_on(machine: socket.socket, cloud: int, rate: float, delay: float) -> None:
    ends = (machine.fileno(), cloud)
    lines = {machine.fileno(): Line(rate, delay), cloud: Line(rate, delay)}  # by where they begin
    other = dict(zip(ends, reversed(ends), strict=True))
    while True:
        due = [when for line in lines.values() if (when := line.due()) is not None]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        for end in select.select(ends, [], [], wait)[0]:
            try:
                lines[end].put(os.read(end, LARGEST), time.monotonic())
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO):
                    return  # the machine is gone
                raise
        for end, line in lines.items():
            while (content := line.take(time.monotonic())) is not None:
                try:
                    os.write(other[end], content)
                except OSError as error:
                    if error.errno in (errno.ENETDOWN, errno.ENODEV, errno.ENXIO):
                        return
                    if error.errno not in (errno.EAGAIN, errno.ENOBUFS, errno.EIO, errno.EINVAL):
                        raise
                    # A frame is lost, as frames may be.


def _machine_end(interface: str) -> socket.socket:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # Long frames with unfinished checksums, as the kernel hands them about: no work that a cable would not make.
    end.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    end.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    end.bind((interface, _ETH_P_ALL))
    end.setblocking(False)
    return end


def _cloud_end() -> tuple[int, str]:
    """A new interface of the host: what is written to the descriptor arrives there, and the other way round."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    asked = struct.pack("16sH14x", b"slow%d", _TAP | _NO_INFO | _VNET_HDR)
    name = fcntl.ioctl(end, _TUNSETIFF, asked)[:16].rstrip(b"\0").decode()
    fcntl.ioctl(end, _TUNSETOFFLOAD, _CHECKSUM | _LONG_V4 | _LONG_V6 | _LONG_ECN)
    return end, name


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


if __name__ == "__main__":
    relay(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
