"""What a command on the machine has printed so far: nobody else tells, before the command has ended."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import paramiko
from pyinfra.connectors import util as connectors
from testinfra.backend.paramiko import ParamikoBackend


class LastOutput:
    """The last lines of the command that runs on the machine, which nobody has shown yet: they tell what it waits for.

    Attributes:
        lines: oldest first.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=20)

    def listen(self) -> None:
        """Hear what PyInfra's commands print, as they do; by itself it tells nothing before a command has ended."""
        read = connectors.read_buffer

        def hearing(name: str, io: Iterable[str | bytes], *rest: Any, **options: Any) -> None:
            if name == "stdout":
                self.lines.clear()  # another command
            read(name, self.through(io), *rest, **options)

        connectors.read_buffer = hearing

    def through(self, lines: Iterable[str | bytes]) -> Iterator[str | bytes]:
        """`lines`, each heard as it passes."""
        for line in lines:
            self.lines.append(line.decode("utf-8", "replace") if isinstance(line, bytes) else line)
            yield line


class ListeningBackend(ParamikoBackend):  # type: ignore[misc]
    """Runs the checks' commands over one connection, and hears them and what they print."""

    def __init__(self, client: paramiko.SSHClient, heard: LastOutput) -> None:
        super().__init__(os.environ["BUILD_HOST"])
        self.client = client
        self._heard = heard

    def _exec_command(self, command: bytes) -> tuple[int, bytes, bytes]:
        self._heard.lines.clear()
        self._heard.lines.append(f"$ {command.decode('utf-8', 'replace')}")
        transport = self.client.get_transport()
        assert transport is not None
        channel = transport.open_session()
        channel.exec_command(command)
        output = b"".join(self._heard.through(channel.makefile("rb")))  # type: ignore[arg-type]
        errors = b"".join(self._heard.through(channel.makefile_stderr("rb")))  # type: ignore[arg-type]
        return channel.recv_exit_status(), output, errors
