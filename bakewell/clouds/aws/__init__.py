"""AWS, as a `bakewell.clouds.protocols.Cloud`."""

from bakewell.clouds.aws.cloud import Aws

__all__ = ["Aws"]
