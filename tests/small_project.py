"""A small packer/ folder of our own, so that the tests which use it say all they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

PACKER = """packer {
  required_version = "= 1.15.0"
}
"""
PACKAGES = "pyinfra==3.10.0\npytest-testinfra==10.2.2\n"
PLUGIN = """packer {{
  required_plugins {{
    {0} = {{
      source  = "github.com/{1}/{0}"
      version = "= {2}"
    }}
  }}
}}
"""
LOCK = """# moved by bakewell lock
[debian-12.digitalocean]
image = "debian-12-x64"
name = "12 x64"  # as DigitalOcean calls it
date = "2026-11-02"

[debian-12.aws]
image = "136693071363/debian-12-amd64-*"
name = "debian-12-amd64-20261102-1"
date = "2026-11-02"
[debian-12.aws.ids]
us-east-1 = "ami-1"
"""
FILES: Mapping[str, str | bytes] = {
    "packer.pkr.hcl": PACKER,
    "requirements.txt": PACKAGES,
    "digitalocean.pkr.hcl": PLUGIN.format("digitalocean", "digitalocean", "1.4.1"),
    "aws.pkr.hcl": PLUGIN.format("amazon", "hashicorp", "1.8.0"),
    "build.pkr.hcl": "build {\n  sources = local.sources\n}\n",
    "provision.sh": "#!/bin/sh\n",
    "bases.lock": LOCK,
    "README.md": "notes\n",
    "steps/__init__.py": "",
    "steps/nginx.py": "def install() -> None: ...\n",
    "steps/seal.py": "def seal() -> None: ...\n",
    "steps/docker/__init__.py": "from . import repository\n",
    "steps/docker/repository.py": "URL = 'https://download.docker.com'\n",
    "images/base/image.toml": 'description = "base"\nbase = "debian-12"\n',
    "images/base/deploy.py": "from steps import seal\n\nseal.seal()\n",
    "images/base/checks.py": "def test_it(host): ...\n",
    "images/web/image.toml": 'description = "web"\nparent = "base"\n',
    "images/web/deploy.py": "import steps.nginx\nfrom steps.seal import seal\n",
    "images/web/checks.py": "def test_it(host): ...\n",
    "images/web/files/index.html": "<p>hello\n",
    "images/api/image.toml": 'description = "api"\nparent = "base"\n',
    "images/api/deploy.py": "\n",
    "images/api/checks.py": "\n",
}


@pytest.fixture(autouse=True)
def nothing_shared(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shared files beneath a small project, for tests that say all they depend on: a conftest imports this."""
    empty = tmp_path_factory.getbasetemp() / "nothing-shared"
    empty.mkdir(exist_ok=True)
    monkeypatch.setattr("bakewell.catalog.layers.SHARED", empty)


def write(packer: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Write files by their paths below `packer`; what is None is left out."""
    for path, content in files.items():
        if content is not None:
            target = packer / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    return packer
