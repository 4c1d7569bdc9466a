"""A clone of the project, by default with made-up images, and commands run in it: the benches' work bench."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]
COPIED = ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "bakewell", "components", "packer")


class Clone:
    """A clone under `root` on the local cloud of `environment`, with a project name of its own."""

    def __init__(self, root: Path, environment: Mapping[str, str], project: str, *, real_images: bool = False) -> None:
        self.root = root
        root.mkdir(parents=True)
        for name in COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / name)
        if not real_images:
            shutil.rmtree(root / "packer" / "images")
        stacks = root.parent / f"{root.name}-stacks"
        stacks.mkdir()
        self.env = {**os.environ, **environment, "PULUMI_BACKEND_URL": f"file://{stacks}"}
        own: dict[str, object] = {} if real_images else {"roles": [], "digitalocean": {}}  # the project's are not there
        self.configure(project=project, prefix=project, **own)

    def configure(self, **settings: object) -> None:
        """Set `bakewell:<key>` in Pulumi.dev.yaml."""
        path = self.root / "Pulumi.dev.yaml"
        document: dict[str, Any] = yaml.safe_load(path.read_text())
        document["config"].update({f"bakewell:{key}": value for key, value in settings.items()})
        path.write_text(yaml.safe_dump(document))

    def image(self, role: str, *, parent: str | None = None, script: str = "true") -> None:
        """An image whose provisioning is one shell command."""
        folder = self.root / "packer" / "images" / role
        folder.mkdir(parents=True)
        origin = f'parent = "{parent}"' if parent else 'base = "debian-12"'
        (folder / "image.toml").write_text(f'description = "{role} of a bench"\n{origin}\n')
        (folder / "deploy.py").write_text(
            f"from pyinfra.operations import server\n\nserver.shell(commands=[{script!r}])\n"
        )
        (folder / "checks.py").write_text(
            "from testinfra.host import Host\n\n\n"
            "def test_it_is_up(host: Host) -> None:\n    assert host.run('true').rc == 0\n"
        )

    def run(self, *argv: str, cwd: Path | None = None) -> str:
        """Run a command in the clone; its standard output."""
        done = subprocess.run(
            argv,
            cwd=cwd or self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout
