"""The arithmetic of a slow line; tests/sandbox/test_slow_network.py has a real one."""

from __future__ import annotations

import pytest

from bakewell_local.sandbox.machines.slow_link import _HEADER, QUEUE, Line, wire_size

MBIT = 1e6


def frame(size: int, *, piece: int = 0, headers: int = 0) -> bytes:
    """A frame of `size` bytes as the kernel hands it over; with `piece`, one that it has yet to cut up."""
    return _HEADER.pack(0, 1 if piece else 0, headers, piece, 0, 0) + bytes(size)


def test_frames_wait_for_each_other_and_keep_their_order() -> None:
    line = Line(rate=8 * MBIT, delay=0.010)
    assert all(line.put(frame(size), now=0.0) for size in (1000, 2000))
    assert line.take(0.0111) == frame(1000)
    assert line.take(0.0111) is None
    assert line.due() == pytest.approx(0.013)


def test_what_would_wait_too_long_is_lost() -> None:
    line = Line(rate=8 * MBIT, delay=0.0)
    taken = [line.put(frame(10_000), now=0.0) for _ in range(20)]  # 10 ms each
    assert taken.count(True) == pytest.approx(QUEUE / 0.010, abs=1)
    assert taken == sorted(taken, reverse=True)


def test_a_frame_that_is_cut_up_has_its_headers_on_each_piece() -> None:
    assert wire_size(frame(1514)) == 1514
    assert wire_size(frame(66 + 3 * 1448, piece=1448, headers=66)) == 3 * (66 + 1448)
    assert wire_size(frame(66 + 1448 + 1, piece=1448, headers=66)) == 2 * 66 + 1448 + 1
