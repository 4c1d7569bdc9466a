"""The key pair with which the owner of a local cloud logs in to its machines, as root."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from bakewell.errors import BakewellError

NAME = "local-cloud"  # of its public half in the account


def ensure(file: Path) -> str:
    """The public half of the key in `file`, one OpenSSH line that ends in NAME; makes an ed25519 key where none is.

    The file is in OpenSSH's format, without a passphrase, for its owner only; so is the folder, if it is made here.

    Raises:
        BakewellError: what is there is no such key.
    """
    if not file.exists():
        _make(file)
    try:
        key = load_ssh_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        remedy = "remove it, and start the local cloud again: it makes another"
        raise BakewellError(f"no OpenSSH key without a passphrase: {error}", file=file, remedy=remedy) from error
    return f"{key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {NAME}"


def _make(file: Path) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    draft.replace(file)
