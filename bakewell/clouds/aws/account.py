"""AWS: EC2 instances, AMIs with their snapshots, and key pairs, in every region that the account has enabled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bakewell.clouds import Stock
from bakewell.clouds.aws import stock
from bakewell.clouds.aws.api import asking
from bakewell.clouds.aws.builders import Builders
from bakewell.clouds.aws.references import references
from bakewell.errors import ConfigError
from bakewell.image import Reference

if TYPE_CHECKING:
    pass


class Aws(Builders):
    """One AWS account: all verbs of `bakewell.clouds.Cloud`.

    Args:
        region, account, sleep: see `Regions`.
        subnet: where images are built; in the region's default VPC where it is None.
    """

    name = "aws"

    def __init__(
        self,
        region: str,
        account: str | None = None,
        subnet: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(region, account, sleep=sleep)
        self._subnet = subnet

    def stock(self, image: str) -> Stock:
        """`stock.newest` of every enabled region."""
        return stock.newest(
            image, self._region, self._everywhere(lambda region: [stock.look(self.clients, image, region)])
        )

    def check_build(self, base: str) -> None:
        if self._subnet is None:
            with asking(f"list networks in {self._region}"):
                found = self.clients.ec2(self._region).describe_vpcs(
                    Filters=[{"Name": "is-default", "Values": ["true"]}]
                )
            if not found["Vpcs"]:
                raise ConfigError(
                    f"region {self._region} has no default VPC, and bakewell:aws.subnet is not set",
                    remedy="pulumi config set --path bakewell:aws.subnet subnet-…; instances and fleets have settings "
                    "of their own",
                )
        stock.check(self.clients, base if base.startswith("ami-") else self.base(base), self._region)

    def usual(self, base: str) -> str:
        return f"{stock.DEBIAN}/{base}-amd64-*"

    def base(self, image: str) -> str:
        """Its ID in the first region: an API that starts machines takes nothing else."""
        return self.stock(image).ids[self._region]

    def references(self) -> list[Reference]:
        return self._everywhere(lambda region: references(self.clients, region))
