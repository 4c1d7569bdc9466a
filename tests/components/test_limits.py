"""Which resources have limits on how long they may take, and what the failure of a droplet says."""

from __future__ import annotations

import json

import pulumi
import pytest

from tests.components.conftest import Fleet
from tests.components.engine import (
    ASSIGNMENT,
    COMMAND,
    DROPLET,
    GROUP,
    INSTANCE,
    PARAMETER,
    PERMISSION,
    RESERVED_IP,
    SECURITY_GROUP,
    TEMPLATE,
    Run,
)
from tests.components.test_machines import cluster

__all__ = ["cluster"]

BY_TYPE: dict[str, tuple[str, ...] | None] = {
    DROPLET: ("10m", "10m", "5m"),
    # The provider takes none for these two, and warns of them; it gives up after 20 minutes.
    RESERVED_IP: None,
    ASSIGNMENT: None,
    # A limit is kept by SIGKILL, which no build could clean up after: each command of ours ends by itself.
    COMMAND: None,
    # The provider's own limits are 10 minutes, or no wait at all.
    INSTANCE: None,
    GROUP: None,
    TEMPLATE: None,
    SECURITY_GROUP: None,
    PARAMETER: None,
    PERMISSION: None,
}
"""Limits on create, update and delete of every type of resource that a stack may have. A new type needs an entry, and a
reason.
"""


def limits(run: Run) -> dict[str, tuple[str, ...] | None]:
    found: dict[str, tuple[str, ...] | None] = {}
    for resource in run.resources:
        if resource.request.custom and not resource.type.startswith("pulumi:"):
            given = resource.request.customTimeouts
            told = (given.create, given.update, given.delete)
            found[resource.type] = told if any(told) else None
    return found


@pytest.fixture
def everything(cluster: Fleet) -> Run:
    """A stack that has every type of resource that there is."""
    cluster.config["bakewell:clouds"] = '["digitalocean", "aws"]'
    aws = {"instances": {"web": {}}, "fleets": {"web": {}}, "launch_accounts": ["111122223333"], "encrypted": False}
    cluster.config["bakewell:aws"] = json.dumps(aws)
    run = cluster.run()
    assert run.error is None, run.said()
    return run


def test_droplets_have_limits_and_no_other_resource_does(everything: Run) -> None:
    assert limits(everything) == BY_TYPE


def test_every_droplet_says_the_remedy_where_it_is_left_half_made(everything: Run) -> None:
    for name, droplet in everything.of_type(DROPLET).items():
        (hook,) = droplet.request.hooks.on_error
        assert hook == f"{name}-remedy"
        failure = pulumi.ErrorHookArgs("", "7", name, DROPLET, failed_operation="create", errors=["context deadline"])
        assert everything.hooks[hook](failure) is False, "it would be tried again"
