"""Docker: one engine on this machine, its containers and images.

What machines run as is `bakewell.machine.container`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bakewell.clouds.docker.account import Account
from bakewell.clouds.docker.api import Engine
from bakewell.clouds.docker.bases import Bases
from bakewell.clouds.docker.builders import Builders, BuildKeys
from bakewell.clouds.docker.images import Images
from bakewell.clouds.docker.references import References
from bakewell.settings import Environment


class Docker:
    """One engine: a `bakewell.clouds.protocols.Cloud`.

    Args:
        environment: where it is, and where keys of builds are kept.
        sleep: waits between polls; tests pass their own.
    """

    name = "docker"
    offers = None  # a machine has what its host has
    account_keys = None  # a machine's keys come with its user_data
    stack_checks = None  # whether a port is free here is known when it is taken
    disks = None  # a container's disk is its host's
    importable = None  # the labels of an image cannot be changed
    remains = None  # an image has its labels from its first moment on, and is deleted in one step
    tag_objects = None  # a tag is its image's own

    def __init__(self, environment: Environment, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.engine = Engine(environment)
        self.account = Account(self.engine)
        self.images = Images(self.engine)
        self.references = References(self.engine, self.images)
        self.builders = Builders(self.engine, self.images, sleep)
        self.keys = BuildKeys(environment.state_dir / "docker-keys")
        self.bases = Bases(self.images)

    def now(self) -> float:
        return self.engine.now()
