"""One cloud's machines: create, start, stop, snapshot and remove systemd containers, all with the cloud's label."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from docker.errors import ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount
from filelock import FileLock

from bakewell.cleanup import undone_by
from bakewell.clouds.docker.api import remove_container
from bakewell.machine.container import NEEDS, SEED, SYSTEMD, seed
from bakewell_local.sandbox.machines import limits
from bakewell_local.sandbox.machines.engine import LABEL, connect, plain_errors, remove_images
from bakewell_local.sandbox.machines.errors import MachineError
from bakewell_local.sandbox.machines.network import ADD, DROP, CloudNetwork
from bakewell_local.sandbox.machines.trust import VENDORS
from bakewell_local.sandbox.machines.watch import Watch
from bakewell_local.toolchain import folders

WRITABLE_V2 = ["/bin/sh", "-c", f"mount -o remount,bind,rw /sys/fs/cgroup && exec {SYSTEMD}"]
STOP_SECONDS = 30
FIRST_MOMENTS = 0.1  # seconds; a systemd that cannot start ends within a tenth of that


class Machines:
    """The machines and snapshots of one cloud; safe for use by several threads, and by several processes of one user.

    Every container, image, volume and network that it makes has the Docker label `bakewell=<cloud_id>`. Names are
    the cloud's own: two clouds on one engine may both have a machine `droplet-1001`. Image tags are the engine's: a
    caller puts the cloud's ID in them. A machine's seed for cloud-init is in a volume, so that no snapshot has it.
    A machine that reboots itself from inside goes off and stays off: the engine cannot tell that from a shutdown.

    All methods raise MachineError: Docker unreachable, disk full, no such machine or image.
    """

    def __init__(self, cloud_id: str) -> None:
        self._cloud_id = cloud_id
        self._labels = {LABEL: cloud_id}
        self._ours = {"label": f"{LABEL}={cloud_id}"}
        self._client = connect()
        self._network = CloudNetwork(self._client, cloud_id)
        self._lock = _lock(cloud_id)
        with plain_errors("reaching Docker"):
            self._cgroup_v2 = str(self._client.api.info().get("CgroupVersion", "1")) == "2"

    def create(
        self,
        name: str,
        image: str,
        *,
        hostname: str,
        instance_id: str,
        user_data: str | None,
        public_keys: Sequence[str],
    ) -> str:
        """Boots a machine and returns its IPv4 address, at once: SSH answers some seconds later.

        cloud-init runs `user_data` once for each `instance_id`, and gives root the `public_keys` (OpenSSH lines).
        """
        doing = f"creating machine {name} from {image}"
        # Until the container exists, its address is anybody's: another thread's, and the cloud's other server's.
        with plain_errors(doing), self._lock:
            address = self._network.free_address()
            container = self._create_container(name, image, hostname, address)
        with undone_by(lambda: self.remove(name)), plain_errors(doing):
            empty = "#cloud-config\n{}\n"
            container.put_archive(
                "/", seed(instance_id, hostname, empty if user_data is None else user_data, public_keys)
            )
            self._boot(name, container)
        return address

    def start(self, name: str) -> str:
        """Boots a machine that is off; returns its address, the same as before."""
        with plain_errors(f"starting machine {name}"):
            container = self._get(name)
            self._boot(name, container)
            address = container.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"]
        return str(address)

    def stop(self, name: str, graceful: bool) -> None:
        """Shuts a machine down (`graceful`: services stop first), or pulls the plug. Returns when it is off."""
        with plain_errors(f"stopping machine {name}"):
            self._get(name).stop(timeout=STOP_SECONDS if graceful else 0)

    def reboot(self, name: str) -> None:
        """Shuts a machine down and boots it again; it keeps its address and its instance ID."""
        with plain_errors(f"rebooting machine {name}"):
            self._get(name).restart(timeout=STOP_SECONDS)

    def remove(self, name: str) -> None:
        """Removes a machine with its disk, running or not. One that is gone is no error."""
        with plain_errors(f"removing machine {name}"):
            remove_container(self._client, self._container_name(name))

    def exists(self, name: str) -> bool:
        """Whether there is such a machine, on or off."""
        return self._find(name) is not None

    def running(self, name: str) -> bool:
        """Whether the machine is on; one that powered itself off, or does not exist, is not."""
        container = self._find(name)
        return container is not None and container.status == "running"

    def names(self) -> list[str]:
        """The machines, on or off."""
        with plain_errors("listing machines"):
            found = self._client.api.containers(all=True, filters=self._ours)
        return [str(one["Names"][0]).removeprefix(f"/{self._container_name('')}") for one in found]

    def tags(self) -> list[str]:
        """The snapshots."""
        with plain_errors("listing images"):
            found = self._client.api.images(filters=self._ours)
        return [str(tag) for one in found for tag in one["RepoTags"] or ()]

    def commit(self, name: str, tag: str) -> int:
        """Takes a snapshot of a machine that is off, as image `tag` (`repository:tag`); returns its size in bytes.

        Raises:
            MachineError: the machine runs; or as for all methods.

        """
        repository, _, version = tag.rpartition(":")
        with plain_errors(f"taking a snapshot of machine {name}"):
            container = self._get(name)
            if container.status == "running":
                raise MachineError(f"taking a snapshot of machine {name}: it runs", remedy="stop it first")
            image = self._client.api.commit(str(container.id), repository=repository, tag=version, pause=False)
            return int(self._client.images.get(image["Id"]).attrs["Size"])

    def remove_image(self, tag: str) -> None:
        """Removes a snapshot. Machines made from it live on, as do snapshots of them. One that is gone is no error."""
        with plain_errors(f"removing image {tag}"):
            try:
                self._client.images.remove(tag, force=True)
            except ImageNotFound:
                return

    def bridge_address(self) -> str:
        """The host's IPv4 address as this cloud's machines see it; makes the cloud's network if need be."""
        with self._lock:
            return self._network.bridge_address()

    def reservable(self) -> list[str]:
        """IPv4 addresses of this cloud's network that `attach` can give to a machine; no machine is made with one."""
        with self._lock:
            return self._network.reservable()

    def attach(self, name: str, address: str) -> None:
        """Has a machine answer on a reservable address too, at once for everyone on the network.

        It keeps it until it goes off or reboots; nothing happens to one that is off. The caller has whoever had the
        address lose it first.
        """
        self._run(name, f"giving {address} to machine {name}", ["python3", "-c", ADD, address])

    def detach(self, name: str, address: str) -> None:
        """Takes an address of `attach` from a machine; one that hasn't got it, is off or is gone, is no error."""
        if self.exists(name):
            self._run(name, f"taking {address} from machine {name}", [*DROP, address])

    def watch(self) -> Watch:
        """The names of machines that go off from now on."""
        return Watch(self._cloud_id)

    def purge(self) -> None:
        """Removes every container, image, volume and network with this cloud's label, and nothing else."""
        with plain_errors(f"removing cloud {self._cloud_id}"), self._lock:
            for container in self._client.api.containers(all=True, filters=self._ours):
                remove_container(self._client, container["Id"])
            remove_images(self._client, self._ours)
            for volume in self._client.volumes.list(filters=self._ours):
                volume.remove(force=True)
            for network in self._client.networks.list(filters=self._ours):
                network.remove()
            self._network = CloudNetwork(self._client, self._cloud_id)
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def _boot(self, name: str, container: Container) -> None:
        """Start it, and see that its systemd did not end at once, as it does where the kernel refuses it something."""
        container.start()
        time.sleep(FIRST_MOMENTS)
        container.reload()
        if container.status != "running":
            raise MachineError(f"machine {name} ended as soon as it was started", remedy=limits.REMEDY)

    def _run(self, name: str, doing: str, command: Sequence[str]) -> None:
        """Runs a command inside a machine, as root, unless that is off."""
        with plain_errors(doing):
            container = self._get(name)
            if container.status != "running":
                return
            status, output = container.exec_run(list(command))
            if status != 0:
                raise MachineError(f"{doing}: {output.decode(errors='replace').strip()}")

    def _create_container(self, name: str, image: str, hostname: str, address: str) -> Container:
        endpoint = self._client.api.create_endpoint_config(ipv4_address=address)
        return self._client.containers.create(
            image,
            name=self._container_name(name),
            hostname=hostname,
            labels=self._labels,
            mounts=self._mounts(),
            network=self._network.name,
            networking_config={self._network.name: endpoint},
            extra_hosts=dict.fromkeys(VENDORS, self._network.mirror_address()),
            # systemd needs control groups that it may write to. With version 2, the container has a tree of its own,
            # which Docker mounts read-only unless the container is privileged; with version 1, it is the host's.
            detach=True,
            cgroupns="private" if self._cgroup_v2 else None,
            command=WRITABLE_V2 if self._cgroup_v2 else [SYSTEMD],
            **NEEDS,
        )

    def _mounts(self) -> list[Mount]:
        seed = Mount(target=SEED, source=None, type="volume", no_copy=True, labels=self._labels)
        groups = Mount(target="/sys/fs/cgroup", source="/sys/fs/cgroup", type="bind")
        return [seed] if self._cgroup_v2 else [seed, groups]

    def _container_name(self, name: str) -> str:
        return f"bakewell-{self._cloud_id}-{name}"

    def _get(self, name: str) -> Container:
        return self._client.containers.get(self._container_name(name))

    def _find(self, name: str) -> Container | None:
        with plain_errors(f"looking for machine {name}"):
            try:
                return self._get(name)
            except NotFound:
                return None


def _lock(cloud_id: str) -> FileLock:
    """Held by whoever changes the cloud's network or takes an address of it: each half of a cloud is a process."""
    locks = folders.state() / "machines"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{cloud_id}.lock")
