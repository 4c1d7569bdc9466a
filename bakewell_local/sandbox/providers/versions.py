"""The versions that the stand-ins answer to: those that the installed Python SDKs ask the engine for.

They imitate the plugins of the versions in IMITATED, which requirements.lock has. With other SDKs they behave the same
and answer to those SDKs' versions.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

IMITATED = {"aws": "7.29.0", "command": "1.2.1", "digitalocean": "4.65.0"}


def _asked_for(name: str) -> str:
    try:
        return version(f"pulumi-{name}")
    except PackageNotFoundError:  # a project without that cloud
        return IMITATED[name]


PLUGINS = {name: _asked_for(name) for name in IMITATED}
AWS, COMMAND, DIGITALOCEAN = PLUGINS["aws"], PLUGINS["command"], PLUGINS["digitalocean"]
