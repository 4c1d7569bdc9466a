"""The package as users install it: wheel and sdist, built once a session from this checkout."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Built:
    """Two files. The wheel is built from the sdist, as installers do that find no wheel."""

    wheel: Path
    sdist: Path


def build(folder: Path) -> Built:
    """Build both into `folder`, with the build backend of this environment; asks no package index."""
    uv = Path(sys.executable).with_name("uv")
    options = ["--offline", "--no-build-isolation", "--quiet", f"--python={sys.executable}"]
    subprocess.run([uv, "build", *options, f"--out-dir={folder}"], cwd=ROOT, check=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel and the sdist."""
    return build(tmp_path_factory.mktemp("dist"))
