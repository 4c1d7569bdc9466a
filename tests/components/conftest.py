"""Fixtures: the whole program on a small project, with nothing behind it but lists."""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.clouds.resources import AccountKey
from bakewell.fingerprint import fingerprints
from bakewell.image import Image
from bakewell.settings import Settings
from tests.components.engine import Run, run_program
from tests.components.fleet import IMAGES, Engine, Listing, exported, image, project
from tests.small_project import nothing_shared

__all__ = ["nothing_shared"]

SECRET = "wJalrXUtnFEMI-a-secret-of-tests"
CLIENT = '[consul]\nenvironment = "config/api"\n'
CLUSTERED = {
    **IMAGES,
    "api": IMAGES["api"] + CLIENT,
    "consul-server": 'description = "Consul"\nparent = "base"\n[consul]\nmode = "server"\n',
}


def pytest_configure(config: pytest.Config) -> None:
    """Warnings of Pulumi's own: of its SDKs' deprecated functions, and of what a failed program leaves undone."""
    config.addinivalue_line("filterwarnings", "ignore:digitalocean:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:aws:DeprecationWarning")
    config.addinivalue_line("filterwarnings", "ignore:coroutine .* was never awaited:RuntimeWarning")


@dataclass
class Fleet:
    """A clone, its clouds (`listing` is DigitalOcean's), and what its stack exported last."""

    root: Path
    listing: Listing = field(default_factory=Listing)
    aws: Listing = field(default_factory=Listing)
    outputs: dict[str, Any] = field(default_factory=dict)
    config: dict[str, str] = field(
        default_factory=lambda: {
            "bakewell:digitalocean": '{"droplets": {"web": {"count": 2}, "api": {}}}',
            "bakewell:local": "true",
        }
    )
    written: dict[str, Any] | None = None  # what Pulumi.dev.yaml says, where that is not `config`

    @property
    def listings(self) -> dict[str, Listing]:
        return {"digitalocean": self.listing, "aws": self.aws}

    def fingerprint(self, role: str, cloud: str = "digitalocean") -> str:
        packer = self.root / "packer"
        found = fingerprints(
            Catalog.load(packer),
            cloud,
            Bases.load(packer / "bases.lock"),
            now=datetime.now(UTC),
            encryption=Settings.from_mapping(self.config, "x").encryption(cloud),
        )
        return found[role].value

    def bake(
        self, number: int = 1, *, attempts: Mapping[str, int] | None = None, cloud: str = "digitalocean"
    ) -> dict[str, Image]:
        """Put an image of each role in the cloud and in the stack's outputs."""
        base = image("base", self.fingerprint("base", cloud), number, cloud=cloud)
        baked = {"base": base}
        for offset, role in enumerate(("web", "api"), start=1):
            baked[role] = image(role, self.fingerprint(role, cloud), number + offset, parent=base, cloud=cloud)
        self.listings[cloud].found += baked.values()
        images = self.recorded(cloud)
        for role, made in baked.items():
            images[role] = exported(made, (attempts or {}).get(role, 0))
        return baked

    def recorded(self, cloud: str = "digitalocean") -> dict[str, Any]:
        """What the stack has on record of the images on a cloud."""
        record: dict[str, Any] = self.outputs.setdefault("bakewell", {})
        images: dict[str, Any] = record.setdefault(cloud, {}).setdefault("images", {})
        return images

    def run(
        self, *, preview: bool = False, rerun: frozenset[str] = frozenset(), finished: float = 0.0, stack: str = "dev"
    ) -> Run:
        """`pulumi up`, or `pulumi preview`. `rerun`: Commands that would run, so that their stdout is unknown."""
        program = str(self.root / "__main__.py")

        def main() -> None:
            runpy.run_path(program, run_name="__main__")

        return self.ask(main, preview=preview, rerun=rerun, finished=finished, stack=stack)

    def ask(
        self,
        main: Callable[[], None],
        *,
        preview: bool = False,
        rerun: frozenset[str] = frozenset(),
        finished: float = 0.0,
        stack: str = "dev",
        plugin: bool = False,
    ) -> Run:
        """As `run`, with another program, or what a plugin does for one."""
        engine = Engine(self.listings, self.outputs, rerun, finished, stack)
        written = self.config if self.written is None else self.written
        (self.root / f"Pulumi.{stack}.yaml").write_text(json.dumps({"config": written}))  # JSON is YAML
        on_interrupt = signal.getsignal(signal.SIGINT)  # the program's own would end pytest without a word
        try:
            with contextlib.chdir(self.root):
                return run_program(main, engine, preview=preview, config=self.config, stack=stack, plugin=plugin)
        finally:
            signal.signal(signal.SIGINT, on_interrupt)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A project with base, web and api, two web machines and an api machine; nothing is built yet."""
    project(tmp_path / "clone")
    made = Fleet(tmp_path / "clone")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "a-token-of-tests")
    monkeypatch.setenv("DIGITALOCEAN_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:8")
    monkeypatch.setenv("BAKEWELL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(
        "pulumi_bakewell.stack.session.connect", lambda name, environment, settings: made.listings[name]
    )
    monkeypatch.setattr("pulumi_bakewell.stack.session._session", None)  # a plugin's would outlive its test
    # Templates are Packer's to judge, in tests of their own; here they count as seen.
    monkeypatch.setattr("bakewell.build.packer.validate", lambda *args: None)
    return made


def machines(fleet: Fleet, **wanted: dict[str, Any]) -> None:
    """Have the stack say this under `bakewell:digitalocean.droplets`."""
    digitalocean(fleet, droplets={role.replace("_", "-"): machine for role, machine in wanted.items()})


def digitalocean(fleet: Fleet, **settings: Any) -> None:
    """Have the stack say this under `bakewell:digitalocean`, and otherwise what it said."""
    said = json.loads(fleet.config.get("bakewell:digitalocean", "{}"))
    fleet.config["bakewell:digitalocean"] = json.dumps({**said, **settings})


@pytest.fixture
def cluster(fleet: Fleet, tmp_path: Path) -> Fleet:
    """Three servers, an api that is their client, and a web machine without any part in it."""
    fleet.root = tmp_path / "clustered"
    project(fleet.root, CLUSTERED)
    fleet.listing.keys = [AccountKey("7", "ops")]
    keys = {"ssh_keys": ["ops"]}
    machines(fleet, api=keys, web={"size": "s-1vcpu-2gb", **keys}, consul_server={"count": 3, **keys})
    return fleet


@pytest.fixture
def everything(cluster: Fleet) -> Fleet:
    """Every type of resource that there is, and every setting of a machine, on two clouds."""
    login = {"key": "ops", "ssh_from": ["10.0.0.0/8"]}
    instance = {"type": "t3.small", "profile": "web", "subnet": "subnet-0a", **login}
    aws = {"instances": {"web": instance}, "fleets": {"web": login}, "launch_accounts": ["111122223333"]}
    cluster.config["bakewell:clouds"] = '["digitalocean", "aws"]'
    cluster.config["bakewell:aws"] = json.dumps(aws | {"encrypted": False})
    for cloud in ("digitalocean", "aws"):
        cluster.bake(cloud=cloud)
    return cluster
