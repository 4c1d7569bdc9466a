"""DigitalOcean: droplets, snapshots, keys and tags, by its API v2.

An image of ours is a droplet snapshot that carries the identity tags of `bakewell.image`. Lists are read whole
(`http.Api.pages`). What DigitalOcean has no answer for is not guessed: an account without autoscale pools answers 404
for them, and that means none; any other failure is an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key, Leftover, Stock
from bakewell.clouds.http import Api, NotFound, Refused
from bakewell.errors import CloudError
from bakewell.image import READY, REVOKED, Identity, Image, Reference, lease_of, parse_tag, tag

if TYPE_CHECKING:
    from bakewell.settings import Settings

WAIT_SNAPSHOT = 30 * 60.0  # seconds; large disks take minutes
WAIT_TRANSFER = 60 * 60.0  # seconds; transfers outlast Packer's own 30-minute limit
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")
_PASSING = ("run", "lease", "parent", "fingerprint")  # keys of tags that belong to one build, or to one content
_T = TypeVar("_T")


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
        self._sleep = sleep

    def check_account(self) -> str:
        account = self.api.get("/v2/account").get("account") or {}
        if account.get("status") not in ("active", "warning"):
            raise CloudError(
                f"the DigitalOcean account is {account.get('status')}", remedy="see the account's billing page"
            )
        return str(account.get("email") or account.get("uuid"))

    def now(self) -> float:
        return self.api.clock.now(lambda: self.api.get("/v2/images", private="true", per_page=1))

    # images

    def images(self, project: str) -> list[Image]:
        raw = self.api.pages("/v2/images", "images", tag_name=tag("project", project))
        found = (_parse("image", _image, item) for item in raw if item.get("status") != "deleted")
        return [image for image in found if image is not None and image.identity.project == project]

    def image(self, image_id: str) -> Image | None:
        try:
            return _parse("image", _image, self.api.get(f"/v2/images/{image_id}")["image"])
        except NotFound:
            return None

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        if not names:
            return []
        raw = self.api.pages("/v2/images", "images", private="true")
        return [
            Leftover(str(item["id"]), item["name"])
            for item in raw
            if item.get("name") in names and Identity.from_tags(item.get("tags") or []) is None
        ]

    def delete_image(self, image_id: str) -> None:
        self.api.delete(f"/v2/images/{image_id}")

    def regions(self, image_id: str) -> tuple[str, ...]:
        return tuple(sorted(self.api.get(f"/v2/images/{image_id}")["image"]["regions"]))

    def copy(self, image_id: str, region: str) -> str:
        if region not in self.regions(image_id):
            self._transfer(image_id, region)
        return image_id

    def _transfer(self, image_id: str, region: str) -> None:
        path = f"/v2/images/{image_id}/actions"
        try:
            action = self.api.post(path, {"type": "transfer", "region": region})["action"]
        except Refused as error:
            # Refused while another transfer of the image runs, perhaps one that an interrupted copy began, which may
            # have ended by now. What is refused for another reason is refused again.
            if error.status != 422:
                raise
            self._wait_all(path, WAIT_TRANSFER)
            if region in self.regions(image_id):
                return
            action = self.api.post(path, {"type": "transfer", "region": region})["action"]
        self._wait(f"{path}/{action['id']}", f"transfer of image {image_id} to {region}", WAIT_TRANSFER)
        if region not in self.regions(image_id):
            raise CloudError(
                f"image {image_id} is not in {region} although its transfer completed", remedy="run the command again"
            )

    def stock(self, image: str) -> Stock:
        return _parse("image", _stock, self.api.get(f"/v2/images/{image}")["image"])

    def check_stack(self, settings: Settings) -> None:
        """Nothing: keys are looked up when their IDs are, and a region that it has not is no base's either."""
        del settings

    def check_build(self, base: str) -> None:
        """It says nothing before it is asked to create a droplet."""

    def usual(self, base: str) -> str:
        return f"{base}-x64"

    def base(self, image: str) -> str:
        return image  # the API takes slugs

    # who needs images

    def references(self) -> list[Reference]:
        droplets = [*self.api.pages("/v2/droplets", "droplets"), *self._gpu_droplets()]
        found = [
            Reference(str(item["image"]["id"]), "droplet", str(item["id"]), item["name"])
            for item in droplets
            if item.get("image")
        ]
        return found + [
            Reference(str(item["droplet_template"]["image"]), "autoscale pool", str(item["id"]), item["name"])
            for item in self._pools()
        ]

    def _gpu_droplets(self) -> list[dict[str, Any]]:
        """Those with a GPU, which no other list of droplets shows; the API can't filter them by tag."""
        return self.api.pages("/v2/droplets", "droplets", type="gpus")

    def _pools(self) -> list[dict[str, Any]]:
        try:
            return self.api.pages("/v2/droplets/autoscale", "autoscale_pools")
        except NotFound:
            return []

    # builders

    def builders(self, project: str) -> list[Builder]:
        found = []
        machines = self.api.pages("/v2/droplets", "droplets", tag_name=BUILDER)
        for item in [*machines, *(d for d in self._gpu_droplets() if BUILDER in (d.get("tags") or ()))]:
            identity = Identity.from_tags(item.get("tags") or [])
            if identity is not None and identity.project == project:
                lease = lease_of(item["tags"]) or int(_time(item["created_at"]).timestamp()) + LEASE_SECONDS
                found.append(Builder(str(item["id"]), item["name"], identity, lease))
        return found

    def settle(self, builder_id: str) -> list[str]:
        path = f"/v2/droplets/{builder_id}"
        try:
            self._wait_all(f"{path}/actions", WAIT_SNAPSHOT)
            return [str(item["id"]) for item in self.api.pages(f"{path}/snapshots", "snapshots")]
        except NotFound:
            return []

    def delete_builder(self, builder_id: str) -> None:
        self.api.delete(f"/v2/droplets/{builder_id}")

    # keys

    def create_key(self, name: str, public_key: str) -> str:
        try:
            created = self.api.post("/v2/account/keys", {"name": name, "public_key": public_key})
        except Refused as error:
            # A POST that failed with a 5xx after all may have made the key; its repetition is then refused.
            again = (
                next((key.id for key in self.build_keys() if key.name == name), None) if error.status == 422 else None
            )
            if again is None:
                raise
            return again
        return str(created["ssh_key"]["id"])

    def build_keys(self) -> list[Key]:
        found = []
        for key in self.ssh_keys():
            if match := _KEY.match(key.name):
                found.append(Key(key.id, key.name, match["run"], int(match["lease"])))
        return found

    def ssh_keys(self) -> list[AccountKey]:
        listed = self.api.pages("/v2/account/keys", "ssh_keys")
        return [AccountKey(str(item["id"]), item.get("name") or "") for item in listed]

    def delete_key(self, key_id: str) -> None:
        self.api.delete(f"/v2/account/keys/{key_id}")

    # tags

    def tags_of(self, image_id: str) -> tuple[str, ...] | None:
        try:
            item = self.api.get(f"/v2/images/{image_id}")["image"]
        except NotFound:
            return None
        return None if item.get("status") == "deleted" else tuple(item.get("tags") or ())

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        for name in tags:
            self._tag(image_id, name)

    def _tag(self, image_id: str, name: str) -> None:
        path = f"/v2/tags/{quote(name, safe='')}/resources"
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        for attempt in range(3):  # another command may delete the tag object between the two requests
            try:
                self.api.post(path, body)
                return
            except NotFound:
                if attempt == 2:
                    raise
            try:
                self.api.post("/v2/tags", {"name": name})
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
        found = self.api.glance("/v2/tags", "tags")
        self.delete_unused_tags([item["name"] for item in found if item["resources"]["count"] == 0])
        return []

    def _delete_unused_tag(self, name: str) -> bool:
        key, value = parse_tag(name) or ("", "")
        if key not in _PASSING or not value:
            return False
        path = f"/v2/tags/{quote(name, safe='')}"
        try:
            carriers = self.api.get(path)["tag"]["resources"]["count"]  # as late as can be: see the protocol
        except NotFound:
            return False
        if carriers:
            return False
        self.api.delete(path)
        return True

    # waiting

    def _wait_all(self, path: str, limit: float) -> None:
        """Wait for every action listed at `path` that is in progress."""
        for action in self.api.pages(path, "actions"):
            if action["status"] == "in-progress":
                self._wait(f"{path}/{action['id']}", f"{action['type']} (action {action['id']})", limit, fine=True)

    def _wait(self, path: str, what: str, limit: float, *, fine: bool = False) -> None:
        """Poll one action until it ended. `fine`: an action that ended in error will do too."""
        waited, pause = 0.0, 0.5
        while True:
            status = self.api.get(path)["action"]["status"]
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


def _stock(item: dict[str, Any]) -> Stock:
    return Stock(
        name=item["name"],
        date=f"{_time(item['created_at']):%Y-%m-%d}",
        ids={region: str(item["id"]) for region in sorted(item["regions"])},
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _image(item: dict[str, Any]) -> Image | None:
    tags = tuple(item.get("tags") or ())
    identity = Identity.from_tags(tags)
    if identity is None:
        return None
    ready = READY in tags and item.get("status", "available") == "available"
    return Image(
        cloud="digitalocean",
        id=str(item["id"]),
        name=item["name"],
        identity=identity,
        created_at=_time(item["created_at"]),
        size_gb=float(item.get("size_gigabytes") or 0.0),
        regions=tuple(sorted(item.get("regions") or ())),
        ready=ready,
        revoked=REVOKED in tags,
        lease=None if ready else lease_of(tags),
        tags=tags,
    )


def _parse(what: str, parse: Callable[[dict[str, Any]], _T], item: dict[str, Any]) -> _T:
    try:
        return parse(item)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CloudError(
            f"an {what} in the API's answer cannot be read: {error!r} (ID {item.get('id')})",
            remedy="check the API endpoint",
        ) from error
