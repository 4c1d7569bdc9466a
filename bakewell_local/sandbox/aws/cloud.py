"""What stands behind moto's records: machines, their images, the work under way, the faults that tests order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bakewell_local.sandbox.machines import Machines
from bakewell_local.sandbox.serving.faults import Faults
from bakewell_local.sandbox.serving.machines import faulty
from bakewell_local.sandbox.serving.work import Work


class Aws:
    """One cloud of this process; the hooks find it by `current`.

    Its records end with the process, so it begins by removing the machines and images that a former one left: their
    Docker label is the whole local cloud's, but no machine of DigitalOcean's half is called like an instance, and none
    of its images like an AMI.

    Args:
        cloud_id: part of its image tags.
        stock_image: gives the Docker tag of the stock Debian image, building it if need be.
        action_seconds: how long a change of state takes at least; more than 0.
        keys: key pairs that every region of every account has from the start: name -> public half, an OpenSSH line.

    Raises:
        MachineError: what a former one left can't be removed.
    """

    def __init__(
        self,
        cloud_id: str,
        machines: Machines,
        stock_image: Callable[[], str],
        *,
        action_seconds: float = 0.3,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self.cloud_id = cloud_id
        self.keys = dict(keys or {})
        self.faults = Faults()
        self.machines = faulty(machines, self.faults)
        self.stock_image = stock_image
        self.work = Work(action_seconds)
        for name in machines.names():
            if name.startswith("i-"):
                machines.remove(name)
        for tag in machines.tags():
            if tag.startswith(self.image_tag("ami-")):
                machines.remove_image(tag)

    def image_tag(self, image_id: str) -> str:
        """The Docker tag of an AMI that was made here; tags are shared by all clouds on the host."""
        return f"bakewell/{self.cloud_id}:{image_id}"

    def close(self) -> None:
        """Ends what is under way. Machines and images stay: teardown, or the next server, removes them."""
        self.faults.clear()
        self.work.close()


_current: list[Aws] = []


def serve(cloud: Aws) -> None:
    """Has the hooks find this cloud from now on."""
    _current[:] = [cloud]


def current() -> Aws:
    """The cloud that this process serves."""
    return _current[0]
