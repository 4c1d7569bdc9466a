"""Templates of our own, in the shapes that teams have, and a project to import them into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bakewell.bases import Bases
from bakewell.catalog import Catalog
from bakewell.context import Context
from bakewell.migration import Import, plan
from bakewell.migration.language.syntax import Block
from bakewell.migration.ledger import Kind, Ledger
from bakewell.scaffold.writing import write

ROOT = Path(__file__).parents[3]
TEMPLATES = Path(__file__).parent / "templates"
SHAPES = {
    "services": ["services"],
    "private-ami": ["private-ami"],
    "legacy": ["legacy/base.json", "legacy/app.json", "legacy/production.json"],
    "runner": ["runner"],
    "two-stage": ["two-stage"],
    "several": ["several"],
}
LOCK = "".join(
    f'["{base}".{cloud}]\nimage = "{base}"\nname = "{base}"\ndate = "2026-11-02"\n'
    for base in ("debian-12", "ubuntu-22.04")
    for cloud in ("digitalocean", "aws", "docker")
)

Imported = Callable[..., Import]


def shape(name: str) -> Import:
    """One of the templates, imported where it lies."""
    return plan([TEMPLATES / path for path in SHAPES[name]], bases=["debian-12", "ubuntu-22.04"])


def deploy(found: Import, role: str) -> str:
    """A role's deploy.py."""
    return found.files[f"packer/images/{role}/deploy.py"].decode()


def image(found: Import, role: str) -> str:
    """A role's image.toml."""
    return found.files[f"packer/images/{role}/image.toml"].decode()


def said(found: Import, kind: Kind = Kind.todo) -> str:
    """The findings of one kind, a line each."""
    return "\n".join(" ".join(finding.lines()) for finding in found.ledger.of(kind))


def silent(block: Block, ledger: Ledger) -> list[str]:
    """Attributes and blocks of which nothing is said. What is below a block that is reported belongs to it."""
    found = [f"{a.at} {a.name}" for a in block.attributes if not ledger.known(a)]
    for below in block.blocks:
        if not ledger.known(below):
            found.append(f"{below.at} {below.title}")
        if ledger.kinds(below) <= {Kind.translated}:
            found += silent(below, ledger)
    return found


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    """Imports a template that is given as text, with files beside it: path → text."""

    def imported(text: str, name: str = "template.pkr.hcl", **options: object) -> Import:
        folder = tmp_path / "templates"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        return plan([folder / name], bases=["debian-12"], **options)  # type: ignore[arg-type]

    return imported


@pytest.fixture
def validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Import, Sequence[str]], Catalog]:
    """Writes an import into a project, and reads it as `bakewell validate` does before it asks Packer."""
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", ROOT / "packer")

    def validated(found: Import, clouds: Sequence[str]) -> Catalog:
        root = tmp_path / "project"
        write(root, {**found.files, "packer/bases.lock": LOCK}, what="roles", remedy="")
        catalog, bases = Catalog.load(root / "packer"), Bases.load(root / "packer/bases.lock")
        for role in catalog.roles:
            for cloud in clouds:
                Context.collect(catalog, role, cloud, bases)
        return catalog

    return validated
