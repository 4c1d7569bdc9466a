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
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bakewell.clouds import BUILDER, LEASE_SECONDS, AccountKey, Builder, Key, Leftover, Stock
from bakewell.clouds.clock import Clock
from bakewell.clouds.docker import engine
from bakewell.clouds.docker.engine import asking, unless_gone
from bakewell.errors import CloudError, ConfigError
from bakewell.image import NAMESPACE, READY, REVOKED, Identity, Image, Reference, lease_of
from bakewell.settings import Environment, Settings

if TYPE_CHECKING:
    from docker import DockerClient
    from requests import Response

REGION = "local"
WAIT_COMMIT = 30 * 60.0  # seconds
_KEY = re.compile(r"^bakewell-(?P<run>[0-9a-f]{12})-(?P<lease>\d{1,12})$")


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
                self._connected = engine.connect(self._environment)
                self._connected.api.hooks["response"].append(self._hear)
            return self._connected

    def _hear(self, answer: Response, **_: object) -> None:
        if answer.ok:
            self._clock.hear(answer.headers)

    def now(self) -> float:
        return self._clock.now(self._ask)

    def _ask(self) -> None:
        with asking("say what time it is"):
            self.client.api.info()

    def check_account(self) -> str:
        what = "say which engine it is"
        with asking(what):
            about = engine.read(engine.Engine, self.client.api.info(), what)
        return f"{about.name}, Docker {about.version}"

    # images

    def images(self, project: str) -> list[Image]:
        listed = engine.images(self.client, "list images", label=f"{NAMESPACE}:project={project}")
        return [image for item in listed if (image := self._image(item)) and image.identity.project == project]

    def _image(self, item: engine.ListedImage) -> Image | None:
        """An image of a list; None where it is none of ours. Only one image by itself shows its message."""
        if Identity.from_tags(_texts(item.labels)) is None:
            return None
        found = self._look(item.id)
        if found is not None and set(_texts(_labels(found))) != set(_texts(item.labels)):
            raise CloudError(
                f"Docker, asked to look at image {item.id}: it has other labels than in the list of images",
                remedy="run the command again",
            )
        return None if found is None else _parse(found)

    def image(self, image_id: str) -> Image | None:
        found = self._look(image_id)
        return None if found is None else _parse(found)

    def _look(self, name: str) -> engine.Image | None:
        """One image, whoever's it is; None where there is none of that name or ID."""
        what, found = f"look at image {name}", None
        with asking(what), unless_gone("image"):
            found = engine.read(engine.Image, self.client.api.inspect_image(name), what)  # type: ignore[no-untyped-call]
        return found  # noqa: RET504 - None where the assignment was cut short

    def leftovers(self, names: Collection[str]) -> list[Leftover]:
        """None: an image has its labels from its first moment on."""
        return []

    def delete_image(self, image_id: str) -> None:
        with asking(f"delete image {image_id}"), unless_gone("image"):
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
        return Stock(name=f"{image} {_short(found.id)}", date=f"{_created(found):%Y-%m-%d}", ids={})

    def check_stack(self, settings: Settings) -> None:
        """Nothing: whether a port is free here is known when it is taken."""
        del settings

    @property
    def offers(self) -> None:
        """None: a machine has what its host has."""

    def check_build(self, base: str) -> None:
        if shutil.which("docker") is None:
            raise ConfigError("the program `docker`, which Packer's plugin runs, is not on PATH", remedy="install it")
        self._base(base)

    def usual(self, base: str) -> str:
        return f"bakewell-base:{base}"

    def base(self, image: str) -> str:
        self._base(image)
        return image

    def _base(self, image: str) -> engine.Image:
        if not engine.REFERENCE.fullmatch(image):
            raise ConfigError(f"`{image[:60]}` is no image of Docker's", remedy="name it as `docker images` does")
        if found := self._look(image):
            return found
        raise ConfigError(
            f"Docker has no image `{image}` to build on",
            remedy="make it as docs/docker.md says, or lock another: bakewell lock BASE --cloud docker --image NAME",
        )

    # who needs images

    def references(self) -> list[Reference]:
        """Containers, running or not; and images of others: Docker deletes none that another is built on."""
        containers = engine.containers(self.client, "list containers")
        images = engine.images(self.client, "list images")
        derived = [item for item in images if item.parent and self._image(item) is None]
        return [
            *(Reference(_bare(one.image), "container", _short(one.id), _called(one.names)) for one in containers),
            *(Reference(_bare(one.parent), "image", _short(one.id), _called(one.tags)) for one in derived),
        ]

    # builders

    def builders(self, project: str) -> list[Builder]:
        builders = []
        for item in engine.containers(self.client, "list builders", label=f"{NAMESPACE}:project={project}"):
            tags = _texts(item.labels)
            # Containers made from an image have its labels, of which this one then says that it is over.
            identity = Identity.from_tags(tags) if BUILDER in tags else None
            if identity is not None and identity.project == project:
                lease = lease_of(tags) or item.created + LEASE_SECONDS
                builders.append(Builder(item.id, _called(item.names), identity, lease))
        return builders

    def settle(self, builder_id: str) -> list[str]:
        waited = 0.0
        while builder := self._builder(builder_id):
            # Docker goes on with a commit when nobody waits for it any more, and has the container paused meanwhile.
            if not builder.state.paused or waited >= WAIT_COMMIT:
                break
            self._sleep(0.5)
            waited += 0.5
        who = Identity.from_tags(_texts(builder.config.labels)) if builder else None
        return [image.id for image in self.images(who.project) if image.run == who.run] if who else []

    def _builder(self, builder_id: str) -> engine.InspectedContainer | None:
        what, found = f"look at builder {builder_id}", None
        with asking(what), unless_gone("container"):
            found = engine.read(engine.InspectedContainer, self.client.api.inspect_container(builder_id), what)
        return found  # noqa: RET504 - None where the assignment was cut short

    def delete_builder(self, builder_id: str) -> None:
        with asking(f"delete builder {builder_id}"):
            engine.remove_container(self.client, builder_id)

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
        found = self._look(image_id)
        if found is None:
            return None
        image = _parse(found)
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
        found = self._look(image_id)
        image = None if found is None else _parse(found)
        if found is None or image is None:
            return
        repository, has = _repository(image.identity), tuple(found.tags or ())
        with asking(f"untag image {image_id}"):
            if image.ready and lease_of(tags) is not None:  # a label: it counts no more once the name is there
                self.client.api.tag(image_id, repository, image.name)
                has = (*has, f"{repository}:{image.name}")
            going = [one for text in tags if (one := f"{repository}:{_version(image.run, text)}") in has]
            if going and len(going) == len(has):
                self.client.api.tag(image_id, repository, image.run)  # or Docker deletes it with the last one
            for one in going:
                self.client.api.remove_image(one)

    def delete_unused_tags(self, names: Sequence[str]) -> int:
        """None: a tag is its image's own."""
        return 0


