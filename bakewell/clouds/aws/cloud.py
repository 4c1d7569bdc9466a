"""AWS: EC2 instances, AMIs with their snapshots, and key pairs, in every region that the account has enabled."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from bakewell.clouds.aws.account import Account
from bakewell.clouds.aws.api import Clients
from bakewell.clouds.aws.bases import Bases
from bakewell.clouds.aws.builders import Builders, BuildKeys
from bakewell.clouds.aws.checks import StackChecks
from bakewell.clouds.aws.disks import Disks
from bakewell.clouds.aws.images import Images
from bakewell.clouds.aws.importable import Importable
from bakewell.clouds.aws.references import References
from bakewell.clouds.aws.regions import Regions
from bakewell.clouds.aws.remains import Remains
from bakewell.settings.builders import AwsBuilder


class Aws:
    """One AWS account: a `bakewell.clouds.protocols.Cloud`.

    Args:
        region: where images are built; also where questions are asked that are no region's.
        account: the account that the credentials must be of; any where it is None.
        builder: see `Bases`.
        kms_key: see `Images`.
        further: the stack's other regions.
        sleep: waits between polls; tests pass their own.
    """

    name = "aws"
    offers = None  # a disk is as large as its image says, and `stack_checks` looks at types
    account_keys = None  # instances name a key as it is called, and `stack_checks` looks for it
    tag_objects = None  # tags go with what carries them

    def __init__(
        self,
        region: str,
        account: str | None = None,
        builder: AwsBuilder | None = None,
        kms_key: str | None = None,
        *,
        further: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clients = Clients()
        self.account = Account(self.clients, region, account)
        self.regions = Regions(self.clients, self.account, region, further)
        self.images = Images(self.regions, kms_key, sleep)
        self.references = References(self.regions)
        self.builders = Builders(self.regions, self.images)
        self.keys = BuildKeys(self.regions)
        self.bases = Bases(self.regions, builder or AwsBuilder())
        self.stack_checks = StackChecks(self.regions)
        self.disks = Disks(self.regions)
        self.importable = Importable(self.images)
        self.remains = Remains(self.regions, self.images, self.account.now)

    def now(self) -> float:
        return self.account.now()
