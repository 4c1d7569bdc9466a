"""What has to be known of a cloud where its API is not at hand: one entry a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Memory = Literal[1, 2, 4, 8, 16]
"""GB (10^9 or 2^30 bytes, as the cloud counts)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One cloud.

    Attributes:
        sizes: memory of the machine that builds an image, which a catalog states, as the cloud's type of machine: the
            cheapest with shared processors that has so much.
        user_data: how many bytes of it a machine takes, before they are encoded in base64.
        variables: names (with * for any end) of the environment variables that its Packer plugin, and the programs that
            starts, may see. What `Environment` knows is not among them: Packer is told that in any case.
        any_image: stands for an image's ID where nothing is built.
    """

    sizes: Mapping[Memory, str]
    user_data: int
    variables: tuple[str, ...]
    any_image: str


CLOUDS: Mapping[str, Facts] = {
    "digitalocean": Facts(
        sizes={1: "s-1vcpu-1gb", 2: "s-1vcpu-2gb", 4: "s-2vcpu-4gb", 8: "s-4vcpu-8gb", 16: "s-8vcpu-16gb"},
        user_data=64 * 1024,
        variables=(),
        any_image="1",
    ),
    "aws": Facts(
        sizes={1: "t3.micro", 2: "t3.small", 4: "t3.medium", 8: "t3.large", 16: "t3.xlarge"},
        user_data=16 * 1024,
        variables=("AWS_*",),  # a family: profiles, keys, roles, the metadata of containers, endpoints, authorities
        any_image="ami-00000000",
    ),
    "docker": Facts(
        # A container has what its host has.
        sizes=dict.fromkeys((1, 2, 4, 8, 16), ""),
        user_data=64 * 1024,
        variables=("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_API_VERSION"),
        any_image="any",
    ),
}
