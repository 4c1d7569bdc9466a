"""The stand-in for pulumi-resource-aws 7.29.0: Instance, KeyPair, LaunchTemplate, SecurityGroup and
AmiLaunchPermission of ec2, autoscaling's Group, ssm's Parameter; getCallerIdentity, getRegion, getVpc, getSubnet,
getSubnets, getInstanceTypeOfferings, getAmi, ssm's getParameter.

The real plugin is a Terraform provider behind Pulumi's bridge (the package `bridge` beside this one). It speaks to a
local cloud on loopback and to nothing else.
"""

from __future__ import annotations


def main() -> None:
    """Serve it to the engine whose address is the last argument."""
    import sys

    from bakewell_local.sandbox.providers.aws.provider import AwsProvider
    from bakewell_local.sandbox.providers.server import serve

    serve(AwsProvider(), sys.argv[1:])
