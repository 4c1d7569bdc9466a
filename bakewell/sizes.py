"""Checks that the sizes of machines and builders are available, and that their disks are large enough for their images.

The clouds report this too, but only when a machine is created, after minutes of building.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bakewell.clouds.resources import Size
from bakewell.clouds.survey import Survey
from bakewell.context import builder_size
from bakewell.desired import Desired
from bakewell.errors import ConfigError
from bakewell.image import Image
from bakewell.reading import did_you_mean


def check(desired: Desired, survey: Survey, pins: Mapping[str, Image]) -> list[str]:
    """Check the sizes of the stack's machines, and of the builders of images that must be built.

    Args:
        pins: role -> the image that its machines must use.

    Returns:
        Warnings about existing machines whose sizes are no longer available.

    Raises:
        ConfigError: a size does not exist, is not offered in the region, or has too small a disk.
        CloudError: the cloud's sizes cannot be read.
    """
    sizes = survey.sizes()
    if sizes is None:
        return []
    found = _Sizes(desired, survey, sizes)
    for role in desired.roles:
        if found.image(role) is None:
            found.check_builder(role)
    return found.check_machines(pins)


class _Sizes:
    """Compares a stack's desired state with the cloud's offer."""

    def __init__(self, desired: Desired, survey: Survey, sizes: Mapping[str, Size]) -> None:
        self._desired = desired
        self._survey = survey
        self._sizes = sizes
        self._home = desired.home

    def image(self, role: str) -> Image | None:
        """The image that a build of the role adopts."""
        return self._survey.adoptable(role, self._desired.fingerprints[role].value)

    def check_builder(self, role: str) -> None:
        """Raise ConfigError if the builder's size is not available, or its disk is too small for the parent image."""
        size, parent = self._builder(role), self._desired.parents[role]
        file = self._desired.catalog[role].file
        if (fault := self._fault(size)) is not None:
            raise ConfigError(
                f"memory_gb: {fault}", file=file, remedy="set another memory_gb, or build in another region"
            )
        wanted = None if parent is None else self._disk_for(parent, self.image(parent))
        if wanted is not None and self._sizes[size].disk_gb < wanted:
            raise ConfigError(
                f"memory_gb: {size} has a disk of {self._sizes[size].disk_gb} GB, and the image of its parent "
                f"{parent} needs {wanted} GB",
                file=file,
                remedy=f"set memory_gb to that of {parent}, or to more",
            )

    def check_machines(self, pins: Mapping[str, Image]) -> list[str]:
        """As `check`, for the stack's machines."""
        remarks, there = [], None  # there: how many machines of each role and size stay as they are
        wanted = Counter((machine.role, machine.size) for machine in self._desired.machines)
        for (role, size), count in wanted.items():
            key = f"bakewell:digitalocean.droplets.{role}.size"
            if (fault := self._fault(size)) is not None:
                there = there or self._staying(pins)
                if there[role, size] < count:
                    raise ConfigError(f"{key}: {fault}", remedy=self._remedy(role, pins))
                remarks.append(f"{key}: {fault}; the machines that there are run on, and cannot be replaced in it")
                continue
            disk, needed = self._sizes[size].disk_gb, self._disk_for(role, pins.get(role) or self.image(role))
            if needed is not None and disk < needed:
                raise ConfigError(
                    f"{key}: {size} has a disk of {disk} GB, and the image of {role} needs {needed} GB",
                    remedy=self._remedy(role, pins),
                )
        return remarks

    def _staying(self, pins: Mapping[str, Image]) -> Counter[tuple[str, str]]:
        """Number of machines of each role and size that stay. A new region or image replaces a machine."""
        return Counter(
            (machine.role, machine.size)
            for machine in self._survey.running()
            if machine.region == self._home and machine.image in self._wanted(machine.role, pins)
        )

    def _wanted(self, role: str, pins: Mapping[str, Image]) -> set[str]:
        """IDs that a machine of the role may boot from: all images with the content, because builds can be forced."""
        found = self._desired.fingerprints.get(role)
        same = (
            image
            for image in self._survey.images()
            if found and (image.role, image.identity.fingerprint) == (role, found.value)
        )
        return {id for image in ([pins[role]] if role in pins else same) for id in image.ids}

    def _builder(self, role: str) -> str:
        return builder_size(self._desired.catalog[role], self._desired.cloud)

    def _disk_for(self, role: str, image: Image | None) -> int | None:
        """Disk size in GB that the role's image needs: the disk size of its builder."""
        if image is not None:
            return image.min_disk_gb
        built = self._sizes.get(self._builder(role))
        return None if built is None else built.disk_gb

    def _fault(self, size: str) -> str | None:
        if size not in self._sizes:
            return f"there is no size {size}{did_you_mean(size, sorted(self._sizes))}"
        if self._home not in (regions := self._sizes[size].regions):
            return f"size {size} is not offered in {self._home}, {_where(regions)}"
        return None

    def _remedy(self, role: str, pins: Mapping[str, Image]) -> str:
        """Names of the offered sizes with a large enough disk, smallest first."""
        needed = self._disk_for(role, pins.get(role) or self.image(role)) or 0
        fits = [
            (size.disk_gb, name)
            for name, size in self._sizes.items()
            if self._home in size.regions and size.disk_gb >= needed
        ]
        return f"name a size that {self._home} offers, such as {', '.join(name for _, name in sorted(fits)[:5])}"


def _where(regions: frozenset[str]) -> str:
    return f"only in {', '.join(sorted(regions))}" if regions else "nor anywhere else at present"
