"""A small project in a temporary folder, and clouds that only list: what the whole program runs on in these tests."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pulumi.runtime import mocks

from bakewell.clouds.resources import AccountKey, Running, Size
from bakewell.image import READY, Identity, Image, Reference, image_name
from bakewell.settings import Settings
from pulumi_bakewell.stack.outputs import ImageOutput
from tests.components.engine import COMMAND, DROPLET, GROUP, INSTANCE, RESERVED_IP, SECURITY_GROUP, TEMPLATE, UNKNOWN
from tests.small_project import FILES, write

PROJECT = Path(__file__).parents[2]
CLOUD = "digitalocean"
HOMES = {"digitalocean": "nyc3", "aws": "us-east-1"}
IMAGES = {
    "base": 'description = "base"\nbase = "debian-12"\n',
    "web": 'description = "web"\nparent = "base"\n[boot]\nservices = ["nginx.service"]\nhealth = { port = 8080 }\n',
    "api": 'description = "api"\nparent = "base"\n[boot]\nservices = ["api.service"]\n',
}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def project(root: Path, images: Mapping[str, str] = IMAGES) -> Path:
    """A clone of the project at `root`, with a catalog of its own; returns its program."""
    files = {path: text for path, text in FILES.items() if not path.startswith(("images/", "steps/"))}
    for role, toml in images.items():
        files |= {f"images/{role}/image.toml": toml, f"images/{role}/deploy.py": "", f"images/{role}/checks.py": ""}
    packer = write(root / "packer", files | {"steps/__init__.py": ""})
    shutil.copy(PROJECT / "packer" / "requirements.txt", packer)
    (root / "Pulumi.yaml").write_text("name: bakewell\nruntime: python\n")
    return Path(shutil.copy(PROJECT / "__main__.py", root))


def image(
    role: str, fingerprint: str, number: int, *, parent: Image | None = None, cloud: str = CLOUD, **changes: Any
) -> Image:
    """A finished image: `number` makes its ID, run and age, higher is newer."""
    run, home = f"{number:012x}", HOMES[cloud]
    at = NOON + timedelta(hours=number)
    identity = Identity("bakewell", role, fingerprint, run, parent.run if parent else None, home)
    plain = Image(
        cloud=cloud,
        id=str(1000 + number) if cloud == CLOUD else f"ami-{number:08x}",
        name=image_name("bakewell", role, run, at),
        identity=identity,
        created_at=at,
        size_gb=0.5,
        regions=(home,),
        ready=True,
        revoked=False,
        lease=None,
        tags=(*identity.tags(), READY),
        min_disk_gb=25 if cloud == CLOUD else None,
    )
    return replace(plain, **changes)


def exported(found: Image, attempt: int = 0) -> dict[str, Any]:
    """The record of an image."""
    output = ImageOutput(
        ids={found.identity.home: found.id},
        name=found.name,
        fingerprint=found.fingerprint,
        attempt=attempt,
        parent=found.identity.parent,
        run=found.run,
    )
    return output.model_dump()


@dataclass
class Offered:
    """Types of machines, and the machines of the project that are there."""

    known: dict[str, Size]
    there: list[Running] = field(default_factory=list)

    def sizes(self) -> dict[str, Size]:
        return self.known

    def running(self, project: str) -> list[Running]:
        assert project == "bakewell"
        return self.there


@dataclass
class Listing:
    """A cloud that answers a survey's questions and counts them."""

    found: list[Image] = field(default_factory=list)
    used: list[Reference] = field(default_factory=list)
    keys: list[AccountKey] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    offers: Offered | None = None

    def now(self) -> float:
        return time.time()

    def __post_init__(self) -> None:
        self.images = ListedImages(self)
        self.references = ListedReferences(self)
        self.account_keys = ListedKeys(self)
        self.bases = ListedBases(self)
        self.stack_checks = ListedChecks()


class ListedChecks:
    """A listing has whatever is named."""

    def check(self, settings: Settings, arches: Mapping[str, str]) -> None:
        del settings, arches


