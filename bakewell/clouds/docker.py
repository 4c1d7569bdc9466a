"""Docker: one engine on this machine, its containers and images behind the verbs of `bakewell.clouds.Cloud`.

An image of ours is a commit of a builder: a container whose labels are the identity of `bakewell.image`
(`bakewell:role:web` is the label `bakewell:role` with the value `web`). A commit takes them along, and its message is
the image's name. Whatever is made from an image has its labels too (`docker build` on it, a commit of a machine), but
another message, and so is none of ours.

Labels stay as they are; what comes and goes is a repository tag: of an image of project shop, role web and run
0123456789ab, `bakewell:ready` is `bakewell/shop/web:0123456789ab.ready`. With that one the image gets its name, too:
`bakewell/shop/web:<name>`, for people, and as a sign that the lease among its labels counts no more.

A build's key is a folder of this host, a seed for cloud-init (NoCloud) that the builder mounts: <state>/docker-keys/.
There is one region, `local`, and no account. What machines run as is `bakewell.machine.container`'s.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
import requests
from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key, Leftover, Stock
from bakewell.clouds.clock import Clock
from bakewell.errors import CloudError, ConfigError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, Reference, lease_of
from bakewell.settings import Environment, Settings

REGION = "local"
WAIT_COMMIT = 30 * 60.0  # seconds
_TIMEOUT = 600  # seconds for one answer: deleting a large image takes minutes on a slow disk
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")
_START_IT = "start Docker, or let DOCKER_HOST name the socket of one that runs, and see that this user may use it"
_REMEDIES = {
    "no space left": "free some of Docker's disk; see: docker system df",
    "already allocated": "free the port, or set another one (bakewell:docker.containers.<role>.port), or none",
}


class Docker:
    """The engine that DOCKER_HOST names, by default the one at Docker's usual socket.

    Args:
        environment: where it is, and where keys of builds are kept.
        sleep: waits between polls; tests pass their own.
    """

    name = "docker"

    def __init__(self, environment: Environment, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._environment, self._sleep = environment, sleep
        self._keys = environment.state_dir / "docker-keys"
        self._clock = Clock("Docker")
        self._connecting = threading.Lock()
        self._connected: DockerClient | None = None

    @property
    def client(self) -> DockerClient:
        """Connected when it is first asked for."""
        with self._connecting:
            if self._connected is None:
                self._connected = connect(self._environment)
                self._connected.api.hooks["response"].append(self._hear)
            return self._connected

    def _hear(self, answer: requests.Response, **_: object) -> None:
        if answer.ok:
            self._clock.hear(answer.headers)

    def now(self) -> float:
        return self._clock.now(self._ask)

    def _ask(self) -> None:
        with asking("say what time it is"):
            self.client.api.info()

    def check_account(self) -> str:
        with asking("say which engine it is"):
            about = self.client.api.info()
        return f"{about['Name']}, Docker {about['ServerVersion']}"

    # images

    def images(self, project: str) -> list[Image]:
        with asking("list images"):
            found = self.client.api.images(all=True, filters={"label": f"{NAMESPACE}:project={project}"})
        return [image for item in found if (image := self._image(item)) and image.identity.project == project]

    def _image(self, item: Mapping[str, Any]) -> Image | None:
        """An image of a list; None where it is none of ours. Only one image by itself shows its message."""
        return self.image(item["Id"]) if Identity.from_tags(_texts(item.get("Labels"))) else None

    def image(self, image_id: str) -> Image | None:
        attributes = self._look(image_id)
        return None if attributes is None else _parse(attributes)

    def _look(self, name: str) -> dict[str, Any] | None:
        """Everything that Docker says of one image; None where there is none of that name or ID."""
        with asking(f"look at image {name}"):
            try:
                return dict(self.client.images.get(name).attrs)
            except NotFound:
                return None

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        """None: an image has its labels from its first moment on."""
        return []

    def delete_image(self, image_id: str) -> None:
        with asking(f"delete image {image_id}"), suppress(NotFound):
            self.client.api.remove_image(image_id, force=True, noprune=True)

    def sweep(self, project: str) -> list[str]:
        """Nothing: whatever a deletion consists of, Docker does at once."""
        return []

    def copy(self, image_id: str, region: str) -> str:
        if region != REGION:
            raise ConfigError(f"Docker has no region `{region}`", remedy=f"its one region is {REGION}")
        return image_id

    def stock(self, image: str) -> Stock:
        found = self._base(image)
        return Stock(name=f"{image} {_short(found['Id'])}", date=str(found["Created"])[:10], ids={})

    def check_stack(self, settings: Settings) -> None:
        """Nothing: whether a port is free here is known when it is taken."""
        del settings

    def check_build(self, base: str) -> None:
        if shutil.which("docker") is None:
            raise ConfigError("the program `docker`, which Packer's plugin runs, is not on PATH", remedy="install it")
        self._base(base)

    def usual(self, base: str) -> str:
        return f"bakewell-base:{base}"

    def base(self, image: str) -> str:
        self._base(image)
        return image

    def _base(self, image: str) -> dict[str, Any]:
        if found := self._look(image):
            return found
        raise ConfigError(
            f"Docker has no image `{image}` to build on",
            remedy="make it as docs/docker.md says, or lock another: bakewell lock BASE --cloud docker --image NAME",
        )

    # who needs images

    def references(self) -> list[Reference]:
        """Containers, running or not; and images of others: Docker deletes none that another is built on."""
        with asking("list containers and images"):
            containers = self.client.api.containers(all=True)
            images = self.client.api.images(all=True)
        derived = [item for item in images if item.get("ParentId") and self._image(item) is None]
        return [
            *(Reference(_bare(one["ImageID"]), "container", _short(one["Id"]), _called(one)) for one in containers),
            *(Reference(_bare(one["ParentId"]), "image", _short(one["Id"]), _called(one)) for one in derived),
        ]

    # builders

    def builders(self, project: str) -> list[Builder]:
        with asking("list builders"):
            found = self.client.api.containers(all=True, filters={"label": f"{NAMESPACE}:project={project}"})
        builders = []
        for item in found:
            tags = _texts(item["Labels"])
            # Containers made from an image have its labels, of which this one then says that it is over.
            identity = Identity.from_tags(tags) if BUILDER in tags else None
            if identity is not None and identity.project == project:
                lease = lease_of(tags) or int(item["Created"]) + LEASE_SECONDS
                builders.append(Builder(item["Id"], _called(item), identity, lease))
        return builders

    def settle(self, builder_id: str) -> list[str]:
        waited = 0.0
        while True:
            with asking(f"look at builder {builder_id}"):
                try:
                    builder = self.client.api.inspect_container(builder_id)
                except NotFound:
                    return []
            # Docker goes on with a commit when nobody waits for it any more, and has the container paused meanwhile.
            if not builder["State"]["Paused"] or waited >= WAIT_COMMIT:
                break
            self._sleep(0.5)
            waited += 0.5
        who = Identity.from_tags(_texts(builder["Config"]["Labels"]))
        return [image.id for image in self.images(who.project) if image.run == who.run] if who else []

    def delete_builder(self, builder_id: str) -> None:
        with asking(f"delete builder {builder_id}"):
            remove_container(self.client, builder_id)

    # keys

    def create_key(self, name: str, public_key: str) -> str:
        """The folder with the seed: its path on this machine."""
        folder = self._keys / name
        # Docker may run containers as another user, and the folders above are this user's alone.
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        seed = {
            "meta-data": json.dumps({"instance-id": name, "local-hostname": "builder", "public-keys": [public_key]}),
            "user-data": "#cloud-config\n{}\n",
            # In vendor-data, for an image's own bootstrap.yaml takes the place of user-data.
            "vendor-data": "#cloud-config\ndisable_root: false\n",
        }
        for file, text in seed.items():
            (folder / file).write_text(text)
            (folder / file).chmod(0o644)
        return str(folder)

    def build_keys(self) -> list[Key]:
        """Those of this host: nobody else sees the folders of another."""
        found = ((path, _KEY.match(path.name)) for path in sorted(self._keys.glob("*")))
        return [Key(str(path), path.name, match["run"], int(match["lease"])) for path, match in found if match]

    def ssh_keys(self) -> list[AccountKey]:
        return []

    def delete_key(self, key_id: str) -> None:
        shutil.rmtree(self._keys / Path(key_id).name, ignore_errors=True)

    # tags

    def tags_of(self, image_id: str) -> tuple[str, ...] | None:
        attributes = self._look(image_id)
        if attributes is None:
            return None
        image = _parse(attributes)
        return image.tags if image else ()

    def tag(self, image_id: str, tags: Sequence[str]) -> None:
        image = self.image(image_id)
        if image is None:
            raise CloudError(f"image {image_id} is gone, or none of ours", remedy="run the command again")
        versions = [_version(image.run, text) for text in tags if text not in image.identity.tags()]
        with asking(f"tag image {image_id}"):
            for version in (*versions, *([image.name] if READY in tags else [])):
                self.client.api.tag(image_id, _repository(image.identity), version)

    def untag(self, image_id: str, tags: Sequence[str]) -> None:
        image = self.image(image_id)
        if image is None:
            return
        repository = _repository(image.identity)
        with asking(f"untag image {image_id}"):
            if image.ready and lease_of(tags) is not None:  # a label: it counts no more once the name is there
                self.client.api.tag(image_id, repository, image.name)
            has = self.client.images.get(image_id).tags
            going = [one for text in tags if (one := f"{repository}:{_version(image.run, text)}") in has]
            if going and len(going) == len(has):
                self.client.api.tag(image_id, repository, image.run)  # or Docker deletes it with the last one
            for one in going:
                self.client.api.remove_image(one)

    def delete_unused_tags(self, names: Sequence[str]) -> int:
        """None: a tag is its image's own."""
        return 0


