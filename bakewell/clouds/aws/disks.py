"""Disks of AMIs."""

from __future__ import annotations

from bakewell.clouds.aws import calls
from bakewell.clouds.aws.api import fitting
from bakewell.clouds.aws.regions import Regions
from bakewell.errors import CloudError


class Disks:
    """Disks of the AMIs that builds start from, vendors' ones too, in the stack's first region."""

    def __init__(self, regions: Regions) -> None:
        self._clients, self._region = regions.clients, regions.home

    def root_device(self, image_id: str) -> str:
        what = f"look at image {image_id} in {self._region}"
        listed = self._clients.ask(self._region, calls.IMAGES, what, ImageIds=[image_id]).images
        found = fitting(listed, [{"Name": "image-id", "Values": [image_id]}], calls.IMAGES, what)
        device = found[0].root_device_name if found else None
        if not device:
            raise CloudError(
                f"AWS does not say where image {image_id} in {self._region} has its root disk",
                remedy="leave `disk_gb` in image.toml out: the disk is as large as the base's then",
            )
        return device
