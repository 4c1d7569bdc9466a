"""A cloud's network: a bridge of its own, and an address for each machine that stays while the machine exists."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Iterator

import psutil
from docker import DockerClient
from docker.errors import APIError
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from bakewell_local.sandbox.machines.engine import LABEL, plain_errors
from bakewell_local.sandbox.machines.errors import MachineError

# Private space that Docker does not hand out by itself. A /22 has room for a thousand machines.
SPACE = ipaddress.IPv4Network("10.160.0.0/13")
PREFIX = 22
RESERVABLE = 16  # addresses that no machine is made with; only further ones can be of these

# Run in a machine, as root. Whoever had the address before, neighbours learn at once where it is now (gratuitous ARP).
ADD = """
import pathlib, socket, subprocess, sys
subprocess.run(["ip", "address", "replace", sys.argv[1] + "/32", "dev", "eth0"], check=True)
mac = bytes.fromhex(pathlib.Path("/sys/class/net/eth0/address").read_text().strip().replace(":", ""))
ip = socket.inet_aton(sys.argv[1])
everybody, arp, request = bytes([255] * 6), bytes([8, 6]), bytes([0, 1, 8, 0, 6, 4, 0, 1])
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind(("eth0", 0))
    wire.send(everybody + mac + arp + request + mac + ip + everybody + ip)
"""
DROP = ["sh", "-c", 'test -z "$(ip address show dev eth0 to "$0/32")" || ip address del "$0/32" dev eth0']


class CloudNetwork:
    """The network of one cloud. Made on first use; not safe for use by several threads at once."""

    def __init__(self, client: DockerClient, cloud_id: str) -> None:
        self._client = client
        self._cloud_id = cloud_id
        self.name = f"bakewell-{cloud_id}"
        self._subnet: ipaddress.IPv4Network | None = None
        self._last: ipaddress.IPv4Address | None = None

    def ensure(self) -> ipaddress.IPv4Network:
        """The cloud's subnet; its first address is the bridge's, which the host answers on.

        Raises:
            MachineError: no free subnet, or Docker failed.

        """
        if self._subnet is None:
            with plain_errors(f"network {self.name}"):
                found = [one for one in self._client.networks.list(names=[self.name]) if one.name == self.name]
                network = found[0] if found else self._create()
                network.reload()
                self._subnet = ipaddress.IPv4Network(network.attrs["IPAM"]["Config"][0]["Subnet"])
        return self._subnet

    def bridge_address(self) -> str:
        """The host's own address in the network."""
        return str(self.ensure()[1])

    def mirror_address(self) -> str:
        """The mirror's: the subnet's last one, so that whoever knows the cloud knows it, whether there is a mirror."""
        return str(self.ensure()[-2])

    def free_address(self) -> str:
        """An address that no machine of the cloud has, running or stopped; not one given back a moment ago.

        The top of the subnet is kept out: its last address, and those that may be reserved.

        Raises:
            MachineError: none is left, or Docker failed.

        """
        subnet = self.ensure()
        with plain_errors(f"addresses of network {self.name}"):
            taken = {address for address in self._taken() if subnet[2] <= address < subnet[-2 - RESERVABLE]}
        first, end = int(subnet[2]), int(subnet[-2 - RESERVABLE])
        after = int(self._last or max(taken, default=subnet[1])) + 1
        for number in [*range(after, end), *range(first, after)]:
            address = ipaddress.IPv4Address(number)
            if address not in taken:
                self._last = address
                return str(address)
        raise MachineError(f"network {self.name}: no address is left in {subnet}", remedy="delete some machines")

    def reservable(self) -> list[str]:
        """The addresses that a machine may have besides its own, and that can move to another one.

        Raises:
            MachineError: no free subnet, or Docker failed.

        """
        subnet = self.ensure()
        return [str(subnet[-2 - RESERVABLE + number]) for number in range(RESERVABLE)]

    def _taken(self) -> Iterator[ipaddress.IPv4Address]:
        for container in self._client.api.containers(all=True, filters={"label": f"{LABEL}={self._cloud_id}"}):
            endpoint = container["NetworkSettings"]["Networks"].get(self.name) or {}
            # A stopped machine has no address in use, but keeps the one that it was made with.
            address = (endpoint.get("IPAMConfig") or {}).get("IPv4Address") or endpoint.get("IPAddress")
            if address:
                yield ipaddress.IPv4Address(address)

    def _create(self) -> Network:
        candidates = list(SPACE.subnets(new_prefix=PREFIX))
        # Clouds that start at the same moment begin the search at different places.
        start = int.from_bytes(hashlib.sha256(self._cloud_id.encode()).digest()[:4]) % len(candidates)
        in_use = list(_host_networks())
        for subnet in candidates[start:] + candidates[:start]:
            if any(subnet.overlaps(other) for other in in_use):
                continue
            pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
            try:
                return self._client.networks.create(
                    self.name,
                    driver="bridge",
                    ipam=IPAMConfig(pool_configs=[pool]),
                    labels={LABEL: self._cloud_id},
                    check_duplicate=True,
                )
            except APIError as error:
                if "overlap" not in str(error.explanation):
                    raise
        raise MachineError(f"network {self.name}: no free subnet in {SPACE}", remedy="remove unused Docker networks")


def _host_networks() -> Iterator[ipaddress.IPv4Network]:
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family == socket.AF_INET and one.netmask:
                yield ipaddress.IPv4Network(f"{one.address}/{one.netmask}", strict=False)
