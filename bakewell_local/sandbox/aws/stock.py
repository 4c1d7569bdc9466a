"""The regions that are served, and what is there from the start: Debian's AMIs, the owner's key pair."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.ssm.models import SimpleSystemManagerBackend

from bakewell_local.sandbox.aws.cloud import current
from bakewell_local.sandbox.aws.hooks import around, instead
from bakewell_local.sandbox.aws.ssm import image_parameter

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1", "eu-west-1")
DEBIAN = "136693071363"  # Debian's account; https://wiki.debian.org/Cloud/AmazonEC2Image
NAMES = ("debian-12-amd64-20250814-2204", "debian-12-amd64-20251112-2294")  # older, newer
PARAMETER = "/aws/service/debian/release/12/latest/amd64"
ROOT = "/dev/xvda"
GIB = 8  # of its root volume


def stock_id(region: str, name: str) -> str:
    """The ID of a stock AMI, another one in each region, the same after every start."""
    return f"ami-0{hashlib.sha256(f'{region} {name}'.encode()).hexdigest()[:16]}"


def created(name: str) -> datetime:
    """When a stock AMI was made, as its name says (naive, in UTC, as moto has it)."""
    return datetime.strptime(name.split("-")[3], "%Y%m%d").replace(tzinfo=UTC, hour=12).replace(tzinfo=None)


def install() -> None:
    """Puts this module's hooks in place."""

    @instead(AmiBackend, "_load_amis")
    def load(self: Any) -> None:
        for name in NAMES:
            ami = Ami(
                self,
                stock_id(self.region_name, name),
                name=name,
                description="Debian 12 (20251112-2294)" if name == NAMES[1] else "Debian 12",
                owner_id=DEBIAN,
                public=True,
                virtualization_type="hvm",
                architecture="x86_64",
                hypervisor="xen",
                root_device_type="ebs",
                root_device_name=ROOT,
                image_location=f"amazon/{name}",
                creation_date=created(name),
                boot_mode="uefi-preferred",
            )
            ami.ebs_snapshot.volume.size = GIB
            self.amis[ami.id] = ami

    @around(SimpleSystemManagerBackend, "__init__")
    def publish(original: Any, self: Any, region_name: str, account_id: str) -> None:
        original(self, region_name, account_id)
        newest = stock_id(region_name, NAMES[-1])
        self._parameters[PARAMETER].append(image_parameter(account_id, PARAMETER, newest, len(NAMES)))

    @around(EC2Backend, "__init__")
    def known(original: Any, self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        for name, public in current().keys.items():
            self.import_key_pair(name, public.encode(), {})

    @around(RegionsAndZonesBackend, "describe_regions")
    def served(original: Any, self: Any, region_names: list[str] | None = None) -> list[Any]:
        return [region for region in original(self, region_names) if region.name in REGIONS]
