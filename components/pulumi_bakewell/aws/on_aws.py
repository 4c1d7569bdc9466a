"""What is AWS's own of a stack: its provider, its instances and fleets, and AMIs handed on to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from bakewell import names
from pulumi_bakewell.aws.instances import launch

if TYPE_CHECKING:
    from pulumi_bakewell.on_cloud import OnCloud


class OnAws:
    """The machines of a stack; in each region a parameter that says which AMI a role has now, and who may launch it.

    Where requests go follows from AWS_ENDPOINT_URL, as for all of AWS's tools.
    """

    def __init__(self, stack: OnCloud) -> None:
        settings = stack.desired.settings
        own = settings.aws
        provider = aws.Provider(
            "aws", region=stack.desired.home, allowed_account_ids=[own.account] if own.account else None
        )
        opts = pulumi.ResourceOptions(provider=provider)
        self._instances, self._fleets = launch(stack.desired, stack.image_id, opts)
        self._handed_on: list[pulumi.Resource] = []
        # Whoever reads the parameters finds them by the same name after a rename of the stack.
        named = stack.identity.apply(lambda identity: identity.name)
        for role in stack.desired.roles:
            for region in own.regions:
                image = stack.catalog.image_id(role, region)
                # The region in every name: with another order of regions, each is still the same resource.
                name = names.of("aws", f"{role}-{region}")
                parameter = aws.ssm.Parameter(
                    name,
                    name=pulumi.Output.concat("/", settings.prefix, "/", named, "/", role),
                    type="String",
                    data_type="aws:ec2:image",
                    insecure_value=image,  # `value` would be a secret, and a preview would not show which AMI
                    region=region,
                    description=pulumi.Output.concat("The AMI of role ", role, " that stack ", named, " has now"),
                    opts=opts,
                )
                permissions = [
                    aws.ec2.AmiLaunchPermission(
                        f"{name}-{account}", image_id=image, account_id=account, region=region, opts=opts
                    )
                    for account in own.launch_accounts
                ]
                self._handed_on += [parameter, *permissions]

    def settled(self) -> list[pulumi.Resource]:
        return [*self._instances.values(), *self._fleets.values(), *self._handed_on]

    def published(self) -> dict[str, dict[str, object]]:
        return {
            "machines": {name: machine.published() for name, machine in self._instances.items()},
            "fleets": {role: fleet.published() for role, fleet in self._fleets.items()},
        }
