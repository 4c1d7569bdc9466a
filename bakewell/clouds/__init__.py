"""The clouds, in parts that are the same for each: images, references, builders, keys, bases, account.

`protocols` says what a part does and which parts a cloud may lack; `resources` has the values that they give. Each
cloud has a folder, with a file a part.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bakewell import extras
from bakewell.clouds.facts import CLOUDS
from bakewell.errors import ConfigError

if TYPE_CHECKING:
    from bakewell.clouds.protocols import Cloud
    from bakewell.settings import Environment, Settings


def connect(
    name: str, environment: Environment, settings: Settings, *, sleep: Callable[[float], None] = time.sleep
) -> Cloud:
    """The cloud called `name`, spoken to with the credentials of `environment`. No request is made yet.

    `sleep` waits between polls and retries; one that raises ends the call that waits.

    Raises:
        ConfigError: no such cloud, its extra is not installed, or no token for it.
    """
    extras.check(name)
    if name == "aws":
        from bakewell.clouds.aws import Aws

        own = settings.aws
        return Aws(
            settings.home(name), own.account, settings.builders.aws, own.kms_key, further=own.regions, sleep=sleep
        )
    if name == "docker":
        from bakewell.clouds.docker import Docker

        return Docker(environment, sleep=sleep)
    if name != "digitalocean":
        raise ConfigError(f"unknown cloud `{name}`", remedy=f"use one of: {', '.join(CLOUDS)}")
    from bakewell.clouds.digitalocean import DigitalOcean

    token = environment.require_token()
    return DigitalOcean(environment.endpoint, token, token_name=environment.token_name, sleep=sleep)
