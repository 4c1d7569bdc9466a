"""Placeholder images: a registry's storage that holds together, the same bytes each time, and honest about itself."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from sandbox.mirror.placeholders import PLACEHOLDERS, Placeholder, storage

ROOT = "docker/registry/v2"
FILES = storage(b"busybox")
EACH = pytest.mark.parametrize("one", PLACEHOLDERS, ids=lambda one: one.reference)


def blob(digest: str) -> bytes:
    algorithm, _, number = digest.partition(":")
    content = FILES[f"{ROOT}/blobs/{algorithm}/{number[:2]}/{number}/data"]
    assert hashlib.sha256(content).hexdigest() == number
    return content


def manifest(one: Placeholder) -> dict[str, Any]:
    """What a registry answers for the image's tag."""
    links = f"{ROOT}/repositories/{one.repository}/_manifests"
    digest = FILES[f"{links}/tags/{one.version}/current/link"].decode()
    path = digest.replace(":", "/")
    for link in (f"{links}/revisions/{path}/link", f"{links}/tags/{one.version}/index/{path}/link"):
        assert FILES[link].decode() == digest
    answer: dict[str, Any] = json.loads(blob(digest))
    for part in (answer["config"], *answer["layers"]):
        assert len(blob(part["digest"])) == part["size"]
        link = f"{ROOT}/repositories/{one.repository}/_layers/{part['digest'].replace(':', '/')}/link"
        assert FILES[link].decode() == part["digest"]
    return answer


def config(one: Placeholder) -> dict[str, Any]:
    return dict(json.loads(blob(manifest(one)["config"]["digest"])))


@EACH
def test_the_registry_finds_all_of_it(one: Placeholder) -> None:
    (layer,) = manifest(one)["layers"]
    root = gzip.decompress(blob(layer["digest"]))
    assert config(one)["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(root).hexdigest()}"]


@EACH
def test_its_file_system_has_folders_before_what_is_in_them(one: Placeholder) -> None:
    (layer,) = manifest(one)["layers"]
    with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as tar:
        entries = tar.getmembers()
    seen = {""}
    for entry in entries:
        assert entry.name not in seen
        assert entry.name.rpartition("/")[0] in seen, entry.name
        seen.add(entry.name)
    by_path = {entry.name: entry for entry in entries}
    assert by_path[one.data.lstrip("/")].uid == one.user
    assert by_path["bin/start"].mode & 0o111
    assert by_path["bin/sh"].linkname == "busybox"


@EACH
def test_it_says_what_it_is(one: Placeholder) -> None:
    assert "placeholder" in config(one)["config"]["Labels"]["org.opencontainers.image.title"]
    (layer,) = manifest(one)["layers"]
    with tarfile.open(fileobj=io.BytesIO(blob(layer["digest"]))) as tar:
        pages = [tar.extractfile(entry) for entry in tar if entry.isfile() and entry.name.startswith("www/")]
        texts = [page.read().decode() for page in pages if page is not None]
    assert texts
    for text in texts:
        assert "This is not" in text
        assert one.reference in text


def test_it_runs_as_the_real_ones_do() -> None:
    grafana, neo4j = (config(one)["config"] for one in PLACEHOLDERS)
    assert (grafana["User"], list(grafana["ExposedPorts"])) == ("472", ["3000/tcp"])
    assert (neo4j["User"], list(neo4j["ExposedPorts"])) == ("", ["7474/tcp", "7687/tcp"])
    assert list(neo4j["Volumes"]) == ["/data", "/logs"]


def test_always_the_same_bytes() -> None:
    assert storage(b"busybox") == FILES
    assert storage(b"another busybox") != FILES
