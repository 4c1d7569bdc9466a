"""A machine on Docker: a container of an image of ours, with systemd as its first process and a seed for cloud-init.

It knows neither stacks nor roles. Whether the machine does its work is for `readiness` to see.
"""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docker import DockerClient
from pydantic import Field

from bakewell.cleanup import undone_by
from bakewell.clouds.answers import Answer
from bakewell.clouds.docker.api import asking, read, remove_container
from bakewell.errors import BakewellError, CloudError

SEED = "/var/lib/cloud/seed/nocloud"
SYSTEMD = "/lib/systemd/systemd"
NEEDS: dict[str, Any] = {
    "environment": {"container": "docker"},
    "cap_add": ["SYS_ADMIN", "NET_ADMIN"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "tmpfs": {"/run": "", "/run/lock": ""},
    "stop_signal": "SIGRTMIN+3",  # systemd's own for "halt now"; it does not understand SIGTERM that way
}
"""What systemd needs of a container, as in packer/docker.pkr.hcl, besides control groups that it may write to."""
_FIRST_MOMENTS = 0.2  # seconds; a systemd that cannot start ends within half of that


@dataclass(frozen=True, slots=True)
class Booted:
    """A machine that runs.

    Attributes:
        id: the container's, 64 hex digits.
        address: its IPv4 address on Docker's own network: for other containers, and on Linux for this machine too.
        port: the one of this machine's, on loopback, that leads to the published one; None where none is published.
    """

    id: str
    address: str
    port: int | None


class _Network(Answer):
    address: str = Field(alias="IPAddress")


class _Published(Answer):
    port: str = Field(alias="HostPort", pattern=r"^[0-9]{1,5}$")


class _Networks(Answer):
    networks: dict[str, _Network] = Field(alias="Networks")
    ports: dict[str, list[_Published] | None] = Field(alias="Ports")


class _Running(Answer):
    network: _Networks = Field(alias="NetworkSettings")


def boot(
    client: DockerClient, name: str, image: str, *, hostname: str, user_data: str, port: int | None, publish: int | None
) -> Booted:
    """A container that has just begun to boot. One of that name which an interrupted call left is removed first.

    Args:
        name: the container's; also tells cloud-init that this is a machine it has not seen.
        image: its ID or name.
        user_data: as cloud-init reads it.
        port: where the machine serves; None for one that does not.
        publish: the port of this machine that leads there; None for any that is free.

    Raises:
        CloudError: Docker refuses: no such image, the port is taken.
        BakewellError: it ended at once.
    """
    # On loopback only; without a number, Docker takes any port that is free.
    ports: dict[str, Any] = {f"{port}/tcp": ("127.0.0.1", publish) if publish else ("127.0.0.1",)} if port else {}
    with asking(f"make container {name}"):
        remove_container(client, name)
        container = client.containers.create(
            image,
            SYSTEMD,
            name=name,
            hostname=hostname,
            cgroupns="host",
            volumes={"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}},
            ports=ports,
            detach=True,
            **NEEDS,
        )
    with undone_by(lambda: _remove(client, name)):
        with asking(f"start container {name}"):
            container.put_archive("/", seed(name, hostname, user_data))
            container.start()
            time.sleep(_FIRST_MOMENTS)
            container.reload()
        if container.status != "running":
            said = container.logs(tail=5).decode(errors="replace").strip()
            raise BakewellError(
                f"container {name} ended as soon as it was started: {said or 'without a word'}",
                remedy="where many run, allow more: sysctl -w fs.inotify.max_user_instances=1024; docs/docker.md says "
                "what an image needs",
            )
    return Booted(str(container.id), *_reached(name, container.attrs, port))


def _reached(name: str, attributes: object, port: int | None) -> tuple[str, int | None]:
    """Address and published port of a container that runs."""
    network = read(_Running, attributes, f"look at container {name}").network
    address = next((one.address for one in network.networks.values() if one.address), None)
    published = next(iter(network.ports.get(f"{port}/tcp") or ()), None)
    if address is None or (port and published is None):
        raise CloudError(
            f"Docker gave container {name} no {'port' if address else 'address'} that it can be reached by",
            remedy="see: docker network inspect bridge, then run `pulumi up` again",
        )
    return address, int(published.port) if published is not None else None


def _remove(client: DockerClient, name: str) -> None:
    with asking(f"remove container {name}"):
        remove_container(client, name)


def seed(instance_id: str, hostname: str, user_data: str, public_keys: Sequence[str] = ()) -> bytes:
    """NoCloud's files, as an archive to unpack at the root; root is given the public keys (OpenSSH lines)."""
    about = {"instance-id": instance_id, "local-hostname": hostname, "public-keys": list(public_keys)}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file, text in {"meta-data": json.dumps(about), "user-data": user_data}.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"{SEED.lstrip('/')}/{file}")
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
