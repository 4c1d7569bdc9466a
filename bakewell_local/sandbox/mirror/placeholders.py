"""Container images that stand for those we can't build, as a registry's storage: small, and plain about what they are.

Each is busybox with a few files: it answers HTTP on the real one's port, accepts TCP where the real one does, keeps
something in the real one's data folder, and runs as the real one's user. It is not Grafana and not a database.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bakewell_local.toolchain.tools import target

FOLDER = Path(__file__).parent / "recipe" / "placeholder"
_APPLETS = ("cat", "date", "echo", "grep", "httpd", "id", "ls", "nc", "sh", "sleep", "test", "tail", "true", "wget")
_CREATED = "2024-01-01T00:00:00Z"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Placeholder:
    """One image.

    Attributes:
        name: as `docker pull` takes it, without a tag.
        version: the tag.
        folder: under `recipe/placeholder/`, its own files; those in `www` are served over HTTP.
        http: the port that answers HTTP.
        data: the folder that it keeps something in.
        tcp: a further port that takes connections and sends back what it gets.
        user: the number it runs as, and owns `data` by.
        volumes: folders that get a volume where nothing else is mounted.
    """

    name: str
    version: str
    folder: str
    http: int
    data: str
    tcp: int | None = None
    user: int = 0
    volumes: tuple[str, ...] = field(default=())

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.version}"

    @property
    def repository(self) -> str:
        """Its name in the registry, which keeps names without a slash in a folder of its own."""
        return self.name if "/" in self.name else f"library/{self.name}"


PLACEHOLDERS = (
    Placeholder("grafana/grafana", "10.2.3", "grafana", 3000, "/var/lib/grafana", user=472),
    Placeholder("neo4j", "5.15.0-community", "neo4j", 7474, "/data", tcp=7687, volumes=("/data", "/logs")),
)

PRIVATE = Placeholder("private/page", "1.0", "grafana", 3000, "/var/lib/grafana", user=472)
"""The one image of the registry that wants a login."""
PRIVATE_REGISTRY = "registry-1.docker.io:5443"


def login() -> tuple[str, str]:
    """The user that PRIVATE_REGISTRY lets in, and its password. They protect nothing."""
    user, _, password = (FOLDER.parent / "users").read_text(encoding="utf-8").strip().partition(":{PLAIN}")
    return user, password


def recipe() -> dict[str, bytes]:
    """The files that placeholders are made of, by path: what an image's content hangs on, besides busybox."""
    return {str(path.relative_to(FOLDER)): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()}


def storage(busybox: bytes) -> dict[str, bytes]:
    """The registry's files, by path below its root, with every placeholder in them; always the same ones.

    Args:
        busybox: a static one for the machines' architecture.
    """
    files: dict[str, bytes] = {}
    for one in (*PLACEHOLDERS, PRIVATE):
        files.update(_image(one, busybox))
    return {f"docker/registry/v2/{path}": content for path, content in files.items()}


def _image(one: Placeholder, busybox: bytes) -> Iterator[tuple[str, bytes]]:
    root = _root_file_system(one, busybox)
    layer = gzip.compress(root, mtime=0)
    config = _json(_config(one, _digest(root)))
    parts = [(_CONFIG, config), (_LAYER, layer)]
    described = [{"mediaType": kind, "size": len(part), "digest": _digest(part)} for kind, part in parts]
    manifest = _json(
        {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described[0], "layers": described[1:]},
    )
    repository = f"repositories/{one.repository}"
    for blob in (config, layer, manifest):
        algorithm, _, digest = _digest(blob).partition(":")
        yield f"blobs/{algorithm}/{digest[:2]}/{digest}/data", blob
    for blob in (config, layer):
        yield f"{repository}/_layers/{_path(blob)}/link", _digest(blob).encode()
    link = _digest(manifest).encode()
    tag = f"{repository}/_manifests/tags/{one.version}"
    yield f"{repository}/_manifests/revisions/{_path(manifest)}/link", link
    yield f"{tag}/current/link", link
    yield f"{tag}/index/{_path(manifest)}/link", link


def _config(one: Placeholder, root: str) -> dict[str, object]:
    about = {"PLACEHOLDER_FOR": one.reference, "PLACEHOLDER_HTTP": one.http, "PLACEHOLDER_DATA": one.data}
    about |= {} if one.tcp is None else {"PLACEHOLDER_TCP": one.tcp}
    ports = [port for port in (one.http, one.tcp) if port is not None]
    return {
        "architecture": target()[1],
        "os": "linux",
        "created": _CREATED,
        "config": {
            "Entrypoint": ["/bin/start"],
            "Env": ["PATH=/bin", *(f"{name}={value}" for name, value in about.items())],
            "ExposedPorts": {f"{port}/tcp": {} for port in ports},
            "Labels": {"org.opencontainers.image.title": f"placeholder of the local cloud for {one.reference}"},
            "User": str(one.user) if one.user else "",
            "Volumes": {path: {} for path in one.volumes},
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [root]},
        "history": [{"created": _CREATED, "created_by": "the local cloud's mirror"}],
    }


def _root_file_system(one: Placeholder, busybox: bytes) -> bytes:
    files = recipe()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        own = {path.removeprefix(f"{one.folder}/"): files[path] for path in files if path.startswith(f"{one.folder}/")}
        data = {path.lstrip("/") for path in (one.data, *one.volumes)}
        folders = {"bin", "tmp", *data, *(str(parent) for path in {*own, *data} for parent in Path(path).parents)}
        for path in sorted(folders - {"."}):
            _add(tar, path, mode=0o1777 if path == "tmp" else 0o755, user=one.user if path in data else 0)
        _add(tar, "bin/busybox", busybox)
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(link)
        _add(tar, "bin/start", files["start"])
        _add(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n" + f"service:x:{one.user or 1}:0::/:/bin/sh\n".encode())
        _add(tar, "etc/group", b"root:x:0:\n")
        for path, content in own.items():
            _add(tar, path, content, mode=0o644)
    return archive.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes | None = None, *, mode: int = 0o755, user: int = 0) -> None:
    """Add a file, or a folder where there is no content."""
    entry = tarfile.TarInfo(path)
    entry.mode, entry.uid = mode, user
    if content is None:
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    else:
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _path(content: bytes) -> str:
    return _digest(content).replace(":", "/")