def connect(environment: Environment) -> DockerClient:
    """A client of the engine.

    Raises:
        ConfigError: it is another machine's: builds and machines are reached by ports of this one.
        CloudError: it does not answer.
    """
    where = environment.docker
    if not environment.local("docker"):
        raise ConfigError(
            f"DOCKER_HOST is {where}, which is another machine", remedy="unset it, or name a socket of this machine"
        )
    with asking(f"answer at {where}"):
        return docker.from_env(timeout=_TIMEOUT, environment={**os.environ, "DOCKER_HOST": where})


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Around requests: every failure as a `CloudError` that names `what` was asked."""
    try:
        yield
    except APIError as error:
        why = str(error.explanation or error)
        remedy = next((said for sign, said in _REMEDIES.items() if sign in why), "see what Docker says, then try again")
        raise CloudError(f"Docker refuses to {what}: {why}", remedy=remedy) from error
    except (DockerException, requests.RequestException) as error:
        raise CloudError(f"Docker cannot be reached to {what}: {error}", remedy=_START_IT) from error


def remove_container(client: DockerClient, name: str) -> None:
    """Remove a container, running or not, with its volumes; one that is gone already is no error."""
    try:
        client.api.remove_container(name, force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if "already in progress" not in str(error.explanation):
            raise


def _parse(attributes: Mapping[str, Any]) -> Image | None:
    labels = _texts((attributes.get("Config") or {}).get("Labels"))
    identity, name = Identity.from_tags(labels), attributes.get("Comment") or ""
    if identity is None or not name.endswith(f"-{identity.run[:6]}"):
        return None
    has = attributes.get("RepoTags") or ()
    before = f"{_repository(identity)}:{identity.run}."
    given = [f"{NAMESPACE}:{one.removeprefix(before).replace('.', ':')}" for one in has if one.startswith(before)]
    lease = [] if f"{_repository(identity)}:{name}" in has else [text for text in labels if lease_of([text])]
    tags = tuple(dict.fromkeys((*identity.tags(), *lease, *given)))
    return Image(
        cloud="docker",
        id=_bare(attributes["Id"]),
        name=name,
        identity=identity,
        created_at=datetime.fromisoformat(attributes["Created"]),
        size_gb=attributes["Size"] / 1e9,
        regions=(REGION,),
        ready=READY in tags,
        revoked=REVOKED in tags,
        lease=None if READY in tags else lease_of(tags),
        tags=tags,
    )


def _texts(labels: Mapping[str, str] | None) -> list[str]:
    """Labels as tags are written elsewhere."""
    ours = {key: value for key, value in (labels or {}).items() if key.startswith(f"{NAMESPACE}:")}
    return [f"{key}:{value}" if value else key for key, value in ours.items()]


def _repository(identity: Identity) -> str:
    return f"{NAMESPACE}/{identity.project}/{identity.role}"


def _version(run: str, text: str) -> str:
    """What stands for one of our tags behind the repository's name."""
    return f"{run}.{text.removeprefix(f'{NAMESPACE}:').replace(':', '.')}"


def _bare(digest: str) -> str:
    """An ID as Packer's manifest is read, and as every command of Docker takes it."""
    return digest.removeprefix("sha256:")


def _short(digest: str) -> str:
    return _bare(digest)[:12]


def _called(item: Mapping[str, Any]) -> str:
    """The name of a container of a list, or of an image; "-" for one without any."""
    return str([*(item.get("Names") or ()), *(item.get("RepoTags") or ()), "-"][0]).removeprefix("/")
