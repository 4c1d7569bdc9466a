"""An SSH server in this process, whose commands a test answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bakewell.machine import ssh

Answer = tuple[int, str]
S = TypeVar("S", bound="Sshd")


class Sshd(paramiko.ServerInterface):
    """Listens on a free port of loopback.

    Attributes:
        known: who may log in; None for everybody.
        answer: command to exit status and output; one that raises ends the connection.
        asked: the commands so far.
        logins: how often somebody logged in.
    """

    def __init__(self) -> None:
        self.known: paramiko.PKey | None = None
        self.answer: Callable[[str], Answer] = lambda command: (0, "")
        self.asked: list[str] = []
        self.logins = 0
        self._host_key = paramiko.ECDSAKey.generate()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._transports: list[paramiko.Transport] = []
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Take connections until closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(self._host_key)
                self._transports.append(transport)
                # Negotiated in a thread of its own: a client that says nothing keeps no other one out.
                transport.start_server(event=threading.Event(), server=self)

    def drop(self) -> None:
        """End every connection."""
        while self._transports:
            self._transports.pop().close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        assert username == "root"
        if self.known is not None and key != self.known:
            return paramiko.common.AUTH_FAILED
        self.logins += 1
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        # Later, because paramiko tells the client only after this method that the command was taken.
        threading.Timer(0.02, self._run, args=(channel, command.decode())).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        self.asked.append(command)
        try:
            status, text = self.answer(command)
        except ConnectionError:
            self.drop()
            return
        with suppress(OSError, EOFError):  # the client may have gone
            channel.sendall(text.encode())
            channel.send_exit_status(status)
            channel.close()


@contextmanager
def listening(server: S) -> Iterator[S]:
    """The server takes connections meanwhile."""
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key's file."""
    path = tmp_path_factory.mktemp("ssh") / "key"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return path


@pytest.fixture
def sshd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A machine at 127.0.0.1 where everybody may log in."""
    server = Sshd()
    monkeypatch.setattr(ssh, "PORT", server.port)
    with listening(server):
        yield server
