"""Which machines and images a server made, in a file that outlives it; moto's own memory does not."""

from __future__ import annotations

import logging
from pathlib import Path

from sandbox.serving.machines import Machines

log = logging.getLogger(__name__)


class Ledger:
    """A line for each thing made, written before it is made.

    The Docker label is the whole local cloud's, DigitalOcean's half included, and says nothing of whose a container is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, kind: str, name: str) -> None:
        """Notes a thing: kind is "machine" or "image"."""
        with self._file.open("a") as file:
            file.write(f"{kind} {name}\n")

    def clear(self, machines: Machines) -> None:
        """Removes what is noted, machines first, and begins anew.

        Raises:
            MachineError: something can't be removed; it stays noted.
        """
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        for line in sorted(set(lines), reverse=True):  # machines before the images that they were made from
            kind, _, name = line.partition(" ")
            (machines.remove if kind == "machine" else machines.remove_image)(name)
        if lines:
            log.info("removed what a former server left: %d things", len(set(lines)))
        self._file.write_text("")
