"""DigitalOcean: droplets, snapshots, keys and tags, by its API v2."""

from __future__ import annotations

import time
from collections.abc import Callable

from bakewell.clouds.digitalocean.account import Account, AccountKeys
from bakewell.clouds.digitalocean.actions import Actions
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.digitalocean.bases import Bases
from bakewell.clouds.digitalocean.builders import Builders, BuildKeys
from bakewell.clouds.digitalocean.checks import StackChecks
from bakewell.clouds.digitalocean.images import Images
from bakewell.clouds.digitalocean.importable import Importable
from bakewell.clouds.digitalocean.offers import Offers
from bakewell.clouds.digitalocean.references import References
from bakewell.clouds.digitalocean.remains import Remains
from bakewell.clouds.digitalocean.tags import TagObjects


class DigitalOcean:
    """One DigitalOcean account: a `bakewell.clouds.protocols.Cloud`.

    Args:
        endpoint: root URL without /v2.
        token: an API token; sent to `endpoint` and nowhere else.
        token_name: the environment variable that it comes from.
        sleep: waits between polls and retries; tests pass their own.
    """

    name = "digitalocean"
    disks = None  # the disk comes with the size

    def __init__(
        self,
        endpoint: str,
        token: str,
        *,
        token_name: str = "DIGITALOCEAN_TOKEN",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = Api(endpoint, token, token_name=token_name, sleep=sleep)
        actions = Actions(self.api, sleep)
        self.account = Account(self.api)
        self.account_keys = AccountKeys(self.api)
        self.tag_objects = TagObjects(self.api)
        self.images = Images(self.api, actions, self.tag_objects)
        self.references = References(self.api)
        self.builders = Builders(self.api, actions)
        self.keys = BuildKeys(self.api, self.account_keys)
        self.bases = Bases(self.api)
        self.offers = Offers(self.api)
        self.stack_checks = StackChecks(self.api)
        self.importable = Importable(self.api)
        self.remains = Remains(self.api, self.tag_objects)

    def now(self) -> float:
        return self.account.now()
