"""cloud-init with nothing to do but what a baked machine needs, so that user_data is applied as soon as may be.

Its own lists of modules stay in force, without those in UNNEEDED; it looks for its data where the builder found its
own, and nowhere else; and it is loaded once for its first two stages (files/stages.py). docs/boot.md has what each
costs. Configuration of the network is not touched.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import FactBase, deploy
from pyinfra.operations import files

FILES = Path(__file__).parent / "files"
UNITS = {"local.conf": "cloud-init-local.service", "network.conf": "cloud-init.service"}
PATH = "/etc/cloud/cloud.cfg.d/zz_bakewell.cfg"
"""After whatever the cloud has put there: the last file counts."""

STAGES = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")

UNNEEDED = frozenset(
    {
        # Renames what cloud-init itself left before 2013.
        "migrator",
        # For software that Debian's servers don't have: Ubuntu's own, syslog, a window manager for terminals.
        *("snap", "fan", "landscape", "lxd", "byobu", "rsyslog"),
        *("ubuntu_advantage", "ubuntu_autoinstall", "ubuntu_drivers"),
        # Other tools that would set the machine up: here that was done before the snapshot.
        *("puppet", "chef", "mcollective", "salt_minion", "ansible"),
        # Clouds that are gone, and IBM's mainframes.
        *("rightscale_userdata", "reset_rmc", "refresh_rmc_and_interface"),
        # Nobody types at its console.
        "keyboard",
        # Tells apt not to ask for several packages at a time, for Amazon's mirrors of 2012.
        "apt_pipelining",
        # Repeats who may log in; the fingerprints of the machine itself are still shown on its console.
        "ssh_authkey_fingerprints",
    }
)
"""Modules by name, underscores for hyphens. What user_data may ask for with good reason stays: files, users, mounts,
commands, even packages. It costs nothing while it is not used, and left out it would be ignored without a word."""

BOOT_LOADER = "grub_dpkg"
"""Tells GRUB's package which disk it is on; takes a tenth of a second, also where there is no GRUB."""

KEYS = ("ed25519", "ecdsa")
"""Host keys made at the first boot. Also RSA by default, which takes a small machine a second or more."""


class Found(FactBase[dict[str, Any]]):
    """How cloud-init is configured, and what it found at this boot; {} on a machine without it.

    `config`: its files, merged by itself. `source`: the class of its data source, "DataSourceConfigDrive"; "" when it
    has forgotten, as after sealing. `grub`: whether there is a boot loader of the machine's own. `apart`: whether its
    package runs each of its first two stages as a process of its own.
    """

    default = dict

    def command(self) -> str:
        program = shlex.quote((FILES / "found.py").read_text(encoding="utf-8"))
        return f"! command -v cloud-init > /dev/null || python3 -c {program}"

    def process(self, output: Iterable[str]) -> dict[str, Any]:
        text = "\n".join(output)
        found: dict[str, Any] = json.loads(text) if text else {}
        return found


@deploy("cloud-init")
def tune() -> None:
    """The settings in PATH, and the stages' program; nothing where the machine has no cloud-init.

    All of it counts from the next boot on.
    """
    found = host.get_fact(Found)
    if found:
        text = settings(found["config"], found["source"], grub=found["grub"])
        files.put(name="Leave out what is not needed", src=StringIO(text), dest=PATH, mode="644")
    if found and found["apart"]:
        files.directory(name="A place for the program", path="/usr/local/lib/bakewell", mode="755")
        program = "/usr/local/lib/bakewell/cloud_init_stages.py"
        files.put(name="Put the program", src=str(FILES / "stages.py"), dest=program, mode="644")
        for file, unit in UNITS.items():
            dest = f"/etc/systemd/system/{unit}.d/bakewell.conf"
            files.put(name=f"Have {unit} run it", src=str(FILES / file), dest=dest, mode="644")


def settings(config: dict[str, list[Any]], source: str, *, grub: bool) -> str:
    """The text of PATH: YAML. Arguments as in `Found`.

    The list of data sources is on one line, without quotes: a shell script reads it too, before cloud-init does.
    """
    sources = [name] if (name := source_name(source)) else [one for one in config["datasource_list"] if one != "None"]
    unneeded = UNNEEDED if grub else UNNEEDED | {BOOT_LOADER}
    lines = ["# Which data sources are tried, which modules run: packer/steps/cloud_init."]
    if sources:
        lines.append(f"datasource_list: [ {', '.join([*sources, 'None'])} ]")
    for stage in STAGES:
        kept = [module for module in config[stage] if _name(module) not in unneeded]
        lines.append(f"{stage}: {json.dumps(kept)}")
    lines.append(f"ssh_genkeytypes: {json.dumps(KEYS)}")
    # Debian's own image for AWS lets `admin` in, and root only to say so; every other cloud's lets root in, with keys.
    lines.append("disable_root: false")
    return "\n".join(lines) + "\n"


def source_name(source: str) -> str:
    """How `datasource_list` calls a data source: "Ec2" for DataSourceEc2Local, "" for none and for the empty one."""
    name = re.sub(r"^DataSource|(Local|Net)$", "", source)
    return "" if name == "None" else name


def _name(module: str | list[Any]) -> str:
    """The name of an entry, which may also say how often it runs."""
    return str(module if isinstance(module, str) else module[0]).replace("-", "_")