@dataclass
class ListedImages:
    """The images of a listing."""

    listing: Listing

    def of(self, project: str) -> list[Image]:
        self.listing.asked.append(f"images of {project}")
        return list(self.listing.found)


@dataclass
class ListedReferences:
    """What needs them."""

    listing: Listing

    def all(self) -> list[Reference]:
        self.listing.asked.append("references")
        return list(self.listing.used)


@dataclass
class ListedKeys:
    """The keys of a listing."""

    listing: Listing

    def all(self) -> list[AccountKey]:
        self.listing.asked.append("keys")
        return list(self.listing.keys)


@dataclass
class ListedBases:
    """Vendors' images: each can be built on."""

    listing: Listing

    def check(self, base: str, arch: str) -> None:
        self.listing.asked.append(f"build on {base}")


@dataclass
class Engine:
    """How the engine answers: each Command as one whose build made, or adopted, an image of its cloud's listing.

    Attributes:
        outputs: what the stack exported last.
        rerun: names of Commands that would run: their stdout is unknown in preview; and of what would be made new.
    """

    listings: Mapping[str, Listing]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    rerun: frozenset[str] = frozenset()
    finished: float = 0.0
    stack: str = "dev"

    def __call__(self, asked: mocks.MockResourceArgs) -> Mapping[str, Any]:
        if asked.typ == DROPLET:
            return {"ipv4Address": "192.0.2.7", "id": "77"}
        if asked.typ == RESERVED_IP:
            return {"ipAddress": UNKNOWN if asked.name in self.rerun else _reserved(asked.name)}
        if asked.typ == INSTANCE:
            private = UNKNOWN if asked.name in self.rerun else f"10.0.0.{asked.name.rpartition('-')[2]}"
            return {"publicIp": "198.51.100.7", "privateIp": private, "id": f"i-{asked.name}"}
        if asked.typ == SECURITY_GROUP:
            return {"id": f"sg-{asked.name}"}
        if asked.typ == TEMPLATE:
            return {"id": f"lt-{asked.name}", "latestVersion": UNKNOWN if asked.name in self.rerun else 3}
        if asked.typ == GROUP:
            return {"name": f"{asked.name}-1234567"}
        if asked.typ != COMMAND:
            return {}
        return {"stdout": UNKNOWN if asked.name in self.rerun else self._line(asked.inputs["create"])}

    def stack_outputs(self, name: str) -> Mapping[str, Any]:
        assert name == f"organization/bakewell/{self.stack}"
        return self.outputs

    def invoke(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The functions of AWS's provider that the program may call."""
        if function == "aws:ec2/getSubnet:getSubnet":
            return {"id": arguments["id"], "vpcId": f"vpc-of-{arguments['id']}"}
        if function == "aws:ec2/getVpc:getVpc":
            assert arguments == {"default": True}
            return {"id": "vpc-default"}
        asked = {one["name"]: one["values"] for one in arguments["filters"]}
        zones = ["us-east-1a", "us-east-1b"]
        if function == "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
            assert arguments["locationType"] == "availability-zone" and list(asked) == ["instance-type"]
            return {"id": "1", "locations": zones[::-1]}
        assert function == "aws:ec2/getSubnets:getSubnets", f"the program may not call {function}"
        assert asked == {"vpc-id": ["vpc-default"], "default-for-az": ["true"], "availability-zone": zones}
        return {"id": "1", "ids": ["subnet-a", "subnet-b"]}

    def _line(self, create: str) -> str:
        if create == "exec true":
            return ""
        _, _, verb, *rest = create.split()
        if verb == "ready":
            return json.dumps({"ready_seconds": 1.42})
        if verb == "fleet":
            return json.dumps({"machines": []})
        held = self.listings[rest[rest.index("--cloud") + 1]].found
        if verb == "clean":
            return json.dumps({"deleted": [], "kept": len(held)})
        found = next((i for i in reversed(held) if i.role == rest[0]), None)
        if found is None:
            return UNKNOWN
        if verb == "copy":
            return json.dumps({"id": found.id_in(rest[1]), "region": rest[1]})
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
