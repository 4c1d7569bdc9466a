"""Shares AMIs outside the stack: an SSM parameter with a role's current AMI in each region, and launch permissions."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from bakewell import names
from pulumi_bakewell.aws.provider import provider
from pulumi_bakewell.stack.session import Session


def hand_on(ids: Mapping[str, pulumi.Output[dict[str, str]]], stack: Session, parent: pulumi.Resource) -> None:
    """Have parameters and permissions for images.

    Args:
        ids: role to the AMI in each region.
        parent: the component that owns the resources.
    """
    own = stack.settings.aws
    opts = pulumi.ResourceOptions(parent=parent, provider=provider(stack, parent))
    # Whoever reads the parameters finds them by the same name after a rename of the stack.
    named = stack.first_name
    for role, by_region in ids.items():
        for region in own.regions:
            image = by_region[region]
            # The region is in every name, so that a new order of regions changes no resource.
            name = names.of("aws", f"{role}-{region}")
            aws.ssm.Parameter(
                name,
                name=pulumi.Output.concat("/", stack.settings.prefix, "/", named, "/", role),
                type="String",
                data_type="aws:ec2:image",
                insecure_value=image,  # `value` would be a secret, and a preview would not show which AMI
                region=region,
                description=pulumi.Output.concat("The AMI of role ", role, " that stack ", named, " has now"),
                opts=opts,
            )
            for account in own.launch_accounts:
                aws.ec2.AmiLaunchPermission(
                    f"{name}-{account}", image_id=image, account_id=account, region=region, opts=opts
                )
