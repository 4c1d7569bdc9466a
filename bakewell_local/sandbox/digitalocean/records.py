"""What the local cloud remembers: one frozen model a kind of thing, stored as JSON.

Where the API shows a field, it has the record's name for it; views beside the endpoints add the rest. A change is a new
record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of all records. `key`, the value of the field KEY, is unique among the records of one kind; IDs that are
    numbers are unique among all kinds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    KEY: ClassVar[str] = "id"

    @property
    def key(self) -> str:
        return str(getattr(self, self.KEY))


class Droplet(Record):
    """A machine. `status` is "new", "active" or "off"; `address` is "" until it first ran."""

    id: int
    name: str
    hostname: str
    region: str
    size: str
    image: dict[str, Any]  # as it looked when the droplet was made: it stays so after the image is gone
    docker_image: str | None  # None: the stock Debian image
    user_data: str | None
    public_keys: list[str]
    tags: list[str]
    vpc_uuid: str
    monitoring: bool
    created_at: str
    status: str
    address: str = ""
    pending: int | None = None  # the action that locks it

    @property
    def image_id(self) -> int:
        return int(self.image["id"])


class Image(Record):
    """A snapshot. Stock images are no records: see offers.py."""

    id: int
    name: str
    description: str
    distribution: str
    regions: list[str]
    tags: list[str]
    min_disk_size: int
    size_gigabytes: float
    created_at: str
    docker_image: str
    droplet_id: int


class Action(Record):
    """Something that takes time. `status` is "in-progress", "completed" or "errored".

    Attributes:
        params: what the worker needs to do it, and to do it again after a restart.
    """

    id: int
    type: str
    resource_type: str
    resource_id: int
    region: str
    status: str
    started_at: str
    completed_at: str | None = None
    params: dict[str, Any] = {}


class SshKey(Record):
    """A public key in the account."""

    id: int
    name: str
    public_key: str
    fingerprint: str


class Tag(Record):
    """A tag's name as first written; names that differ in case only are one tag."""

    name: str

    @property
    def key(self) -> str:
        return self.name.lower()


class Vpc(Record):
    """A private network: bookkeeping only, every container is on one bridge."""

    id: str
    name: str
    description: str
    region: str
    ip_range: str
    default: bool
    created_at: str


class ReservedIp(Record):
    """A reserved address of the machines' network. `pending` is the action that locks it."""

    KEY = "ip"
    ip: str
    region: str
    droplet_id: int | None = None
    pending: int | None = None


class Pool(Record):
    """An autoscale pool: it names an image, and starts no machines."""

    id: str
    name: str
    config: dict[str, Any]
    droplet_template: dict[str, Any]
    created_at: str
    updated_at: str


def carries(tags: Iterable[str], name: str) -> bool:
    """Whether `name` is among `tags`; DigitalOcean's tags keep their case and are compared without it."""
    return name.lower() in (tag.lower() for tag in tags)


KINDS: tuple[type[Record], ...] = (Droplet, Image, Action, SshKey, Tag, Vpc, ReservedIp, Pool)
