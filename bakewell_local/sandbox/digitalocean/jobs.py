"""What each type of action does: the slow part with machines, then what it changes in the records.

A job can be done again from the start, because a server that was killed takes up its actions when it comes back.
"""

from __future__ import annotations

from collections.abc import Callable

from bakewell_local.sandbox.digitalocean.cloud_state import CloudState
from bakewell_local.sandbox.digitalocean.records import Action, Droplet, Image, ReservedIp
from bakewell_local.sandbox.machines import MachineError

Settle = Callable[[], None]
GB = 1000**3


def work(cloud: CloudState, action: Action) -> Settle:
    """Does the slow part of the action; gives what to record once its time is over (in a transaction).

    Raises:
        MachineError: it can't be done; the action is to end "errored", see `fail`.
    """
    return _JOBS[action.resource_type, action.type](cloud, action)


def fail(cloud: CloudState, action: Action) -> None:
    """Records that the action failed (in a transaction): a droplet that never was goes, anything else is unlocked."""
    if action.resource_type == "droplet" and action.type in ("create", "destroy"):
        bury(cloud, action.resource_id)
    elif action.resource_type == "droplet":
        _settle_droplet(cloud, action)
    elif action.resource_type == "reserved_ip":
        _settle_ip(cloud, action)


def _droplet(cloud: CloudState, action: Action) -> Droplet:
    droplet = cloud.store.get(Droplet, action.resource_id)
    if droplet is None:
        raise MachineError(f"droplet {action.resource_id} is gone")
    return droplet


def _settle_droplet(cloud: CloudState, action: Action, **fields: object) -> None:
    if (droplet := cloud.store.get(Droplet, action.resource_id)) is not None:
        cloud.store.change(droplet, pending=None, **fields)


def _settle_ip(cloud: CloudState, action: Action, **fields: object) -> None:
    if (address := cloud.store.get(ReservedIp, action.params["ip"])) is not None:
        cloud.store.change(address, pending=None, **fields)


def bury(cloud: CloudState, droplet_id: int) -> None:
    """Forgets a droplet: its reserved IPs are free, its machine is to be swept (in a transaction)."""
    for address in cloud.store.all(ReservedIp, lambda r: r.droplet_id == droplet_id):
        cloud.store.change(address, droplet_id=None)
    if (droplet := cloud.store.get(Droplet, droplet_id)) is not None:
        cloud.store.drop(droplet)


def _create(cloud: CloudState, action: Action) -> Settle:
    droplet = _droplet(cloud, action)
    name = cloud.machine_name(droplet.id)
    if cloud.machines.exists(name):  # half made before a restart
        cloud.machines.remove(name)
    address = cloud.machines.create(
        name,
        droplet.docker_image or cloud.stock_image(),
        hostname=droplet.hostname,
        instance_id=str(droplet.id),
        user_data=droplet.user_data,
        public_keys=droplet.public_keys,
    )
    return lambda: _settle_droplet(cloud, action, status="active", address=address)


def _destroy(cloud: CloudState, action: Action) -> Settle:
    name = cloud.machine_name(action.resource_id)
    if cloud.machines.exists(name):
        cloud.machines.remove(name)
    return lambda: bury(cloud, action.resource_id)


def _power_on(cloud: CloudState, action: Action) -> Settle:
    address = cloud.boot(action.resource_id)
    return lambda: _settle_droplet(cloud, action, status="active", address=address)


def _power_off(cloud: CloudState, action: Action) -> Settle:
    cloud.machines.stop(cloud.machine_name(action.resource_id), graceful=action.type == "shutdown")
    return lambda: _settle_droplet(cloud, action, status="off")


def _power_cycle(cloud: CloudState, action: Action) -> Settle:
    cloud.machines.stop(cloud.machine_name(action.resource_id), graceful=False)
    return _power_on(cloud, action)


def _reboot(cloud: CloudState, action: Action) -> Settle:
    cloud.machines.reboot(cloud.machine_name(action.resource_id))
    return _power_on(cloud, action)  # it runs already: this gives its address, which may be another now


def _snapshot(cloud: CloudState, action: Action) -> Settle:
    droplet = _droplet(cloud, action)
    image_id = int(action.params["image_id"])
    tag = cloud.image_tag(image_id)
    size = cloud.machines.commit(cloud.machine_name(droplet.id), tag)

    def settle() -> None:
        cloud.store.put(
            Image(
                id=image_id,
                name=str(action.params["name"]),
                description="",
                distribution=droplet.image["distribution"],
                regions=[droplet.region],
                tags=[],
                min_disk_size=int(action.params["min_disk_size"]),
                size_gigabytes=max(round(size / GB, 2), 0.01),
                created_at=action.started_at,
                docker_image=tag,
                droplet_id=droplet.id,
            )
        )
        _settle_droplet(cloud, action)

    return settle


def _rename(cloud: CloudState, action: Action) -> Settle:
    return lambda: _settle_droplet(cloud, action, name=action.params["name"])


def _resize(cloud: CloudState, action: Action) -> Settle:
    return lambda: _settle_droplet(cloud, action, size=action.params["size"])


def _transfer(cloud: CloudState, action: Action) -> Settle:
    if cloud.store.get(Image, action.resource_id) is None:
        raise MachineError(f"image {action.resource_id} is gone")

    def settle() -> None:
        image, region = cloud.store.get(Image, action.resource_id), str(action.params["region"])
        if image is not None and region not in image.regions:
            cloud.store.change(image, regions=[*image.regions, region])

    return settle


def _assign(cloud: CloudState, action: Action) -> Settle:
    target, ip = int(action.params["droplet_id"]), str(action.params["ip"])
    with cloud.moving:
        holder = _take(cloud, ip)
        try:
            cloud.machines.attach(cloud.machine_name(target), ip)
        except MachineError:
            if holder is not None:
                cloud.machines.attach(cloud.machine_name(holder), ip)
            raise

    def settle() -> None:
        there = cloud.store.get(Droplet, target) is not None
        _settle_ip(cloud, action, droplet_id=target if there else None)

    return settle


def _unassign(cloud: CloudState, action: Action) -> Settle:
    with cloud.moving:
        _take(cloud, str(action.params["ip"]))
    return lambda: _settle_ip(cloud, action, droplet_id=None)


def _take(cloud: CloudState, ip: str) -> int | None:
    """Has the droplet that a reserved IP is assigned to, if any, answer on it no more; its ID."""
    address = cloud.store.get(ReservedIp, ip)
    if address is None or address.droplet_id is None:
        return None
    cloud.machines.detach(cloud.machine_name(address.droplet_id), ip)
    return address.droplet_id


_JOBS: dict[tuple[str, str], Callable[[CloudState, Action], Settle]] = {
    ("droplet", "create"): _create,
    ("droplet", "destroy"): _destroy,
    ("droplet", "power_on"): _power_on,
    ("droplet", "power_off"): _power_off,
    ("droplet", "shutdown"): _power_off,
    ("droplet", "power_cycle"): _power_cycle,
    ("droplet", "reboot"): _reboot,
    ("droplet", "snapshot"): _snapshot,
    ("droplet", "rename"): _rename,
    ("droplet", "resize"): _resize,
    ("image", "transfer"): _transfer,
    ("reserved_ip", "assign_ip"): _assign,
    ("reserved_ip", "unassign_ip"): _unassign,
}
