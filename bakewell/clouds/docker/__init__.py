"""Docker behind the verbs of `bakewell.clouds.Cloud`."""

from bakewell.clouds.docker.account import Docker

__all__ = ["Docker"]
