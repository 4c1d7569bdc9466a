"""The machine under construction, as PyInfra sees it: how to reach it, and the role's data from image.toml.

`host.data` then has `role`, `image` (the snapshot's name), `parent` (a role, or ""), `versions`, `variables`, `boot`,
`compose` and `consul` (tables of image.toml, {} where it has none; `consul` with its `service`), `port` (of `[boot]
health`; None where it has none), `secrets` (the values of those that image.toml declares, {"REGISTRY_TOKEN": "…"}), and
`downloads`: what each release's step needs to fetch it, {name: {"version": …, "files": {"x86_64": {"url": …, "sha256":
…}}}}. `boot` and `consul` have what a build reads: no `peers`, no `watches`. Read in a staged directory only; the
connection comes from the environment that build.pkr.hcl sets.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from pyinfra.api import DeployError


class _Downloads(dict[str, Any]):
    """What the build may fetch; asked for anything else, it says how that is added."""

    def __missing__(self, name: str) -> Any:
        raise DeployError(
            f"deploy.py wants the download `{name}`, but no step of this image declares it, or image.toml has no "
            f"version of it\nremedy: state `{name}` in image.toml [versions], list its step, run: bakewell lock {name}"
        )


class _Secrets(dict[str, str]):
    """The secrets of the build by name; a traceback does not show them."""

    def __missing__(self, name: str) -> str:
        raise DeployError(
            f"deploy.py wants the secret {name}, which image.toml does not declare, or which is not set\n"
            f'remedy: add {name} = "what it is for" to [secrets] in image.toml, and set {name} in the environment'
        )

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self)}>"


_role = os.environ["BUILD_ROLE"]
_image: dict[str, Any] = tomllib.loads(Path("image.toml").read_text(encoding="utf-8"))
# What the image takes from packer/shared.toml; written by `bakewell`, as image.toml is.
_shared = Path("shared.toml")
_common: dict[str, Any] = tomllib.loads(_shared.read_text(encoding="utf-8")) if _shared.exists() else {}
_boot: dict[str, Any] = _image.get("boot", {})
_consul: dict[str, Any] = {"mode": "client", "service": _role} | _image["consul"] if "consul" in _image else {}
# Made by `bakewell` from image.toml, the steps' downloads.toml and bases.lock; an image without downloads has none.
_locked = Path("downloads.json")
_downloads = json.loads(_locked.read_text(encoding="utf-8")) if _locked.exists() else {}
# Values in the order of the names, each with the forms that secret_search.py looks for.
_values: list[list[str]] = json.loads(os.environ.get("BUILD_SECRETS", "[]"))
_secrets = _Secrets(zip(_image.get("secrets", ()), (value for value, *_ in _values), strict=False))

# PyInfra reads how to get through a bastion from a file of ssh's.
_bastion = os.environ.get("BUILD_BASTION", "")
_ssh_config = Path("build-ssh-config")
if _bastion:
    _ssh_config.write_text(f"Host *\n    ProxyCommand {_bastion}\n", encoding="utf-8")

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
            "ssh_config_file": str(_ssh_config) if _bastion else os.devnull,
            "role": _role,
            "image": os.environ["BUILD_IMAGE"],
            "parent": _image.get("parent", ""),
            "versions": _common.get("versions", {}) | _image.get("versions", {}),
            "variables": _common.get("variables", {}) | _image.get("variables", {}),
            "boot": _boot,
            "port": _boot.get("health", {}).get("port"),
            "compose": _image.get("compose", {}),
            "consul": _consul,
            "downloads": _Downloads(_downloads),
            "secrets": _secrets,
        },
    )
]
