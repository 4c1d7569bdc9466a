"""What a build gives back: what `bakewell build` prints as one line of JSON, and Pulumi keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict

from bakewell.reading.deferred import Deferred

if TYPE_CHECKING:
    from bakewell.image import Image

Action = Literal["built", "adopted"]


class Result(Deferred):
    """An image that may be used.

    Every field is required and of its type. Further fields are ignored: a line stays in the state for as long as the
    content is the same, and a newer version that wrote it may have said more.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    role: str
    cloud: str
    id: str
    name: str
    fingerprint: str
    run: str
    parent: str | None
    """Run of the image it was built on; None for an image on a stock base."""
    home: str
    """The region it was built in."""
    regions: tuple[str, ...]
    """Where it can be booted now."""
    action: Action
    seconds: float
    """Wall time of the command, waiting included."""
    finished: float
    """Unix time."""

    @classmethod
    def of(cls, image: Image, action: Action, seconds: float, finished: float) -> Result:
        """The result of a build that ended with `image`."""
        identity = image.identity
        return cls(
            role=identity.role,
            cloud=image.cloud,
            id=image.id,
            name=image.name,
            fingerprint=identity.fingerprint,
            run=identity.run,
            parent=identity.parent,
            home=identity.home,
            regions=image.regions,
            action=action,
            seconds=round(seconds, 2),
            finished=round(finished, 2),
        )

    def mapping(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return self.model_dump(mode="json")
