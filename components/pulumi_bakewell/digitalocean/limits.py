"""Time limits of operations on a droplet, and the remedy after a failure.

Only droplets need custom limits. Without them, the provider silently polls for 20 minutes for a droplet that
disappeared during its creation. Reserved IPs and their assignments do not support limits, and the provider warns about
them; AWS's resources have limits of 10 to 20 minutes; a Command at its limit would be killed before it cleans up, so
Bakewell's commands have their own limits. docs/adr/0030 has the reasons.
"""

from __future__ import annotations

import pulumi

LIMITS = pulumi.CustomTimeouts(create="10m", update="10m", delete="5m")
"""A droplet is active within a minute or two, or within several minutes if its snapshot is large. After the limit the
droplet is recorded, and the next `up` continues with it. A deletion first waits for other actions. The provider's own
limit of one minute is too short, because it includes a pause of 20 s."""


def droplet_options(name: str) -> pulumi.ResourceOptions:
    """Options for a droplet: time limits, a warning with the remedy after a failure, and replacement on a new size.

    After a failure that leaves the droplet in the state, the warning names the remedy; Pulumi's own message does not.
    A change of size in place would power off all droplets of a role at once, and a smaller size would then fail.

    Args:
        name: name of the error hook. Each name can be used once in a program. Share the options between droplets,
            because each hook is a call to the engine in every preview.
    """

    def say(failure: pulumi.ErrorHookArgs) -> bool:
        pulumi.log.warn(advice(failure.name, failure.failed_operation))
        return False  # do not try again

    hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-remedy", say)])
    return pulumi.ResourceOptions(replace_on_changes=["size"], custom_timeouts=LIMITS, hooks=hooks)


def advice(machine: str, operation: str) -> str:
    """The warning after `operation` ("create", "update") on a machine's droplet failed half-way."""
    return (
        f"machine {machine}: the {operation} of its droplet failed half-way, and the stack records the droplet "
        "whether or not it is there\n"
        "  remedy: run `pulumi refresh`, which forgets a droplet that is gone, then `pulumi up`"
    )
