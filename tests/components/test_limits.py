"""Which resources have limits on how long they may take, and what the failure of a droplet says."""

from __future__ import annotations

import pulumi

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


def test_droplets_have_limits_and_a_remedy_and_no_other_resource_does(everything: Fleet) -> None:
    run = everything.run()
    assert run.error is None, run.said()
    assert limits(run) == BY_TYPE
    assert len(run.hooks) == 1, "each is a call to the engine in every preview"
    for name, droplet in run.of_type(DROPLET).items():
        (hook,) = droplet.request.hooks.on_error
        failure = pulumi.ErrorHookArgs("", "7", name, DROPLET, failed_operation="create", errors=["context deadline"])
        assert run.hooks[hook](failure) is False, "it would be tried again"
