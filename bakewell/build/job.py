"""What a build is given and what it gives back: two values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bakewell.bases import Bases
from bakewell.catalog import Catalog, ImageSpec
from bakewell.fingerprint import Fingerprint
from bakewell.image import Image
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


@dataclass(frozen=True, slots=True)
class Result:
    """An image that may be used: what `bakewell build` prints as one line of JSON, and Pulumi keeps.

    Attributes:
        parent: run of the image it was built on; None for one on a stock base.
        home: the region it was built in.
        regions: where it can be booted now.
        seconds: wall time of this call, waiting included.
        finished: Unix time.
    """

    role: str
    cloud: str
    id: str
    name: str
    fingerprint: str
    run: str
    parent: str | None
    home: str
    regions: tuple[str, ...]
    action: Literal["built", "adopted"]
    seconds: float
    finished: float

    @classmethod
    def of(cls, image: Image, action: Literal["built", "adopted"], seconds: float, finished: float) -> Result:
        who = image.identity
        return cls(
            role=who.role,
            cloud=image.cloud,
            id=image.id,
            name=image.name,
            fingerprint=who.fingerprint,
            run=who.run,
            parent=who.parent,
            home=who.home,
            regions=image.regions,
            action=action,
            seconds=round(seconds, 2),
            finished=round(finished, 2),
        )

    def mapping(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}
