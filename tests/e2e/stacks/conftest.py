"""The whole fleet on the real images, which two files of tests use, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.machine import Machine
from tests.e2e.workspace import EVERY_ROLE, Workspace


def short(name: str) -> str:
    """A resource's name without its cloud."""
    return name.removeprefix("digitalocean-")


@dataclass
class Fleet:
    """A stack that has every role.

    Attributes:
        workspace: its clone.
        first: what the first `up` said.
    """

    workspace: Workspace
    first: str

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack output `machines`, by `<role>-<n>`."""
        return {short(name): machine for name, machine in self.workspace.outputs()["machines"].items()}

    def machine(self, name: str) -> Machine:
        return Machine(self.outputs[name]["address"], Path(self.workspace.env["BAKEWELL_SSH_KEY"]))

    def members(self) -> dict[str, str]:
        """Consul's members and how they are, by name, as its first server sees it; without those that took leave."""
        lines = self.machine("consul-server-1").run("consul members").splitlines()[1:]
        return {words[0]: words[2] for words in map(str.split, lines) if words[2] != "left"}

    def passing(self, service: str) -> list[str]:
        """Names of the machines whose `service` is in order, for Consul."""
        found = self.machine("consul-server-1").ask_consul(f"health/service/{service}?passing")
        return sorted(entry["Node"]["Node"] for entry in found)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, mirrored: Mapping[str, str]) -> Fleet:
    """Every role, from nothing to ready."""
    root = tmp_path_factory.mktemp("fleet") / "clone"
    workspace = Workspace.make(root, mirrored, EVERY_ROLE, real_images=True, stack="fleet")
    workspace.init()
    done = workspace.up()
    return Fleet(workspace, done.stdout + done.stderr)
