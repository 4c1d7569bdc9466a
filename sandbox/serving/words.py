"""What the servers' command lines have in common."""

from __future__ import annotations

import argparse


def seconds(text: str) -> float:
    """A duration in seconds, more than 0."""
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0: no cloud acts at once")
    return value
