"""The machine under construction, as PyInfra sees it: how to reach it, and the role's data from image.toml.

`host.data` then has `role`, `image` (the snapshot's name), `parent` (a role, or ""), `versions` and `variables`. Read
in a staged directory only; the connection comes from the environment that build.pkr.hcl sets.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

_image: dict[str, Any] = tomllib.loads(Path("image.toml").read_text(encoding="utf-8"))

build: list[tuple[str, dict[str, Any]]] = [
    (
        os.environ["BUILD_HOST"],
        {
            "ssh_port": int(os.environ.get("BUILD_PORT", "22")),
            "ssh_user": os.environ.get("BUILD_USER", "root"),
            "ssh_key": os.environ["BUILD_KEY_FILE"],
            # A machine that lives for minutes has no host key worth remembering, and its address is soon another's.
            "ssh_known_hosts_file": os.devnull,
            "ssh_strict_host_key_checking": "off",
            "ssh_config_file": os.devnull,
            "role": os.environ["BUILD_ROLE"],
            "image": os.environ["BUILD_IMAGE"],
            "parent": _image.get("parent", ""),
            "versions": _image.get("versions", {}),
            "variables": _image.get("variables", {}),
        },
    )
]
