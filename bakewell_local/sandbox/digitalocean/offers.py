"""What every account of this cloud finds: regions, sizes and stock images. Constants, and how the API shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

Slug = Annotated[str, AfterValidator(str.lower)]
"""A region or a size in a request about a droplet or a reserved IP: DigitalOcean takes NYC3 there, and shows nyc3. Its
other services refuse it.
"""
REGIONS: dict[str, str] = {
    "nyc1": "New York 1",
    "nyc3": "New York 3",
    "sfo3": "San Francisco 3",
    "ams3": "Amsterdam 3",
    "fra1": "Frankfurt 1",
}
_REGION_FEATURES = ["backups", "ipv6", "metadata", "install_agent", "image_transfer"]


@dataclass(frozen=True, slots=True)
class Size:
    """A droplet size: memory in MiB, disk in GiB, transfer in TB, price in US dollars a month.

    `regions`: where droplets of it are created; nowhere for a size that is sold out.
    """

    slug: str
    memory: int
    vcpus: int
    disk: int
    transfer: float
    monthly: float
    description: str = "Basic"
    regions: tuple[str, ...] = tuple(REGIONS)


SIZES: dict[str, Size] = {
    size.slug: size
    for size in (
        Size("s-1vcpu-512mb-10gb", 512, 1, 10, 0.5, 4.0, regions=("nyc1", "nyc3", "sfo3")),
        Size("s-1vcpu-1gb", 1024, 1, 25, 1.0, 6.0),
        Size("s-1vcpu-2gb", 2048, 1, 50, 2.0, 12.0),
        Size("s-2vcpu-2gb", 2048, 2, 60, 3.0, 18.0),
        Size("s-2vcpu-4gb", 4096, 2, 80, 4.0, 24.0),
        Size("s-4vcpu-8gb", 8192, 4, 160, 5.0, 48.0),
        Size("s-8vcpu-16gb", 16384, 8, 320, 6.0, 96.0),
        Size("c-2", 4096, 2, 25, 4.0, 42.0, "CPU-Optimized", ("nyc3", "sfo3", "fra1")),
        Size("s-1vcpu-3gb", 3072, 1, 60, 3.0, 18.0, regions=()),
        # A machine like any other here.
        Size("gpu-h100x1-80gb", 245760, 20, 720, 15.0, 2522.88, "GPU H100 1X", ("nyc3",)),
    )
}

# Stock images, in every region. Their IDs are constants, so that they can be locked.
DEBIAN_12: dict[str, Any] = {
    "id": 126,
    "name": "12 x64",
    "distribution": "Debian",
    "slug": "debian-12-x64",
    "public": True,
    "regions": list(REGIONS),
    "created_at": "2023-06-12T17:31:20Z",
    "min_disk_size": 7,
    "type": "base",
    "size_gigabytes": 0.46,
    "description": "Debian 12 x64",
    "tags": [],
    "status": "available",
}
DEBIAN_10: dict[str, Any] = {  # its vendor has given it up: it is shown, and no droplet is made from it
    **DEBIAN_12,
    "id": 125,
    "name": "10 x64",
    "slug": "debian-10-x64",
    "created_at": "2019-07-08T10:05:11Z",
    "description": "Debian 10 x64",
    "status": "retired",
}
STOCK_IMAGES: list[dict[str, Any]] = [DEBIAN_12]
_RETIRED: list[dict[str, Any]] = [DEBIAN_10]


def region_view(slug: str) -> dict[str, Any]:
    """The region as the API shows it."""
    return {
        "name": REGIONS[slug],
        "slug": slug,
        "features": list(_REGION_FEATURES),
        "available": True,
        "sizes": [size.slug for size in SIZES.values() if slug in size.regions],
    }


def has_gpu(slug: str) -> bool:
    """Whether droplets of that size have a GPU: lists show them apart."""
    return slug.startswith("gpu-")


def size_view(slug: str) -> dict[str, Any]:
    """The size as the API shows it."""
    size = SIZES[slug]
    return {
        "slug": size.slug,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "transfer": size.transfer,
        "price_monthly": size.monthly,
        "price_hourly": round(size.monthly / 672, 5),
        "regions": list(size.regions),
        "available": bool(size.regions),
        "description": size.description,
        "disk_info": [{"type": "local", "size": {"amount": size.disk, "unit": "gib"}}],
    }


def stock_image(name: str) -> dict[str, Any] | None:
    """The stock image of that slug or ID, retired ones included."""
    return next((image for image in (*STOCK_IMAGES, *_RETIRED) if name in (image["slug"], str(image["id"]))), None)
