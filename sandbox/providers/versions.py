"""The versions of the real plugins that the stand-ins imitate: those that the pinned Python SDKs ask the engine for."""

from __future__ import annotations

COMMAND = "1.2.1"
DIGITALOCEAN = "4.65.0"
PLUGINS = {"command": COMMAND, "digitalocean": DIGITALOCEAN}
