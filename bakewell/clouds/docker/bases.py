"""Docker images of others, which builds start from."""

from __future__ import annotations

import shutil

from bakewell.clouds.docker import answers, api
from bakewell.clouds.docker.images import Images, created
from bakewell.clouds.docker.tags import short
from bakewell.clouds.facts import Arch
from bakewell.clouds.resources import Stock
from bakewell.errors import ConfigError


class Bases:
    """What the engine has to build on."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def stock(self, image: str) -> Stock:
        found = self._base(image)
        return Stock(name=f"{image} {short(found.id)}", date=f"{created(found):%Y-%m-%d}", ids={})

    def check(self, base: str, arch: Arch) -> None:
        del arch  # a container has the processors of its host
        if shutil.which("docker") is None:
            raise ConfigError("the program `docker`, which Packer's plugin runs, is not on PATH", remedy="install it")
        self._base(base)

    def usual(self, base: str) -> str:
        return f"bakewell-base:{base}"

    def start(self, image: str) -> str:
        self._base(image)
        return image

    def _base(self, image: str) -> answers.Image:
        if not api.REFERENCE.fullmatch(image):
            raise ConfigError(f"`{image[:60]}` is no image of Docker's", remedy="name it as `docker images` does")
        if found := self._images.look(image):
            return found
        raise ConfigError(
            f"Docker has no image `{image}` to build on",
            remedy="make it as docs/docker.md says, or lock another: bakewell lock BASE --cloud docker --image NAME",
        )
