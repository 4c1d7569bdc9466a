"""DigitalOcean's answers, as far as they are read: the keys and types of the API's published contract.

A key that the contract requires must be there. `null` is taken where the contract allows it: tags and size of an image.
A droplet's image is not among those: the contract knows no droplet without, and an answer that leaves the image out
cannot say which image would be missed. So it ends `bakewell clean`; the droplet is not skipped.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal

from pydantic import AwareDatetime, Field, create_model

from bakewell.clouds.answers import A, Answer
from bakewell.clouds.digitalocean.api import Item, Page, T

Id = Annotated[int, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]


class Identified(Item):
    """Anything that has a number for an ID."""

    id: Id

    @property
    def key(self) -> str:
        return str(self.id)


class Image(Identified):
    """A snapshot, or anybody's image; `min_disk_size` in GB. `type`: snapshot, backup, custom, …"""

    name: str
    type: str | None = None
    status: Text
    min_disk_size: Annotated[int, Field(ge=0)] | None
    created_at: AwareDatetime
    regions: list[str]
    tags: list[str] | None
    size_gigabytes: Annotated[float, Field(ge=0)] | None


class Droplet(Identified):
    """A droplet, and which image it was made from."""

    name: str
    created_at: AwareDatetime
    tags: list[str]
    image: Identified


class Place(Item):
    """A region where something is."""

    slug: Text


class SizedDroplet(Droplet):
    """A droplet whose size is asked for, and where it runs."""

    size_slug: Text
    region: Place


class Size(Item):
    """A type of droplet; `disk` in GB."""

    slug: Text
    disk: Annotated[int, Field(ge=0)]
    regions: list[str]
    available: bool

    @property
    def key(self) -> str:
        return self.slug


class Region(Item):
    """A region of the cloud."""

    slug: Text

    @property
    def key(self) -> str:
        return self.slug


class Template(Answer):
    """What an autoscale pool makes droplets of; `image` is an ID or a slug."""

    image: Text


class Pool(Item):
    """An autoscale pool."""

    id: Text
    name: str
    droplet_template: Template

    @property
    def key(self) -> str:
        return self.id


class SshKey(Identified):
    """A public key of the account."""

    name: str


class Action(Identified):
    """Something that takes a while."""

    type: str
    status: Literal["in-progress", "completed", "errored"]


class Carriers(Answer):
    """How many things carry a tag."""

    count: Annotated[int, Field(ge=0)]


class Tag(Item):
    """A tag object."""

    name: Text
    resources: Carriers

    @property
    def key(self) -> str:
        return self.name


class Account(Answer):
    """Whose the token is."""

    status: Text
    email: str
    uuid: str


class One(Answer, Generic[A]):
    """An answer about a single thing, which has a key of its own."""

    it: A


def _page(key: str, item: type[T], *, least: int = 0) -> type[Page[T]]:
    """The model of a list's page. `least`: how many items a page has in any account."""
    base: Any = Page[item]  # type: ignore[valid-type]
    items: Any = (list[item], Field(alias=key, min_length=least))  # type: ignore[valid-type]
    made: type[Page[T]] = create_model(f"page of {key}", __base__=base, items=items)
    return made


def _one(key: str, model: type[A]) -> type[One[A]]:
    base: Any = One[model]  # type: ignore[valid-type]
    made: type[One[A]] = create_model(f"one {key}", __base__=base, it=(model, Field(alias=key)))
    return made


IMAGES = _page("images", Image)
DROPLETS = _page("droplets", Droplet)
SIZED_DROPLETS = _page("droplets", SizedDroplet)
POOLS = _page("autoscale_pools", Pool)
SSH_KEYS = _page("ssh_keys", SshKey)
ACTIONS = _page("actions", Action)
SNAPSHOTS = _page("snapshots", Identified)
TAGS = _page("tags", Tag)
SIZES = _page("sizes", Size, least=1)
REGIONS = _page("regions", Region, least=1)

IMAGE = _one("image", Image)
ACTION = _one("action", Action)
SSH_KEY = _one("ssh_key", SshKey)
TAG = _one("tag", Tag)
ACCOUNT = _one("account", Account)
