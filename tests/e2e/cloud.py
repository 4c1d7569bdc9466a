"""What a test sees of the local cloud: its API as a user of it, its fault rules and its journal of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from tests.waiting import none_left

T = TypeVar("T", bound=Sized)


@dataclass
class CloudView:
    """The running cloud, spoken to over HTTP with its token."""

    http: httpx.Client

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> CloudView:
        """The cloud that an environment opens."""
        headers = {"Authorization": f"Bearer {environment['DIGITALOCEAN_TOKEN']}"}
        return cls(httpx.Client(base_url=environment["DIGITALOCEAN_API_URL"], headers=headers, timeout=120))

    def get(self, path: str, key: str) -> list[dict[str, Any]]:
        """Every element of a list endpoint, all pages."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = self.http.get(path, params={"per_page": 200, "page": page}).raise_for_status().json()
            found += answer[key]
            if len(found) >= answer["meta"]["total"]:
                return found
            page += 1

    def droplets(self, project: str) -> list[dict[str, Any]]:
        """The project's droplets, builders among them."""
        return [d for d in self.get("/v2/droplets", "droplets") if f"bakewell:project:{project}" in d["tags"]]

    def builders(self, project: str) -> list[dict[str, Any]]:
        """The project's builder machines."""
        return [d for d in self.droplets(project) if "bakewell:builder" in d["tags"]]

    def builders_left(self, project: str) -> list[dict[str, Any]]:
        """`builders`, once the deletions that the cloud has accepted had time to happen."""
        return none_left(lambda: self.builders(project))

    def snapshots(self, project: str) -> list[dict[str, Any]]:
        """The project's snapshots, finished or not, tagged or not: their names begin with the project's."""
        return [s for s in self.get("/v2/snapshots", "snapshots") if s["name"].startswith(f"{project}-")]

    def ready(self, project: str, role: str | None = None) -> list[dict[str, Any]]:
        """The project's finished snapshots."""
        wanted = {"bakewell:ready"} | ({f"bakewell:role:{role}"} if role else set())
        return [s for s in self.snapshots(project) if wanted <= set(s["tags"])]

    def build_keys(self) -> list[dict[str, Any]]:
        """SSH keys that builds registered."""
        return [k for k in self.get("/v2/account/keys", "ssh_keys") if k["name"].startswith("bakewell-")]

    def tags(self) -> set[str]:
        """Names of the tag objects."""
        return {tag["name"] for tag in self.get("/v2/tags", "tags")}

    def delete_image(self, image_id: str) -> None:
        """Delete an image by hand, as a colleague in a hurry does."""
        self.http.delete(f"/v2/images/{image_id}").raise_for_status()

    def tag_image(self, image_id: str, tag: str) -> None:
        """Tag an image by hand."""
        self.http.post("/v2/tags", json={"name": tag})
        body = {"resources": [{"resource_id": image_id, "resource_type": "image"}]}
        self.http.post(f"/v2/tags/{tag}/resources", json=body).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        """The journal: every call of the API since it was last forgotten, oldest first."""
        found: list[dict[str, Any]] = self.http.get("/sandbox/calls").raise_for_status().json()["calls"]
        return found

    def forget_calls(self) -> None:
        self.http.delete("/sandbox/calls").raise_for_status()

    @contextmanager
    def fault(self, effect: str, **rule: object) -> Iterator[int]:
        """A fault rule for as long as the block runs; gives its ID."""
        answer = self.http.post("/sandbox/faults", json={"effect": effect, **rule}).raise_for_status()
        rule_id = int(answer.json()["fault"]["id"])
        try:
            yield rule_id
        finally:
            self.http.delete(f"/sandbox/faults/{rule_id}").raise_for_status()

    def holds(self, rule_id: int, timeout: float) -> bool:
        """True as soon as the rule holds a call; False when it holds none within `timeout` seconds."""
        answer = self.http.get(f"/sandbox/faults/{rule_id}/held", params={"timeout": timeout})
        if answer.status_code == httpx.codes.REQUEST_TIMEOUT:
            return False
        answer.raise_for_status()
        return True

    def fired(self, rule_id: int) -> int:
        """How often the rule had its way."""
        return int(self.http.get(f"/sandbox/faults/{rule_id}").raise_for_status().json()["fault"]["fired"])

    def release(self, rule_id: int, outcome: str = "proceed") -> None:
        """Let held calls go on, or drop their connections."""
        self.http.post(f"/sandbox/faults/{rule_id}/release", params={"outcome": outcome}).raise_for_status()
