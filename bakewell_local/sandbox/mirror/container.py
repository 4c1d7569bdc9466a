"""One cloud's mirror: a container with the cloud's label, at the cloud's mirror address, started in about a second.

It is removed with all else that the cloud has (`Machines.purge`), or by `stop`.
"""

from __future__ import annotations

from contextlib import closing

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from bakewell.cleanup import undone_by
from bakewell.clouds.docker.api import remove_container
from bakewell_local.sandbox.machines import MachineError
from bakewell_local.sandbox.machines.engine import LABEL, connect, plain_errors
from bakewell_local.sandbox.machines.making import archive
from bakewell_local.sandbox.machines.network import CloudNetwork
from bakewell_local.sandbox.machines.trust import certificates
from bakewell_local.sandbox.mirror import image, releases
from bakewell_local.toolchain.build import Builder
from bakewell_local.toolchain.progress import say
from bakewell_local.toolchain.tools import SERVED

SECONDS = 20  # that a new one is given to answer; it takes less than one
_ASK = """
until curl -fs -o /dev/null --connect-to ::127.0.0.1: --cacert /etc/mirror/authority.crt https://registry-1.docker.io/v2/
do sleep 0.02; done
"""


def prepare() -> tuple[str, str]:
    """Have all that a mirror is made of: programs, packed releases, the image.

    Returns:
        The image's tag, and what BAKEWELL_DOWNLOADS is to name (TOML).

    Raises:
        BakewellError: something can't be built or had.
    """
    packed = releases.pack(Builder().ensure(SERVED, only_built=True))
    return image.ensure(packed, _tell), releases.downloads(packed)


def start(cloud_id: str) -> str:
    """Have the cloud's mirror answer; does nothing where the right one does. Not for two callers of a cloud at once.

    Returns:
        What BAKEWELL_DOWNLOADS is to name (TOML).

    Raises:
        BakewellError: as `prepare`; or the mirror does not answer.
    """
    tag, downloads = prepare()
    with plain_errors(f"starting the mirror of cloud {cloud_id}"), closing(connect()) as client:
        if not _serves(client, cloud_id, tag):
            _tell("starting it")
            remove_container(client, _name(cloud_id))
            _start(client, cloud_id, tag)
    return downloads


def stop(cloud_id: str) -> None:
    """Remove the cloud's mirror; nothing answers at its address any more. One that is gone is no error.

    Raises:
        MachineError: Docker is unreachable or refused.
    """
    with plain_errors(f"removing the mirror of cloud {cloud_id}"), closing(connect()) as client:
        remove_container(client, _name(cloud_id))


def runs(cloud_id: str) -> bool:
    """Whether the cloud's mirror runs. Raises MachineError where Docker is unreachable or refuses."""
    with plain_errors(f"looking for the mirror of cloud {cloud_id}"), closing(connect()) as client:
        try:
            return bool(client.containers.get(_name(cloud_id)).status == "running")
        except NotFound:
            return False


def _serves(client: DockerClient, cloud_id: str, tag: str) -> bool:
    try:
        container = client.containers.get(_name(cloud_id))
    except NotFound:
        return False
    right = container.status == "running" and container.attrs["Image"] == client.images.get(tag).id
    return right and _answers(container, 2)


def _answers(container: Container, seconds: int) -> bool:
    """Whether it answers within so many seconds; asked from inside, for the network may be out of our reach."""
    status, _ = container.exec_run(["timeout", str(seconds), "sh", "-c", _ASK])
    return bool(status == 0)


def _start(client: DockerClient, cloud_id: str, tag: str) -> None:
    network = CloudNetwork(client, cloud_id)
    endpoint = client.api.create_endpoint_config(ipv4_address=network.mirror_address())
    container = client.containers.create(
        tag,
        name=_name(cloud_id),
        hostname="mirror",
        labels={LABEL: cloud_id},
        network=network.name,
        networking_config={network.name: endpoint},
        detach=True,
    )
    with undone_by(lambda: remove_container(client, _name(cloud_id))):
        ours = certificates()
        files = {"server.crt": ours.server, "server.key": ours.key, "authority.crt": ours.authority}
        content = {f"etc/mirror/{name}": path.read_bytes() for name, path in files.items()}
        container.put_archive("/", archive(content, mode=0o600))
        container.start()
        if not _answers(container, SECONDS):
            last = container.logs(tail=5).decode(errors="replace").strip()
            raise MachineError(f"the mirror of cloud {cloud_id} does not answer after {SECONDS} s:\n{last}")


def _tell(line: str) -> None:
    say("mirror", line.removeprefix(f"{image.WHAT}: "))


def _name(cloud_id: str) -> str:
    return f"bakewell-{cloud_id}-mirror"
