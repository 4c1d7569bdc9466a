"""What has to be known of a cloud where its API is not at hand: one entry a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Memory = Literal[1, 2, 4, 8, 16]
"""GB (10^9 or 2^30 bytes, as the cloud counts)."""

Arch = Literal["x86_64", "arm64"]


@dataclass(frozen=True, slots=True)
class MachineType:
    """A type of machine that builds images.

    Attributes:
        memory_gb, cpus: what it has, at least.
        disk_gb: the disk that it comes with; None where an image's disk is as large as one asks for.
    """

    name: str
    memory_gb: int
    cpus: int
    disk_gb: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One cloud.

    Attributes:
        types: machines with shared processors that build images, by architecture, the cheapest first. Every machine of
            Docker is as large as its host, so one type stands for all.
        user_data: how many bytes of it a machine takes, before they are encoded in base64.
        variables: names (with * for any end) of the environment variables that its Packer plugin, and the programs that
            starts, may see. What `Environment` knows is not among them: Packer is told that in any case.
        any_image: stands for an image's ID where nothing is built.
    """

    types: Mapping[Arch, tuple[MachineType, ...]]
    user_data: int
    variables: tuple[str, ...]
    any_image: str

    def size(self, *, memory_gb: int, cpus: int | None = None, disk_gb: int | None = None, arch: Arch) -> str | None:
        """The cheapest type that has all of this, by name; None where there is none."""
        for one in self.types.get(arch, ()):
            disk_fits = one.disk_gb is None or one.disk_gb >= (disk_gb or 0)
            if one.memory_gb >= memory_gb and one.cpus >= (cpus or 1) and disk_fits:
                return one.name
        return None


def _burstable(family: str) -> tuple[MachineType, ...]:
    sizes = (("micro", 1, 2), ("small", 2, 2), ("medium", 4, 2), ("large", 8, 2), ("xlarge", 16, 4), ("2xlarge", 32, 8))
    return tuple(MachineType(f"{family}.{size}", memory, cpus) for size, memory, cpus in sizes)


_DROPLETS = (
    MachineType("s-1vcpu-1gb", 1, 1, 25),
    MachineType("s-1vcpu-2gb", 2, 1, 50),
    MachineType("s-2vcpu-2gb", 2, 2, 60),
    MachineType("s-2vcpu-4gb", 4, 2, 80),
    MachineType("s-4vcpu-8gb", 8, 4, 160),
    MachineType("s-8vcpu-16gb", 16, 8, 320),
)
_HOST = (MachineType("", 2**20, 2**20),)

CLOUDS: Mapping[str, Facts] = {
    "digitalocean": Facts(
        types={"x86_64": _DROPLETS},
        user_data=64 * 1024,
        variables=(),
        any_image="1",
    ),
    "aws": Facts(
        types={"x86_64": _burstable("t3"), "arm64": _burstable("t4g")},
        user_data=16 * 1024,
        variables=("AWS_*",),  # a family: profiles, keys, roles, the metadata of containers, endpoints, authorities
        any_image="ami-00000000",
    ),
    "docker": Facts(
        types={"x86_64": _HOST, "arm64": _HOST},
        user_data=64 * 1024,
        variables=("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_API_VERSION"),
        any_image="any",
    ),
}