def _parse(found: engine.Image) -> Image | None:
    labels, name = _texts(_labels(found)), found.comment
    identity = Identity.from_tags(labels)
    if identity is None or not name.endswith(f"-{identity.run[:6]}"):
        return None
    has = found.tags or ()
    before = f"{_repository(identity)}:{identity.run}."
    given = [f"{NAMESPACE}:{one.removeprefix(before).replace('.', ':')}" for one in has if one.startswith(before)]
    lease = [] if f"{_repository(identity)}:{name}" in has else [text for text in labels if lease_of([text])]
    tags = tuple(dict.fromkeys((*identity.tags(), *lease, *given)))
    return Image(
        cloud="docker",
        id=_bare(found.id),
        name=name,
        identity=identity,
        created_at=_created(found),
        size_gb=found.size / 1e9,
        regions=(REGION,),
        ready=READY in tags,
        revoked=REVOKED in tags,
        lease=None if READY in tags else lease_of(tags),
        tags=tags,
    )


def _labels(found: engine.Image) -> Mapping[str, str] | None:
    return found.config.labels if found.config else None


def _created(found: engine.Image) -> datetime:
    if found.created is None:
        raise CloudError(
            f"Docker does not say when image {_short(found.id)} was made", remedy="build it again, or lock another one"
        )
    return found.created


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


def _called(names: Sequence[str] | None) -> str:
    """The first name of a container of a list, or of an image; "-" for one without any."""
    return [*(names or ()), "-"][0].removeprefix("/")
