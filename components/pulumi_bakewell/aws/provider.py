"""Pulumi's provider of AWS, in the stack's first region and of its account."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from pulumi_bakewell.stack.session import Session


def provider(stack: Session, component: pulumi.Resource) -> pulumi.ProviderResource:
    """The provider that a component's resources are made with.

    Where requests go follows from AWS_ENDPOINT_URL, as for all of AWS's tools.
    """
    own = stack.settings.aws
    accounts = [own.account] if own.account else None
    return stack.provider(
        "aws", component, lambda: aws.Provider("aws", region=stack.settings.home("aws"), allowed_account_ids=accounts)
    )
