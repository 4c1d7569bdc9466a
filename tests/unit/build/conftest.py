"""A small project, a fake Packer on PATH, and an empty local cloud over machines in memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.build import packer
from bakewell.build.job import Job
from bakewell.catalog import Catalog
from bakewell.clouds.digitalocean import DigitalOcean
from bakewell.fingerprint import fingerprints
from bakewell.settings import CloudName, Environment, Settings
from tests.contract.served import TOKEN, Served
from tests.small_project import write
from tests.unit.build.fake_packer import FakePacker
from tests.waiting import until

Said = list[str]
FILES = {
    "plugins.pkr.hcl": 'packer {\n  required_version = "= 1.15.0"\n}\n',
    "build.pkr.hcl": "build {\n}\n",
    "requirements.txt": (Path(__file__).parents[3] / "packer/requirements.txt").read_text(encoding="utf-8"),
    "bases.lock": '[debian-12.digitalocean]\nimage = "debian-12-x64"\nname = "12 x64"\ndate = "2026-11-02"\n'
    '[debian-12.aws]\nimage = "136693071363/debian-12-amd64-*"\nname = "debian-12"\ndate = "2026-11-02"\n',
    "steps/__init__.py": "",
    "images/base/image.toml": 'description = "base"\nbase = "debian-12"\n',
    "images/base/deploy.py": "",
    "images/base/checks.py": "",
    "images/web/image.toml": 'description = "web"\nparent = "base"\n',
    "images/web/deploy.py": "",
    "images/web/checks.py": "",
}


@dataclass
class Site:
    """A project on a cloud of its own.

    Attributes:
        root: the project's folder.
        state: BAKEWELL_STATE.
        packer: what is called Packer here.
    """

    root: Path
    state: Path
    packer: FakePacker
    served: Served

    @property
    def environment(self) -> Environment:
        aws = os.environ.get("AWS_ENDPOINT_URL")
        return Environment(self.served.api.endpoint, self.state, "dev", None, TOKEN, aws_endpoint=aws)

    @property
    def cloud(self) -> DigitalOcean:
        return DigitalOcean(self.served.api.endpoint, TOKEN)

    def write(self, path: str, text: str) -> None:
        write(self.root / "packer", {path: text})

    def mode(self, role: str, mode: str) -> None:
        """Have the fake Packer behave in a certain way for a role."""
        self.write(f"images/{role}/mode", mode)

    def job(self, role: str, cloud: CloudName = "digitalocean", **changes: object) -> Job:
        catalog, bases = Catalog.load(self.root / "packer"), Bases.load(self.root / "packer" / "bases.lock")
        found = fingerprints(catalog, cloud, bases, now=datetime.now(UTC))[role]
        job = Job(role, cloud, found, catalog, bases, Settings(clouds=[cloud]), self.environment)
        return replace(job, **changes)  # type: ignore[arg-type]

    def left(self) -> dict[str, list[str]]:
        """What is in the account and no finished image."""
        images = self.served.api.get("/v2/images", private="true")["images"]
        found = {
            "droplets": [d["name"] for d in self.served.api.get("/v2/droplets")["droplets"]],
            "keys": [k["name"] for k in self.served.api.get("/v2/account/keys")["ssh_keys"]],
            "images": [i["name"] for i in images if "bakewell:ready" not in i["tags"]],
        }
        return {kind: names for kind, names in found.items() if names}

    def leaves(self, *kinds: str) -> None:
        """Nothing is left but things of those kinds, once what is being deleted is gone."""
        until(lambda: set(self.left()), lambda left: left == set(kinds))

    def runs(self) -> list[str]:
        """What is recorded of runs."""
        return sorted(path.name for path in (self.state / "runs").glob("*"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: Served) -> Iterator[Site]:
    # Not beside this Python, where `environment_for` looks first: no packer is there.
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(packer, "GRACE", 1.5)
    root = tmp_path / "project"
    write(root / "packer", FILES)
    (root / "Pulumi.yaml").write_text("name: bakewell\nruntime: python\n")
    (root / "Pulumi.dev.yaml").write_text("config:\n  bakewell:local: true\n")
    packer_ = FakePacker()
    with packer_.serving() as program:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/packer").write_text(f"#!{sys.executable} -S\n{program}")
        (tmp_path / "bin/packer").chmod(0o755)
        yield Site(root, tmp_path / "state", packer_, served)


@pytest.fixture
def said() -> Said:
    """What was said, line by line; its `append` is a `say`."""
    return []
