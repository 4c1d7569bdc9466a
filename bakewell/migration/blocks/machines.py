"""Sizes of machines and names of stock images, as clouds have them, in Bakewell's words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from bakewell.clouds.facts import Memory

_STEPS = sorted(get_args(Memory))
_AWS = {"nano": 0.5, "micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}
_PER_CPU = {"c": 2, "m": 4, "r": 8, "t": 4, "a": 2}
"""GB for each processor, by family."""

_CODENAMES = {
    "trusty": "ubuntu-14.04",
    "xenial": "ubuntu-16.04",
    "bionic": "ubuntu-18.04",
    "focal": "ubuntu-20.04",
    "jammy": "ubuntu-22.04",
    "noble": "ubuntu-24.04",
    "buster": "debian-10",
    "bullseye": "debian-11",
    "bookworm": "debian-12",
    "trixie": "debian-13",
    "al2023": "amazon-linux-2023",
    "amzn2": "amazon-linux-2",
}


_VENDORS = frozenset({"", "amazon", "136693071363", "099720109477", "792107900819", "137112412989"})
"""Owners of stock AMIs: Amazon, Debian, Canonical, Rocky Linux. A template that names no owner has an ID or a slug."""

_SPECIAL = re.compile(r"ecs|eks|deep.?learning|gpu|neuron|based|hvm-ssd-arm-container")
"""Images of a vendor's, or built on one, that hold more than the distribution."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A size. `more`: it has more memory than the largest builder."""

    memory_gb: int
    cpus: int
    arm: bool = False
    more: bool = False


def machine(name: str) -> Machine | None:
    """The size of that name on DigitalOcean or EC2; None for one that is not known."""
    name = name.lower()
    if found := re.fullmatch(r"(?:[a-z0-9]+-)?(\d+)vcpu-(\d+)(gb|mb)\b.*", name):
        return _machine(int(found[2]) / (1 if found[3] == "gb" else 1024), int(found[1]))
    if found := re.fullmatch(r"(\d+)(gb|mb)", name):
        return _machine(int(found[1]) / (1 if found[2] == "gb" else 1024), 1)
    if found := re.fullmatch(r"(c|g|gd|m|so)-(\d+)(?:vcpu)?(?:-.*)?", name):
        cpus = int(found[2])
        return _machine(cpus * {"c": 2, "m": 8}.get(found[1], 4), cpus)
    found = re.fullmatch(r"([a-z]+)(\d+)([a-z-]*)\.(nano|micro|small|medium|large|(\d*)xlarge)", name)
    if found is None or found[1] not in _PER_CPU:
        return None
    family, size = found[1], found[4]
    arm = "g" in found[3] or family == "a"
    if family == "t" or size in ("micro", "small", "nano"):
        memory = _AWS["xlarge"] * int(found[5] or 1) if size.endswith("xlarge") else _AWS[size]
        cpus = (
            4 * int(found[5] or 1)
            if size.endswith("xlarge")
            else 1
            if name in ("t2.micro", "t2.small", "t2.nano")
            else 2
        )
        return _machine(memory, cpus, arm)
    cpus = 1 if size == "medium" else 2 if size == "large" else 4 * int(found[5] or 1)
    return _machine(cpus * _PER_CPU[family], cpus, arm)


def _machine(memory: float, cpus: int, arm: bool = False) -> Machine:
    step = next((step for step in _STEPS if step >= memory), None)
    return Machine(step or _STEPS[-1], cpus, arm, more=step is None)


def base(text: str) -> str | None:
    """The stock image that a slug, a pattern of names or an image of Docker's means; None for what is no such one.

    Whose image it is, `vendors` says.
    """
    text = text.lower()
    if _SPECIAL.search(text):
        return None
    for word, name in _CODENAMES.items():
        distribution = name.partition("-")[0]
        named = distribution in text or distribution == "amazon"
        if named and re.search(rf"(?<![a-z0-9]){word}(?![a-z])", text):
            return name
    if found := re.search(r"ubuntu\D*?(\d\d)[.-]?(04|10)", text):
        return f"ubuntu-{found[1]}.{found[2]}"
    if found := re.search(r"debian\D*?(\d{1,2})(?!\d)", text):
        return f"debian-{found[1]}"
    if found := re.search(r"(rocky|alma|centos|fedora|rhel)\D*?(\d{1,2})(?!\d)", text):
        return f"{found[1]}-{found[2]}"
    if found := re.search(r"amazon-?_?linux\D*?(20\d\d|2)(?!\d)", text):
        return f"amazon-linux-{found[1]}"
    return None


def vendors(cloud: str, text: str, owner: str) -> bool:
    """Whether an image is a vendor's own, as far as a template says whose it is.

    Args:
        cloud: as in `bakewell.clouds.facts`.
        owner: the owner of an AMI, as a filter names it; empty where nothing does.
    """
    if cloud == "docker":
        return (
            re.fullmatch(r"(?:docker\.io/)?(?:library/)?(?:debian|ubuntu|amazonlinux|rockylinux)(?::[\w.-]+)?", text)
            is not None
        )
    return owner in _VENDORS


def arm(text: str) -> bool:
    """Whether the name of a stock image says that it is for ARM."""
    return re.search(r"arm64|aarch64", text.lower()) is not None


def slug(text: str) -> str:
    """`text` as the name of a role; "" where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = re.sub(r"(?:-(?:snapshot|snap|image|ami))+$", "", re.sub(r"^[0-9-]+", "", name))
    return name[:40].rstrip("-")


def stem(pattern: str) -> str:
    """The literal start of a pattern of names: `web` of `^web-[0-9]+$` and of `web-*`."""
    return re.split(r"[*?\[({\\$+|.]", pattern.lstrip("^"), maxsplit=1)[0].strip("-_ ")
