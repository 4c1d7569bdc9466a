"""DigitalOcean behind the verbs of `bakewell.clouds.Cloud`."""

from bakewell.clouds.digitalocean.account import DigitalOcean

__all__ = ["DigitalOcean"]
