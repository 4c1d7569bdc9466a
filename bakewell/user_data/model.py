"""Who a machine is, as a typed value, and the cloud-init YAML that tells it.

There is no room for a secret: user_data can be read by every process of the machine, and lies in Pulumi's state. What
a service needs besides comes by reference, from Consul.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from bakewell.catalog.role import KvPath, Mode, Role, Unit, Watch
from bakewell.clouds.facts import CLOUDS
from bakewell.errors import ConfigError
from bakewell.reading import Model, Name, Slug, checked

LIMITS = {name: facts.user_data for name, facts in CLOUDS.items()}
"""Bytes of user_data that a cloud takes."""

MACHINE_FILE = "/etc/bakewell/machine.json"
CLUSTER_FILE = "/etc/consul.d/cluster.json"
WATCHES_FILE = "/etc/consul-template/config.d/watches.json"
PEERS_FOLDER = "/etc/bakewell/peers"
ENVIRONMENT_FILE = "/etc/bakewell/environment"
_LONGEST_ADDRESS = "255.255.255.255"
_LONGEST_PEER = f"{_LONGEST_ADDRESS}:65535"
_Address = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]


class Cluster(Model):
    """The Consul cluster of a stack, as one machine is told of it.

    Attributes:
        datacenter: its name.
        expect: how many servers it has.
        join: addresses of its servers, this machine's own left out: an agent that has joined itself looks no further.
    """

    datacenter: Slug
    expect: int = Field(ge=1)
    join: list[_Address]

    @classmethod
    def longest(cls, datacenter: str, servers: int, mode: Mode) -> Cluster:
        """One whose addresses are as long as addresses get: what a preview measures while it knows none."""
        others = servers - 1 if mode == "server" else servers
        return cls(datacenter=datacenter, expect=servers, join=[_LONGEST_ADDRESS] * others)


class UserData(Model):
    """Who a machine is.

    Attributes:
        role: its role.
        services: systemd units that it starts at each boot, without waiting for them.
        consul: what it is in the stack's Consul cluster; None where it has no part in one.
        watches: files that consul-template keeps in line with Consul.
        environment: prefix of Consul's KV that becomes the services' environment file.
        peers: roles whose machines it is told the addresses of; none where Consul has them.
    """

    role: Name
    services: list[Unit] = Field(default_factory=list)
    consul: Mode | None = None
    watches: list[Watch] = Field(default_factory=list)
    environment: KvPath | None = None
    peers: list[Name] = Field(default_factory=list)

    @classmethod
    def of(cls, role: str, services: list[str]) -> UserData:
        """A machine that has no part in a cluster. Bad values raise a ConfigError."""
        data = {"role": role, "services": services}
        return checked(cls, data, file=f"user_data of {role}", what="machine")

    @classmethod
    def of_role(cls, role: Role, *, clustered: bool) -> UserData:
        """A machine of a role of the catalog. `clustered`: its stack has Consul servers."""
        if role.consul is None or not clustered:
            return cls(role=role.name, services=role.units, peers=role.boot.peers)
        return cls(
            role=role.name,
            services=role.units,
            consul=role.consul.mode,
            watches=role.consul.watches,
            environment=role.consul.environment,
        )

    def render(
        self,
        cluster: Cluster | None = None,
        cloud: str = "digitalocean",
        peers: Mapping[str, Sequence[str]] | None = None,
    ) -> str:
        """The text for `cloud`: the same for the same values, so that it never replaces a machine by itself.

        Args:
            cluster: what `consul` is part of; left out where that is None.
            cloud: whose limit counts.
            peers: `<address>:<port>` of the machines of each role of `peers`.

        Raises:
            ConfigError: it is larger than the cloud takes.
        """
        files = []
        if self.consul is not None and cluster is not None:
            files.append(_file(CLUSTER_FILE, self._cluster(self.consul, cluster)))
            if templates := self._templates():
                files.append(_file(WATCHES_FILE, {"template": templates}))
        for role in self.peers:
            lines = "".join(f"{one}\n" for one in (peers or {}).get(role, ()))
            files.append({"path": f"{PEERS_FOLDER}/{role}", "permissions": "0644", "content": lines})
        # Last: where it is, the others are too, and steps/ready/files/ready.py knows whether there is a cluster.
        files.append(_file(MACHINE_FILE, {"role": self.role}))
        document: dict[str, object] = {"write_files": files}
        if self.services:
            # bootcmd, not runcmd: in cloud-init's first network stage, not its last, and at each boot.
            document["bootcmd"] = [["systemctl", "start", "--no-block", *self.services]]
        # JSON is YAML: no YAML writer to load, and no quoting of its own to get wrong.
        text = "#cloud-config\n" + json.dumps(document, indent=1, sort_keys=True) + "\n"
        size, limit = len(text.encode()), LIMITS[cloud]
        if size > limit:
            raise ConfigError(
                f"user_data of {self.role} is {size} bytes, and {cloud} takes {limit}",
                remedy="bake files into the image (packer/images/<role>/files/) instead of sending them",
            )
        return text

    def largest(
        self, datacenter: str, servers: int, cloud: str = "digitalocean", peers: Mapping[str, int] | None = None
    ) -> str:
        """The text in a cluster of so many `servers` (0: none), before anybody knows their addresses.

        What the machine really gets differs in addresses only, and none of them is longer. Errors as for `render`.

        Args:
            peers: how many machines there are of each role of `peers`.
        """
        cluster = Cluster.longest(datacenter, servers, self.consul) if self.consul and servers else None
        return self.render(cluster, cloud, {role: [_LONGEST_PEER] * count for role, count in (peers or {}).items()})

    def _cluster(self, mode: Mode, cluster: Cluster) -> dict[str, Any]:
        told = {"datacenter": cluster.datacenter, "retry_join": cluster.join, "retry_interval": "2s"}
        return told | ({"server": True, "bootstrap_expect": cluster.expect} if mode == "server" else {})

    def _templates(self) -> list[dict[str, Any]]:
        """consul-template's configuration."""
        found: list[dict[str, Any]] = [watch.model_dump(exclude_none=True) for watch in self.watches]
        if self.environment is not None:
            lines = f'{{{{range ls "{self.environment}"}}}}{{{{.Key}}}}={{{{.Value}}}}\n{{{{end}}}}'
            template = {"contents": lines, "destination": ENVIRONMENT_FILE, "perms": "0600"}
            if self.services:
                template["command"] = " ".join(["systemctl", "try-restart", "--no-block", *self.services])
            found.append(template)
        return found


def _file(path: str, content: dict[str, Any]) -> dict[str, str]:
    text = json.dumps(content, separators=(",", ":")) + "\n"
    return {"path": path, "permissions": "0644", "content": text}
