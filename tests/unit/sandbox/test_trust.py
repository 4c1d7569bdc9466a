"""The mirror's certificates: one set a user, good for the vendors' names and for nothing else."""

from __future__ import annotations

import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from bakewell_local.sandbox.machines import base_image, trust
from bakewell_local.sandbox.machines.trust import VENDORS, Certificates, certificates


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def greeted(files: Certificates, name: str) -> str:
    """The TLS version that a client agrees on with a server of these certificates, which it calls by `name`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.server, files.key)
    client = ssl.create_default_context(cafile=str(files.authority))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as connection:
            return str(connection.version())
    finally:
        ours.close()
        thread.join()


def test_a_client_that_trusts_the_authority_believes_the_mirror_as_a_vendor_alone() -> None:
    for name in VENDORS:
        assert greeted(certificates(), name).startswith("TLS")
    for name in ("example.com", "deb.debian.org", "api.digitalocean.com"):
        with pytest.raises(ssl.SSLCertVerificationError):
            greeted(certificates(), name)


def test_the_authority_could_not_vouch_for_others_even_if_its_key_were_known() -> None:
    authority = x509.load_pem_x509_certificate(certificates().authority.read_bytes())
    allowed = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    assert [name.value for name in allowed] == list(VENDORS)


def test_its_key_is_kept_nowhere_and_the_servers_is_the_users_own(cache: Path) -> None:
    files = certificates()
    assert files.key.stat().st_mode & 0o777 == 0o600
    holding = [path for path in cache.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert holding == [files.key]


def test_made_once_also_when_many_ask() -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: certificates().authority.read_bytes(), range(8)))
    assert len(set(asked)) == 1


def test_what_a_killed_run_left_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(trust, "_name", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            certificates()
    assert certificates().server.is_file()
    assert not list(cache.rglob("*.new"))


def test_another_authority_is_another_machine_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = base_image.tag()
    assert base_image.tag() == before
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert base_image.tag() != before
