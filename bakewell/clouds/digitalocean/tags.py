"""DigitalOcean's tags: objects of their own, which images and droplets carry."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from bakewell.clouds.digitalocean import answers
from bakewell.clouds.digitalocean.api import Api, NotFound, Refused
from bakewell.image import parse_tag

_PASSING = ("run", "lease", "parent", "fingerprint")  # keys of tags that belong to one build, or to one content


class TagObjects:
    """The tags of an account, whoever's they are."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def put(self, image_id: str, name: str) -> None:
        """Have an image carry the tag, which is made where it is not there."""
        path = f"/v2/tags/{quote(name, safe='')}/resources"
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        for attempt in range(3):  # another command may delete the tag object between the two requests
            try:
                self._api.order(path, body)
                return
            except NotFound:
                if attempt == 2:
                    raise
            try:
                self._api.post("/v2/tags", {"name": name}, answers.TAG)
            except Refused as error:
                if error.status != 422:  # 422: made by somebody else in between
                    raise

    def take(self, image_id: str, name: str) -> None:
        """Take the tag off an image; one it does not carry is no error."""
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        self._api.delete(f"/v2/tags/{quote(name, safe='')}/resources", body)

    def delete_unused(self, names: Sequence[str]) -> int:
        return sum(self._delete(name) for name in names)

    def _delete(self, name: str) -> bool:
        key, value = parse_tag(name) or ("", "")
        if key not in _PASSING or not value:
            return False
        path = f"/v2/tags/{quote(name, safe='')}"
        try:
            found = self._api.get(path, answers.TAG).it  # as late as can be: see the protocol
        except NotFound:
            return False
        if found.resources.count:
            return False
        self._api.delete(path)
        return True
