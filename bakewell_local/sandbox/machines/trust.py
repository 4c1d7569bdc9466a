"""Whose names the local mirror answers to, and the certificates by which machines believe it.

One authority and one server certificate for each user, in the user's cache, made when they are first asked for. The
authority's key is thrown away once it has signed: nobody can make it vouch for anything else, and it vouches for no
other name. Does not know what the mirror serves.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from filelock import FileLock

from bakewell_local.toolchain import folders

VENDORS = ("auth.docker.io", "github.com", "registry-1.docker.io", "releases.hashicorp.com")
_DAYS = 20 * 365
_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_FORMAT = 1  # raised when what is in a certificate changes


@dataclass(frozen=True)
class Certificates:
    """Files in PEM.

    Attributes:
        authority: what machines trust.
        server: the mirror's certificate, for every name in VENDORS.
        key: its private key, readable by the user alone.
    """

    authority: Path
    server: Path
    key: Path


def certificates() -> Certificates:
    """This user's certificates; made now if there are none yet, once also when several processes ask."""
    digest = hashlib.sha256(f"{_FORMAT} {VENDORS}".encode()).hexdigest()[:8]
    home = folders.cache() / "mirror" / f"certificates-{digest}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(home.parent / "certificates.lock"):
            if not home.is_dir():
                _make(home)
    return Certificates(home / "authority.crt", home / "server.crt", home / "server.key")


def _make(home: Path) -> None:
    """Whole or not at all: the folder appears with all its files."""
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name) for name in VENDORS]
    only = x509.NameConstraints(permitted_subtrees=names, excluded_subtrees=None)
    authority = (
        _builder("Bakewell local cloud", authority_key.public_key(), "key_cert_sign", "crl_sign")
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(only, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _builder("Bakewell local mirror", key.public_key(), "digital_signature")
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    (new / "authority.crt").write_bytes(authority.public_bytes(Encoding.PEM))
    (new / "server.crt").write_bytes(server.public_bytes(Encoding.PEM))
    descriptor = os.open(new / "server.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    new.rename(home)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, key: ec.EllipticCurvePublicKey, *uses: str) -> x509.CertificateBuilder:
    """What both certificates have."""
    # A machine's clock may be somewhat behind ours.
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("Bakewell local cloud"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=_DAYS))
        .add_extension(x509.KeyUsage(**{use: use in uses for use in _USES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
