"""How large the machine is that builds an image: memory, which a catalog states, as each cloud's type of machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Memory = Literal[1, 2, 4, 8, 16]
"""GB (10^9 or 2^30 bytes, as the cloud counts)."""

SIZES: Mapping[str, Mapping[Memory, str]] = {
    "digitalocean": {
        1: "s-1vcpu-1gb",
        2: "s-1vcpu-2gb",
        4: "s-2vcpu-4gb",
        8: "s-4vcpu-8gb",
        16: "s-8vcpu-16gb",
    },
    "aws": {1: "t3.micro", 2: "t3.small", 4: "t3.medium", 8: "t3.large", 16: "t3.xlarge"},
}
"""The cheapest type of each cloud with shared processors that has so much."""
