"""AWS: EC2 instances, AMIs with their snapshots, and key pairs, in every region that the account has enabled."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from bakewell.clouds import Stock
from bakewell.clouds.aws import checks, stock
from bakewell.clouds.aws.builders import Builders
from bakewell.clouds.aws.references import references
from bakewell.image import Reference

if TYPE_CHECKING:
    from bakewell.settings import Settings


class Aws(Builders):
    """One AWS account: all verbs of `bakewell.clouds.Cloud`.

    Args:
        region, account, further, sleep: see `Regions`.
        subnet: where images are built; in the region's default VPC where it is None.
        kms_key: see `Images`.
    """

    name = "aws"

    def __init__(
        self,
        region: str,
        account: str | None = None,
        subnet: str | None = None,
        kms_key: str | None = None,
        *,
        further: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(region, account, kms_key, further=further, sleep=sleep)
        self._subnet = subnet

    def stock(self, image: str) -> Stock:
        """`stock.newest` of every enabled region."""
        return stock.newest(
            image, self._region, self._everywhere(lambda region: [stock.look(self.clients, image, region)])
        )

    def check_stack(self, settings: Settings) -> None:
        asked = settings.aws.instances or settings.aws.fleets
        keys = [key.name for key in self.ssh_keys()] if asked else []
        checks.stack(self.clients, settings.aws, self.enabled(), keys)

    @property
    def offers(self) -> None:
        """None: a disk is as large as its image says, and `check_stack` looks at types."""

    def check_build(self, base: str) -> None:
        checks.build(self.clients, self._region, self._subnet)
        stock.check(self.clients, base if base.startswith("ami-") else self.base(base), self._region)

    def usual(self, base: str) -> str:
        return f"{stock.DEBIAN}/{base}-amd64-*"

    def base(self, image: str) -> str:
        """Its ID in the first region: an API that starts machines takes nothing else."""
        return self.stock(image).ids[self._region]

    def references(self) -> list[Reference]:
        return self._everywhere(lambda region: references(self.clients, region))
