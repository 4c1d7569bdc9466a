"""A vendor's site over https on loopback, with a certificate that this process trusts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.unit.loopback import Answer, Request, answering

FAR = "far.example"
"""A name that nothing here resolves: a proxy leads there."""


@dataclass
class Vendor:
    """What the site has.

    Attributes:
        url: its root, no slash at the end.
        pages: path to text (200), bytes (200), a status, or where it redirects to (a tuple of one).
        asked: every path that was asked for.
    """

    url: str
    pages: dict[str, str | bytes | int | tuple[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for 127.0.0.1 and `FAR`, and its key."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor of tests")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(FAR)]
    made = made.add_extension(x509.SubjectAlternativeName(names), False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    path = tmp_path_factory.mktemp("vendor") / "certificate"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def vendor(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """A site without pages; it answers 404."""
    site = Vendor("")

    def answer(request: Request) -> Answer:
        site.asked.append(request.path)
        page = site.pages.get(request.path, 404)
        if isinstance(page, int):
            return page, {}, b""
        if isinstance(page, tuple):
            return 302, {"Location": page[0]}, b""
        return 200, {}, page.encode() if isinstance(page, str) else page

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answering(answer, certificate) as site.url:
        yield site
