"""Everything in an AWS account that boots, or would boot, from an AMI.

Instances; launch templates, by the versions that something would launch; auto scaling groups, EC2 fleets, spot fleets
and spot requests, by templates and by AMIs that they name themselves; launch configurations; SSM parameters that hold
an AMI; other accounts that it is shared with; protection from deregistration; recipes of Image Builder, where the
account has DescribeImageReferences. (What else that knows is asked for where it is kept, because it may be a day late:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html.) An answer that is not whole is an error: a
reference that was missed would cost the image that it needs. It decides nothing.

Services that keep an AMI's ID in a place of their own (AWS Batch, EMR, CloudFormation's templates, …) cannot be looked
through; docs/aws.md says so.
"""

from __future__ import annotations

from bakewell.clouds.aws.api import Clients
from bakewell.clouds.aws.references import direct, launchers, templates
from bakewell.clouds.aws.regions import Regions
from bakewell.image import Reference

__all__ = ["References"]


class References:
    """Who needs the images of an account, in all its regions."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def all(self) -> list[Reference]:
        return self._regions.everywhere(lambda region: _listed(self._regions.clients, region))


def _listed(clients: Clients, region: str) -> list[Reference]:
    """Every reference in `region`. Raises CloudError where one of the questions is not answered whole."""
    launching, images = launchers.listed(clients, region), direct.ours(clients, region)
    return [
        *direct.instances(clients, region),
        *templates.used(clients, region, launching),
        *direct.configurations(clients, region),
        *direct.parameters(clients, region),
        *direct.protected(images),
        *direct.shared(clients, region, [ami.image_id for ami in images]),
        *direct.recipes(clients, region, [ami.image_id for ami in images]),
    ]
