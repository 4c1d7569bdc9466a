"""One machine's root shell over SSH: connect, run a command, say what is wrong in words.

Knows nothing of what the commands are for. A machine that was just made has a host key that nobody can know, so any is
accepted, and nothing secret is ever sent: public-key authentication shows the other side no more than a signature,
and no agent is forwarded.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from bakewell.errors import ConfigError, file_error
from bakewell.reading import LIMIT, open_regular

USER, PORT = "root", 22
VARIABLE = "BAKEWELL_SSH_KEY"
_CONNECT = 3.0  # seconds for TCP: a machine that is still booting drops packets
# paramiko reports what it raises once more, with a traceback.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Unreachable(Exception):
    """No connection, or it broke. It may be there the next time."""


class KeyRefused(Unreachable):
    """The machine answers and takes none of our keys; while it boots, it may not know them yet."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit status, and stdout and stderr together."""

    status: int
    text: str


class Ssh:
    """Commands on one machine, over one connection that is made when it is first needed, and again after it broke.

    Args:
        address: where it listens, on port 22.
        key_file: the private key; None for those of ssh-agent and ~/.ssh.
        patience: seconds for SSH's greeting, and again for its authentication.

    Raises:
        ConfigError: the key file can't be used.
    """

    def __init__(self, address: str, key_file: Path | None, *, patience: float = 15.0) -> None:
        self.address = address
        self._patience = patience
        self._key = None if key_file is None else _load(key_file)
        self._client: paramiko.SSHClient | None = None

    def __enter__(self) -> Ssh:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, where there is one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(self, command: str, *, timeout: float = 30.0) -> Done:
        """Run `command` in root's shell, for at most about `timeout` seconds.

        Raises:
            Unreachable: no connection, it broke, or the command took longer; KeyRefused: nobody lets us in.
            ConfigError: there is no key to try.
        """
        try:
            transport = self._connected().get_transport()
            if transport is None:
                raise EOFError("the connection ended")
            with transport.open_session(timeout=timeout) as channel:
                channel.settimeout(timeout)
                channel.set_combine_stderr(True)
                channel.exec_command(command)
                said, end = b"", time.monotonic() + timeout
                while chunk := channel.recv(65536):
                    said += chunk
                    if len(said) > LIMIT or time.monotonic() > end:
                        raise EOFError(f"the command's output has no end: {len(said)} bytes came")
                # -1: no status came, because the connection broke, the command was killed, or is not over.
                if not channel.status_event.wait(timeout) or channel.exit_status == -1:
                    raise EOFError("the connection ended")
                return Done(channel.exit_status, said.decode("utf-8", "replace"))
        except (OSError, EOFError, paramiko.SSHException) as error:
            self.close()
            raise Unreachable(_words(error)) from error

    def _connected(self) -> paramiko.SSHClient:
        if self._client is not None:
            return self._client
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())  # which accepts any and keeps none
        own = self._key is None
        try:
            client.connect(
                self.address,
                port=PORT,
                username=USER,
                pkey=self._key,
                timeout=_CONNECT,
                banner_timeout=self._patience,
                auth_timeout=self._patience,
                allow_agent=own,
                look_for_keys=own,
            )
        except paramiko.PasswordRequiredException as error:
            client.close()
            raise ConfigError(
                "a key of ~/.ssh has a passphrase, and no other one opens the machine",
                remedy=f"add it to ssh-agent (ssh-add), or set {VARIABLE} to the file of one without",
            ) from error
        except paramiko.AuthenticationException as error:
            client.close()
            raise KeyRefused(f"{self.address} takes none of the keys tried") from error
        except paramiko.SSHException as error:
            client.close()
            if "No authentication methods" in str(error):
                raise ConfigError(
                    f"there is no SSH key to log in to {self.address} with",
                    remedy=f"set {VARIABLE} to the private key's file, or start ssh-agent and add it (ssh-add); "
                    'for the local cloud: eval "$(bakewell local env)"',
                ) from error
            raise
        except BaseException:
            client.close()
            raise
        self._client = client
        return client


def _load(path: Path) -> paramiko.PKey:
    remedy = f"set {VARIABLE} to a private key's file that you can read and that has no passphrase, or unset it"
    try:
        for file in (path, path.with_name(f"{path.name}-cert.pub")):  # which paramiko reads too, where it is there
            if file is path or file.exists():
                _check_regular(file)
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise file_error(error, "the SSH key cannot be read", file=path, remedy=remedy) from error
    except (paramiko.PasswordRequiredException, TypeError) as error:  # TypeError: cryptography's word for it
        raise ConfigError(
            "the SSH key has a passphrase",
            file=path,
            remedy=f"add it to ssh-agent (ssh-add) and unset {VARIABLE}, or set {VARIABLE} to one without",
        ) from error
    except (paramiko.SSHException, UnsupportedAlgorithm, ValueError) as error:
        raise ConfigError("this is no private SSH key", file=path, remedy=remedy) from error


def _check_regular(path: Path) -> None:
    """Raise OSError for what has no end, or would be waited for: paramiko reads whatever is there."""
    with os.fdopen(open_regular(path), "rb") as file:
        if len(file.read(LIMIT + 1)) > LIMIT:
            raise OSError(errno.EFBIG, f"it has more than {LIMIT} bytes", str(path))


def _words(error: BaseException) -> str:
    """What went wrong, for people."""
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        error = next(iter(error.errors.values()))
    if isinstance(error, socket.timeout):
        return "no answer"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip().lower() or type(error).__name__
