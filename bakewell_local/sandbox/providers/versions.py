"""The versions of the real plugins that the stand-ins imitate: those that the pinned Python SDKs ask the engine for."""

from __future__ import annotations

AWS = "7.29.0"
COMMAND = "1.2.1"
DIGITALOCEAN = "4.65.0"
PLUGINS = {"aws": AWS, "command": COMMAND, "digitalocean": DIGITALOCEAN}
