"""user_data says who a machine is and what it starts, never how to install it: that is in the image.

Rendered as cloud-init YAML, checked before anything is created. It has no room for a secret, only for a role and names
of units: user_data can be read by every process of the machine, and lies in Pulumi's state.
"""

from __future__ import annotations

import json

from pydantic import Field

from bakewell.catalog.spec import Unit
from bakewell.errors import ConfigError
from bakewell.reading import Model, Name, checked

LIMITS = {"digitalocean": 64 * 1024}
"""Bytes of user_data that a cloud takes."""

MACHINE_FILE = "/etc/bakewell/machine.json"


class UserData(Model):
    """Who a machine is.

    Attributes:
        role: the role of its image, written to /etc/bakewell/machine.json (mode 0644).
        services: systemd units to enable and start, in this order, without waiting for them.
    """

    role: Name
    services: list[Unit] = Field(default_factory=list)

    @classmethod
    def of(cls, role: str, services: list[str]) -> UserData:
        """As the constructor, but bad values raise a ConfigError."""
        data = {"role": role, "services": services}
        return checked(cls, data, file=f"user_data of {role}", what="machine")

    def render(self, cloud: str = "digitalocean") -> str:
        """The text for `cloud`: the same for the same values, so that it never replaces a machine by itself.

        Raises:
            ConfigError: it is larger than the cloud takes.
        """
        machine = json.dumps({"role": self.role})
        document: dict[str, object] = {
            "write_files": [{"path": MACHINE_FILE, "permissions": "0644", "content": machine + "\n"}]
        }
        if self.services:
            # Enabled too, because cloud-init runs this at the first boot only.
            document["runcmd"] = [["systemctl", "enable", "--now", "--no-block", unit] for unit in self.services]
        # JSON is YAML: no YAML writer to load, and no quoting of its own to get wrong.
        text = "#cloud-config\n" + json.dumps(document, indent=1, sort_keys=True) + "\n"
        size, limit = len(text.encode()), LIMITS[cloud]
        if size > limit:
            raise ConfigError(
                f"user_data of {self.role} is {size} bytes, and {cloud} takes {limit}",
                remedy="bake files into the image (packer/images/<role>/files/) instead of sending them",
            )
        return text
