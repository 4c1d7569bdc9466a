"""DigitalOcean, as a `bakewell.clouds.protocols.Cloud`."""

from bakewell.clouds.digitalocean.cloud import DigitalOcean

__all__ = ["DigitalOcean"]
