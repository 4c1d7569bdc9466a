"""What a build is given: one value."""

from __future__ import annotations

from dataclasses import dataclass

from bakewell.bases import Bases
from bakewell.catalog import Catalog, ImageSpec
from bakewell.fingerprint import Fingerprint
from bakewell.settings import Environment, Settings


@dataclass(frozen=True, slots=True)
class Job:
    """One image to have, on one cloud.

    Attributes:
        force: build even where an image of this content exists.
        cap: how many builds of this host run at once; the stack's or BAKEWELL_PARALLEL's number unless given.
    """

    role: str
    cloud: str
    fingerprint: Fingerprint
    catalog: Catalog
    bases: Bases
    settings: Settings
    environment: Environment
    force: bool = False
    cap: int | None = None

    @property
    def spec(self) -> ImageSpec:
        return self.catalog[self.role]

    @property
    def home(self) -> str:
        """The region to build in."""
        return self.settings.home(self.cloud)

    @property
    def slots(self) -> int:
        return self.cap or self.environment.parallel or self.settings.parallel
