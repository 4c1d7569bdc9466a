"""DigitalOcean: droplets, snapshots, keys and tags, by its API v2.

An image of ours is a droplet snapshot that carries the identity tags of `bakewell.image`. Lists are read whole
(`http.Api.pages`), and every answer strictly (`answers`): what it leaves out is not guessed. An account
without autoscale pools answers 404 for them, in DigitalOcean's own words, and that means none; any other failure is an
error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key, Leftover, Stock
from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.offers import Offers
from bakewell.clouds.http import Api, NotFound, Refused
from bakewell.errors import CloudError, ConfigError
from bakewell.image import READY, REVOKED, Identity, Image, Reference, lease_of, parse_tag, tag

if TYPE_CHECKING:
    from bakewell.settings import Settings

WAIT_SNAPSHOT = 30 * 60.0  # seconds; large disks take minutes
WAIT_TRANSFER = 60 * 60.0  # seconds; transfers outlast Packer's own 30-minute limit
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # it becomes a part of a URL's path
_PASSING = ("run", "lease", "parent", "fingerprint")  # keys of tags that belong to one build, or to one content


class DigitalOcean:
    """One DigitalOcean account.

    Args:
        endpoint: root URL without /v2.
        token: an API token; sent to `endpoint` and nowhere else.
        token_name: the environment variable that it comes from.
        sleep: waits between polls and retries; tests pass their own.
    """

    name = "digitalocean"

    def __init__(
        self,
        endpoint: str,
        token: str,
        *,
        token_name: str = "DIGITALOCEAN_TOKEN",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = Api(endpoint, token, token_name=token_name, sleep=sleep)
        self.offers = Offers(self.api)
        self._sleep = sleep

    def check_account(self) -> str:
        account = self.api.get("/v2/account", answers.ACCOUNT).it
        if account.status not in ("active", "warning"):
            raise CloudError(f"the DigitalOcean account is {account.status}", remedy="see the account's billing page")
        return account.email or account.uuid

    def now(self) -> float:
        return self.api.clock.now(lambda: self.api.get("/v2/images?private=true&per_page=1", answers.IMAGES))

    # images

    def images(self, project: str) -> list[Image]:
        listed = self.api.pages("/v2/images", answers.IMAGES, tag_name=tag("project", project))
        images = (_image(item) for item in listed if item.status != "deleted")
        return [image for image in images if image is not None and image.identity.project == project]

    def image(self, image_id: str) -> Image | None:
        try:
            return _image(self._look(image_id))
        except NotFound:
            return None

    def _look(self, image: str) -> answers.Image:
        """One image by its ID or slug, whoever's it is. Raises NotFound."""
        return self.api.get(f"/v2/images/{image}", answers.IMAGE).it

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        if not names:
            return []
        return [
            Leftover(item.key, item.name)
            for item in self.api.pages("/v2/images", answers.IMAGES, private="true")
            if item.name in names and Identity.from_tags(item.tags or ()) is None
        ]

    def delete_image(self, image_id: str) -> None:
        self.api.delete(f"/v2/images/{image_id}")

    def regions(self, image_id: str) -> tuple[str, ...]:
        return tuple(sorted(self._look(image_id).regions))

    def copy(self, image_id: str, region: str) -> str:
        if region not in self.regions(image_id):
            self._transfer(image_id, region)
        return image_id

    def _transfer(self, image_id: str, region: str) -> None:
        path = f"/v2/images/{image_id}/actions"
        try:
            action = self._begin(path, region)
        except Refused as error:
            # Refused while another transfer of the image runs, perhaps one that an interrupted copy began, which may
            # have ended by now. What is refused for another reason is refused again.
            if error.status != 422:
                raise
            self._wait_all(path, WAIT_TRANSFER)
            if region in self.regions(image_id):
                return
            action = self._begin(path, region)
        self._wait(f"{path}/{action.id}", f"transfer of image {image_id} to {region}", WAIT_TRANSFER)
        if region not in self.regions(image_id):
            raise CloudError(
                f"image {image_id} is not in {region} although its transfer completed", remedy="run the command again"
            )

    def _begin(self, path: str, region: str) -> answers.Action:
        return self.api.post(path, {"type": "transfer", "region": region}, answers.ACTION).it

    def stock(self, image: str) -> Stock:
        if not _IMAGE.fullmatch(image):
            raise ConfigError(
                f"`{image[:60]}` is no image of DigitalOcean's: neither a slug nor an ID",
                remedy="name a slug such as debian-12-x64; `doctl compute image list-distribution` lists them",
            )
        item = self._look(image)
        ids = dict.fromkeys(sorted(item.regions), item.key)
        return Stock(name=item.name, date=f"{item.created_at:%Y-%m-%d}", ids=ids)

    def check_stack(self, settings: Settings) -> None:
        self.offers.check_regions(settings.digitalocean.regions)

    def check_build(self, base: str) -> None:
        self.offers.check_base(base)

    def usual(self, base: str) -> str:
        return f"{base}-x64"

    def base(self, image: str) -> str:
        return image  # the API takes slugs

    # who needs images

    def references(self) -> list[Reference]:
        droplets = [*self.api.pages("/v2/droplets", answers.DROPLETS), *self._gpu_droplets()]
        return [
            *(Reference(droplet.image.key, "droplet", droplet.key, droplet.name) for droplet in droplets),
            *(Reference(p.droplet_template.image, "autoscale pool", p.key, p.name) for p in self._pools()),
        ]

    def _gpu_droplets(self) -> list[answers.Droplet]:
        """Those with a GPU, which no other list of droplets shows; the API can't filter them by tag."""
        return self.api.pages("/v2/droplets", answers.DROPLETS, type="gpus")

    def _pools(self) -> list[answers.Pool]:
        try:
            return self.api.pages("/v2/droplets/autoscale", answers.POOLS)
        except NotFound:
            return []

    # builders

    def builders(self, project: str) -> list[Builder]:
        found = []
        for item in [*self.api.pages("/v2/droplets", answers.DROPLETS, tag_name=BUILDER), *self._gpu_droplets()]:
            identity = Identity.from_tags(item.tags) if BUILDER in item.tags else None
            if identity is not None and identity.project == project:
                lease = lease_of(item.tags) or int(item.created_at.timestamp()) + LEASE_SECONDS
                found.append(Builder(item.key, item.name, identity, lease))
        return found

    def settle(self, builder_id: str) -> list[str]:
        path = f"/v2/droplets/{builder_id}"
        # What is gone has ended. Whether the builder itself is gone is for the list of its snapshots to say.
        with suppress(NotFound):
            self._wait_all(f"{path}/actions", WAIT_SNAPSHOT)
        try:
            return [item.key for item in self.api.pages(f"{path}/snapshots", answers.SNAPSHOTS)]
        except NotFound:
            return []

    def delete_builder(self, builder_id: str) -> None:
        self.api.delete(f"/v2/droplets/{builder_id}")

    # keys

    def create_key(self, name: str, public_key: str) -> str:
        try:
            made = self.api.post("/v2/account/keys", {"name": name, "public_key": public_key}, answers.SSH_KEY)
        except Refused as error:
            # A POST that failed with a 5xx after all may have made the key; its repetition is then refused.
            again = (
                next((key.id for key in self.build_keys() if key.name == name), None) if error.status == 422 else None
            )
            if again is None:
                raise
            return again
        return made.it.key

    def build_keys(self) -> list[Key]:
        found = []
        for key in self.ssh_keys():
            if match := _KEY.match(key.name):
                found.append(Key(key.id, key.name, match["run"], int(match["lease"])))
        return found

    def ssh_keys(self) -> list[AccountKey]:
        return [AccountKey(item.key, item.name) for item in self.api.pages("/v2/account/keys", answers.SSH_KEYS)]

    def delete_key(self, key_id: str) -> None:
        self.api.delete(f"/v2/account/keys/{key_id}")

    # tags

    def tags_of(self, image_id: str) -> tuple[str, ...] | None:
        try:
            item = self._look(image_id)
        except NotFound:
            return None
        return None if item.status == "deleted" else tuple(item.tags or ())

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        for name in tags:
            self._tag(image_id, name)

    def _tag(self, image_id: str, name: str) -> None:
        path = f"/v2/tags/{quote(name, safe='')}/resources"
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        for attempt in range(3):  # another command may delete the tag object between the two requests
            try:
                self.api.order(path, body)
                return
            except NotFound:
                if attempt == 2:
                    raise
            try:
                self.api.post("/v2/tags", {"name": name}, answers.TAG)
            except Refused as error:
                if error.status != 422:  # 422: made by somebody else in between
                    raise

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        for name in tags:
            self.api.delete(f"/v2/tags/{quote(name, safe='')}/resources", body)

    def delete_unused_tags(self, names: Sequence[str]) -> int:
        return sum(self._delete_unused_tag(name) for name in names)

    def sweep(self, project: str) -> list[str]:
        """Tags of every project, for a tag belongs to none: those that nothing carries."""
        del project
        # A glance will do: each is looked at again, and one that is missed goes next time.
        tags = self.api.glance("/v2/tags", answers.TAGS)
        self.delete_unused_tags([item.name for item in tags if item.resources.count == 0])
        return []

    def _delete_unused_tag(self, name: str) -> bool:
        key, value = parse_tag(name) or ("", "")
        if key not in _PASSING or not value:
            return False
        path = f"/v2/tags/{quote(name, safe='')}"
        try:
            found = self.api.get(path, answers.TAG).it  # as late as can be: see the protocol
        except NotFound:
            return False
        if found.resources.count:
            return False
        self.api.delete(path)
        return True

    # waiting

    def _wait_all(self, path: str, limit: float) -> None:
        """Wait for every action listed at `path` that is in progress."""
        for action in self.api.pages(path, answers.ACTIONS):
            if action.status == "in-progress":
                self._wait(f"{path}/{action.id}", f"{action.type} (action {action.id})", limit, fine=True)

    def _wait(self, path: str, what: str, limit: float, *, fine: bool = False) -> None:
        """Poll one action until it ended. `fine`: an action that ended in error will do too."""
        waited, pause = 0.0, 0.5
        while True:
            status = self.api.get(path, answers.ACTION).it.status
            if status == "completed" or (fine and status == "errored"):
                return
            if status == "errored":
                raise CloudError(f"{what} failed", remedy="run the command again")
            if waited >= limit:
                raise CloudError(
                    f"{what} still runs after {round(limit / 60)} minutes", remedy="run the command again later"
                )
            self._sleep(pause)
            waited += pause
            pause = min(pause * 1.5, 5.0)


def _image(item: answers.Image) -> Image | None:
    tags = tuple(item.tags or ())
    identity = Identity.from_tags(tags)
    if identity is None:
        return None
    ready = READY in tags and item.status == "available"
    return Image(
        cloud="digitalocean",
        id=item.key,
        name=item.name,
        identity=identity,
        created_at=item.created_at,
        size_gb=item.size_gigabytes or 0.0,
        min_disk_gb=item.min_disk_size,
        regions=tuple(sorted(item.regions)),
        ready=ready,
        revoked=REVOKED in tags,
        lease=None if ready else lease_of(tags),
        tags=tags,
    )
