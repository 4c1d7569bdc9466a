"""A small project in a temporary folder and a cloud that only lists: what the whole program runs on in these tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pulumi.runtime import mocks

from bakewell.clouds import AccountKey
from bakewell.image import READY, Identity, Image, Reference, image_name
from components.stack.outputs import ImageOutput
from tests.components.engine import COMMAND, DROPLET, RESERVED_IP, UNKNOWN

PROJECT = Path(__file__).parents[2]
CLOUD = "digitalocean"
_BASES = '[debian-12.digitalocean]\nimage = "debian-12-x64"\nname = "12 x64"\ndate = "2026-11-02"\n'
_PLUGINS = """packer {
  required_version = "= 1.15.0"
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = "= 1.4.1"
    }
  }
}
"""
IMAGES = {
    "base": 'description = "base"\nbase = "debian-12"\n',
    "web": 'description = "web"\nparent = "base"\n[boot]\nservices = ["nginx.service"]\nhealth = { port = 8080 }\n',
    "api": 'description = "api"\nparent = "base"\n[boot]\nservices = ["api.service"]\n',
}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def project(root: Path, images: Mapping[str, str] = IMAGES) -> Path:
    """A clone of the project at `root`, with a catalog of its own; returns its program."""
    packer = root / "packer"
    (packer / "steps").mkdir(parents=True)
    (packer / "steps" / "__init__.py").write_text("")
    (packer / "plugins.pkr.hcl").write_text(_PLUGINS)
    (packer / "bases.lock").write_text(_BASES)
    for role, toml in images.items():
        folder = packer / "images" / role
        folder.mkdir(parents=True)
        (folder / "image.toml").write_text(toml)
        (folder / "deploy.py").write_text("")
        (folder / "checks.py").write_text("")
    return Path(shutil.copy(PROJECT / "__main__.py", root))


def image(role: str, fingerprint: str, number: int, *, parent: Image | None = None, **changes: Any) -> Image:
    """A finished image: `number` makes its ID, run and age, higher is newer."""
    run = f"{number:012x}"
    at = NOON + timedelta(hours=number)
    identity = Identity("bakewell", role, fingerprint, run, parent.run if parent else None, "nyc3")
    plain = Image(
        cloud=CLOUD,
        id=str(1000 + number),
        name=image_name("bakewell", role, run, at),
        identity=identity,
        created_at=at,
        size_gb=0.5,
        regions=("nyc3",),
        ready=True,
        revoked=False,
        lease=None,
        tags=(*identity.tags(), READY),
    )
    return replace(plain, **changes)


def exported(found: Image, attempt: int = 0) -> dict[str, Any]:
    """The stack output of an image."""
    output = ImageOutput(
        ids={"nyc3": found.id},
        name=found.name,
        fingerprint=found.fingerprint,
        attempt=attempt,
        parent=found.identity.parent,
        run=found.run,
    )
    return {CLOUD: output.model_dump()}


@dataclass
class Listing:
    """A cloud that answers a survey's questions and counts them."""

    found: list[Image] = field(default_factory=list)
    used: list[Reference] = field(default_factory=list)
    keys: list[AccountKey] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def images(self, project: str) -> list[Image]:
        self.asked.append(f"images of {project}")
        return list(self.found)

    def references(self) -> list[Reference]:
        self.asked.append("references")
        return list(self.used)

    def ssh_keys(self) -> list[AccountKey]:
        self.asked.append("keys")
        return list(self.keys)


@dataclass
class Engine:
    """How the engine answers: each Command as one whose build made, or adopted, an image of `listing`.

    Attributes:
        outputs: what the stack exported last.
        rerun: names of Commands that would run: their stdout is unknown in preview; and of new reserved IPs.
    """

    listing: Listing
    outputs: Mapping[str, Any] = field(default_factory=dict)
    rerun: frozenset[str] = frozenset()
    finished: float = 0.0

    def __call__(self, asked: mocks.MockResourceArgs) -> Mapping[str, Any]:
        if asked.typ == DROPLET:
            return {"ipv4Address": "192.0.2.7", "id": "77"}
        if asked.typ == RESERVED_IP:
            return {"ipAddress": UNKNOWN if asked.name in self.rerun else _reserved(asked.name)}
        if asked.typ != COMMAND:
            return {}
        return {"stdout": UNKNOWN if asked.name in self.rerun else self._line(asked.inputs["create"])}

    def stack_outputs(self, name: str) -> Mapping[str, Any]:
        assert name == "organization/bakewell/dev"
        return self.outputs

    def _line(self, create: str) -> str:
        if create == "exec true":
            return ""
        _, _, verb, *rest = create.split()
        if verb == "clean":
            return json.dumps({"deleted": [], "kept": len(self.listing.found)})
        if verb == "ready":
            return json.dumps({"ready_seconds": 1.42})
        found = next((i for i in reversed(self.listing.found) if i.role == rest[0]), None)
        if found is None:
            return UNKNOWN
        if verb == "copy":
            return json.dumps({"id": found.id, "region": rest[1]})
        identity = found.identity
        return json.dumps(
            {
                "role": found.role,
                "cloud": found.cloud,
                "id": found.id,
                "name": found.name,
                "fingerprint": found.fingerprint,
                "run": found.run,
                "parent": identity.parent,
                "home": identity.home,
                "regions": list(found.regions),
                "action": "built",
                "seconds": 12.4,
                "finished": self.finished,
            }
        )


def _reserved(name: str) -> str:
    """An address: its last part is the number in the machine's name."""
    return f"203.0.113.{name.removesuffix('-address').rpartition('-')[2]}"
