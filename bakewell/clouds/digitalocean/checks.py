"""What DigitalOcean can tell before anything is made: that a region of the stack does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api
from bakewell.clouds.facts import Arch
from bakewell.errors import ConfigError
from bakewell.reading import did_you_mean

if TYPE_CHECKING:
    from bakewell.settings import Settings


class StackChecks:
    """What DigitalOcean has of what a stack names."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, settings: Settings, arches: Mapping[str, Arch]) -> None:
        del arches  # there is one, see `bakewell.clouds.facts`
        known = {region.slug for region in self._api.pages("/v2/regions", answers.REGIONS)}
        for region in settings.digitalocean.regions:
            if region not in known:
                raise ConfigError(
                    f"bakewell:digitalocean.regions: DigitalOcean has no region {region}"
                    f"{did_you_mean(region, sorted(known))}",
                    remedy=f"name one of: {', '.join(sorted(known))}",
                )
