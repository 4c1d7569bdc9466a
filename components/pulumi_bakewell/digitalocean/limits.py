"""How long an operation on a droplet may take, and what its failure says.

A droplet is the only resource of a stack that needs limits of our own. Without them the provider looks for a droplet
that vanished while it was created for 20 minutes, and says nothing. Its reserved IPs and their assignments take none
and would warn of them; AWS's resources end after 10 minutes by themselves; a Command would be killed without a word to
clean up, so each of ours ends by itself. docs/adr/0030 has the reasons.
"""

from __future__ import annotations

import pulumi

LIMITS = pulumi.CustomTimeouts(create="10m", update="10m", delete="5m")
"""A droplet is active within a minute or two, one of a large snapshot within several. After the limit nothing is lost:
the droplet is recorded, and the next `up` goes on. A deletion first waits for other actions; one minute, the provider's
own limit, is soon over, for it pauses for 20 s in any case."""


def droplet_options(name: str) -> pulumi.ResourceOptions:
    """Options of a droplet: limits, a remedy where it fails, and a new droplet for another size.

    A failure that leaves a droplet recorded says what to do: Pulumi's own message does not. In place, another size
    would power off all droplets of a role at once, and a smaller one then fail.

    Args:
        name: what the hook that says it is called. A program may use each name once, and all its droplets may share
            the options: each hook is a call to the engine in every preview.
    """

    def say(failure: pulumi.ErrorHookArgs) -> bool:
        pulumi.log.warn(advice(failure.name, failure.failed_operation))
        return False  # do not try again

    hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(f"{name}-remedy", say)])
    return pulumi.ResourceOptions(replace_on_changes=["size"], custom_timeouts=LIMITS, hooks=hooks)


def advice(machine: str, operation: str) -> str:
    """What to do once `operation` ("create", "update") on a machine's droplet failed half-way."""
    return (
        f"machine {machine}: the {operation} of its droplet failed half-way, and the stack records the droplet "
        "whether or not it is there\n"
        "  remedy: run `pulumi refresh`, which forgets a droplet that is gone, then `pulumi up`"
    )
