"""Containers that build images, and the keys that open them.

A build's key is a folder of this host, a seed for cloud-init (NoCloud) that the builder mounts: <state>/docker-keys/.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from bakewell.clouds.docker import answers, api
from bakewell.clouds.docker.api import Engine
from bakewell.clouds.docker.images import Images
from bakewell.clouds.docker.tags import called, texts
from bakewell.clouds.resources import BUILDER, LEASE_SECONDS, Builder, Key
from bakewell.image import NAMESPACE, Identity, lease_of

WAIT_COMMIT = 30 * 60.0  # seconds


class Builders:
    """The builders of one engine.

    Args:
        sleep: waits between polls; tests pass their own.
    """

    def __init__(self, engine: Engine, images: Images, sleep: Callable[[float], None]) -> None:
        self._engine, self._images, self._sleep = engine, images, sleep

    def of(self, project: str) -> list[Builder]:
        builders = []
        for item in api.containers(self._engine.client, "list builders", label=f"{NAMESPACE}:project={project}"):
            tags = texts(item.labels)
            # Containers made from an image have its labels, of which this one then says that it is over.
            identity = Identity.from_tags(tags) if BUILDER in tags else None
            if identity is not None and identity.project == project:
                lease = lease_of(tags) or item.created + LEASE_SECONDS
                builders.append(Builder(item.id, called(item.names), identity, lease))
        return builders

    def settle(self, builder_id: str) -> list[str]:
        waited = 0.0
        while builder := self._builder(builder_id):
            # Docker goes on with a commit when nobody waits for it any more, and has the container paused meanwhile.
            if not builder.state.paused or waited >= WAIT_COMMIT:
                break
            self._sleep(0.5)
            waited += 0.5
        who = Identity.from_tags(texts(builder.config.labels)) if builder else None
        return [image.id for image in self._images.of(who.project) if image.run == who.run] if who else []

    def _builder(self, builder_id: str) -> answers.InspectedContainer | None:
        what, found = f"look at builder {builder_id}", None
        with api.asking(what), api.unless_gone("container"):
            found = api.read(answers.InspectedContainer, self._engine.client.api.inspect_container(builder_id), what)
        return found  # noqa: RET504 - None where the assignment was cut short

    def delete(self, builder_id: str) -> None:
        with api.asking(f"delete builder {builder_id}"):
            api.remove_container(self._engine.client, builder_id)


class BuildKeys:
    """The keys of builds of this host.

    Args:
        folder: where they are kept, a folder each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str, public_key: str) -> str:
        """The folder with the seed: its path on this machine."""
        folder = self._folder / name
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

    def all(self) -> list[Key]:
        """Those of this host: nobody else sees the folders of another."""
        return [key for path in sorted(self._folder.glob("*")) if (key := Key.named(str(path), path.name))]

    def delete(self, key_id: str) -> None:
        shutil.rmtree(self._folder / Path(key_id).name, ignore_errors=True)
