"""AWS behind the verbs of `bakewell.clouds.Cloud`."""

from bakewell.clouds.aws.account import Aws

__all__ = ["Aws"]
