"""Docker, as a `bakewell.clouds.protocols.Cloud`."""

from bakewell.clouds.docker.cloud import Docker

__all__ = ["Docker"]
